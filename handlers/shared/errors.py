"""Every error of the domain. `handlers.shared.http` maps the ones that a caller may see to a status."""


class LeadbridgeError(Exception):
    """Base of all. `code` is short and for programs; the text is a sentence without personal data."""

    code = "INTERNAL_ERROR"
    # Seconds after which the caller may try again, where the error knows them.
    retry_after: int | None = None


class InvalidRequest(LeadbridgeError):
    """The request or the event does not hold to the contract."""

    code = "INVALID_REQUEST"


class UnsupportedMediaType(LeadbridgeError):
    code = "UNSUPPORTED_MEDIA_TYPE"


class BodyTooLarge(LeadbridgeError):
    code = "BODY_TOO_LARGE"


class NotFound(LeadbridgeError):
    code = "NOT_FOUND"


class Conflict(LeadbridgeError):
    """Other data stands under the same natural key."""

    code = "CONFLICT"


class DailyLimitReached(LeadbridgeError):
    """The intake takes no more leads today."""

    code = "DAILY_LIMIT_REACHED"

    def __init__(self, text: str, *, retry_after: int) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Unavailable(LeadbridgeError):
    """Something that this function depends on can't be reached or is busy; the same call may succeed later."""

    code = "UNAVAILABLE"


class DatabaseUnavailable(Unavailable):
    code = "DATABASE_UNAVAILABLE"


class EventBusUnavailable(Unavailable):
    code = "EVENT_BUS_UNAVAILABLE"


class CrmUnavailable(LeadbridgeError):
    """The CRM API didn't answer as the contract says, or asked to come back later. The flow retries it."""

    code = "CRM_UNAVAILABLE"


class CrmRejected(LeadbridgeError):
    """The CRM API refused the request for good. The flow doesn't retry it."""

    code = "CRM_REJECTED"


class InvalidLead(InvalidRequest):
    """An event on the bus is not a lead. The flow records it as failed."""

    code = "INVALID_LEAD"


class IdOfAnotherLead(LeadbridgeError):
    """An event carries the id of a lead whose data are others. The flow hands it to an operator."""

    code = "ID_OF_ANOTHER_LEAD"


class MissingSetting(LeadbridgeError):
    """The function's environment lacks a variable."""


class MigrationFailed(LeadbridgeError):
    """The database's schema could not be brought up to date."""
