"""What an operator is told: what happened, where, and what to do."""


class OperationsError(Exception):
    """Ends the command; the text is for the person."""


class NotTaken(OperationsError):
    """AWS answered, and did not take what was sent."""
