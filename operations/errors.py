"""What an operator is told: what happened, where, and what to do."""

from command_line import boundary


class OperationsError(Exception):
    """Ends the command; the text is for the person."""

    exit_code = boundary.FAILED


class Unusable(OperationsError):
    """An option, the stack's name or its outputs can't be used; nothing was begun."""

    exit_code = boundary.UNUSABLE


class NotTaken(OperationsError):
    """AWS answered, and did not take what was sent."""
