"""The event that carries one lead over the bus."""

DETAIL_TYPE = "LeadReceived"
SOURCE_PREFIX = "leadbridge."


def source(origin: str) -> str:
    return SOURCE_PREFIX + origin
