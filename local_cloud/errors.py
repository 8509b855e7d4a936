"""What can go wrong on the local cloud, as one sentence a person can act on."""

from collections.abc import Sequence

from command_line import boundary


class LocalCloudError(Exception):
    """The message says what failed, where, and what to do."""

    exit_code = boundary.FAILED


class Unusable(LocalCloudError):
    """The command line or a setting can't be used; nothing was begun."""

    exit_code = boundary.UNUSABLE


class NotDeployed(LocalCloudError):
    """Some resource, or the program itself, failed. `errors` were shown as they came."""

    def __init__(self, text: str, errors: Sequence[str]) -> None:
        super().__init__(text)
        self.details = {"errors": list(errors)}


class HomeLocked(LocalCloudError):
    """Another command is at work in the same home folder."""


class ServiceFailed(LocalCloudError):
    """A server of the local cloud did not start, or stopped."""


class NotAnswering(LocalCloudError):
    """A server of the local cloud lives and gives no answer, which is no proof that it is lost."""
