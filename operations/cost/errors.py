"""What can keep a cost from being estimated."""

from command_line import boundary


class CostError(Exception):
    """The message says what is missing, and what to do."""

    exit_code = boundary.UNUSABLE
