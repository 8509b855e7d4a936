"""What can go wrong on the local cloud, as one sentence a person can act on."""


class LocalCloudError(Exception):
    """The message says what failed, where, and what to do."""


class HomeLocked(LocalCloudError):
    """Another command is at work in the same home folder."""


class ServiceFailed(LocalCloudError):
    """A server of the local cloud did not start, or stopped."""


class NotAnswering(LocalCloudError):
    """A server of the local cloud lives and gives no answer, which is no proof that it is lost."""
