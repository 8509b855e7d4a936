"""What can keep a cost from being estimated."""


class CostError(Exception):
    """The message says what is missing, and what to do."""
