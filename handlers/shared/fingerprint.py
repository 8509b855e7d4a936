"""What tells a lead's own event from another that carries its id.

RUTs are few: whoever reads the table could try them all against a plain hash, or one whose salt lies beside it. So
AWS KMS makes the fingerprint, with a key that never leaves it; few of the stack's functions may ask for one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import aws, rut, settings, strict_json
from handlers.shared.errors import Unavailable

MAC_ALGORITHM = "HMAC_SHA_256"


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """`older`: the unkeyed digests that an earlier release would have kept of the same lead."""

    mac: str
    older: tuple[str, ...] = ()


class Fingerprints:
    def __init__(self, client: Any, key: str) -> None:
        self._client = client
        self._key = key

    def of(self, lead_id: str, detail: Any) -> Fingerprint:
        """The same for the same data under the same id, by whatever event and in whatever spelling it comes.

        Raise Unavailable.
        """
        own = dict(detail) if isinstance(detail, Mapping) else detail
        if isinstance(own, dict) and own.get("leadId") == lead_id:
            del own["leadId"]  # an event that is sent on may have got it on the way
        try:
            answer = aws.call(
                self._client.generate_mac,
                "Mac",
                KeyId=self._key,
                MacAlgorithm=MAC_ALGORITHM,
                Message=_digest(lead_id, _in_one_spelling(own)),
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("the key of the fingerprints can't be reached; try again later") from error
        return Fingerprint(mac=answer["Mac"].hex(), older=_older(lead_id, own))


@cache
def from_environment() -> Fingerprints:
    return Fingerprints(aws.client("kms"), settings.required("FINGERPRINT_KEY_ARN"))


def _in_one_spelling(detail: Any) -> Any:
    """RUT and phone as the CRM stores them, where they are such: a sender may spell them otherwise next time."""
    if not isinstance(detail, dict):
        return detail
    spelled = dict(detail)
    if isinstance(number := spelled.get("rut"), str) and rut.is_valid(number):
        spelled["rut"] = rut.canonical(number)
    phone = _number(spelled.get("phone"))
    if isinstance(phone, int) and not isinstance(phone, bool):
        spelled["phone"] = str(phone)
    return spelled


def _digest(lead_id: str, value: Any) -> bytes:
    """Does not recurse: an event may be nested thousands of levels deep."""
    digest = hashlib.sha256(json.dumps(lead_id).encode())
    waiting = [value]
    while waiting:
        each = waiting.pop()
        shown: Any = _number(each)
        if isinstance(each, Mapping):
            shown = names = sorted(each)
            waiting += [each[name] for name in names]
        elif isinstance(each, list):
            shown = {"items": len(each)}
            waiting += each
        digest.update(json.dumps(shown).encode() + b"\n")
    return digest.digest()


def _number(value: Any) -> Any:
    """Numbers as a state machine hands them on: 5.0 and 5 are the same, and large ones are not exact."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        real = float(value)
    except OverflowError:
        return "a number beyond every float"
    return int(real) if real.is_integer() else real


def _older(lead_id: str, own: Any) -> tuple[str, ...]:
    if own is None or strict_json.is_too_deep(own):
        return ()
    details = [own]
    if isinstance(own, dict):
        whole = {**own, **({"phone": _number(own["phone"])} if "phone" in own else {})}
        details = [given | more for given in (own, whole) for more in ({}, {"leadId": lead_id})]
    texts = dict.fromkeys(json.dumps(each, sort_keys=True) for each in details)
    return tuple(hashlib.sha256(text.encode()).hexdigest() for text in texts)
