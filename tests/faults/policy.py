"""How often the flow's retry policy lets a call be tried, from the policy itself."""

import math
from collections.abc import Iterator

from components.flow_definition import RETRY, STEPS


def waits() -> Iterator[float]:
    """Seconds between the tries of one state, without jitter, as the local cloud waits."""
    for number in range(RETRY["MaxAttempts"]):
        yield min(RETRY["IntervalSeconds"] * RETRY["BackoffRate"] ** number, RETRY["MaxDelaySeconds"])


RECOVERY = 60  # real seconds, for a restart and for the queue that has grown, on a loaded machine
TRIES = RETRY["MaxAttempts"] + 1
BUDGET = sum(waits())


def scale_for(outage: float) -> float:
    """Of the waits, so that the retries outlast an outage of so many real seconds and what comes after it."""
    return (2 * outage + RECOVERY) / BUDGET


def failed_tries(outage: float, scale: float) -> int:
    """The most that one lead can try in vain while nothing answers for `outage` real seconds."""
    tries, now = 1, 0.0
    for wait in waits():
        now += wait * scale
        if now > outage:
            break
        tries += 1
    return tries


def calls_within(leads: int, outage: float, scale: float) -> int:
    """The most calls to the API: each lead's steps once, and its tries in vain, which are all in one step."""
    return leads * (len(STEPS) + failed_tries(outage, scale))


def calls_at_refusal(leads: int, share: float) -> int:
    """The most calls to the API when each is refused with probability `share`.

    The calls until a success are geometrically distributed: their mean, and six standard deviations more, which
    chance exceeds once in a thousand million runs.
    """
    successes = leads * len(STEPS)
    return math.ceil(successes / (1 - share) + 6 * math.sqrt(successes * share) / (1 - share))
