"""Breakages of what the handlers share: HTTP, validation, the table of leads."""

from mutants import killers
from mutants.mutant import Mutant, rows

_HTTP = rows("handlers", "handlers/shared/http.py")
_CONTRACT = rows("handlers", "handlers/shared/contract.py")
_JSON = rows("handlers", "handlers/shared/strict_json.py")
_RUT = rows("handlers", "handlers/shared/rut.py")
_LEADS = rows("handlers", "handlers/shared/lead_table.py")
_SECRETS = rows("handlers", "handlers/shared/secrets.py")

_MESSAGE = '"statusCode": status, "message": code'

ROWS: tuple[Mutant, ...] = (
    _HTTP("a conflict answers 400", "(Conflict, 409)", "(Conflict, 400)", killers=killers.REPEAT),
    _HTTP("an unknown resource answers 400", "(NotFound, 404)", "(NotFound, 400)", killers=killers.ORPHAN),
    _HTTP("a large body answers 400", "(BodyTooLarge, 413)", "(BodyTooLarge, 400)", killers=killers.BODIES),
    _HTTP(
        "a wrong media type answers 400",
        "(UnsupportedMediaType, 415)",
        "(UnsupportedMediaType, 400)",
        killers=killers.MEDIA_TYPES,
    ),
    _HTTP(
        "an invalid request answers 422", "(InvalidRequest, 400)", "(InvalidRequest, 422)", killers=killers.BODIES
    ),
    _HTTP("a busy database answers 500", "(Unavailable, 503)", "(Unavailable, 500)", killers=killers.BUSY),
    _HTTP(
        "a 503 does not say when to come back",
        "if status == 503 else None",
        "if status == 599 else None",
        killers=killers.BUSY,
    ),
    _HTTP(
        "an unexpected error is told to the caller",
        "answer = _internal_error()",
        'answer = message(500, "INTERNAL_ERROR", f"{error!r}")',
        killers=killers.FAULT,
    ),
    _HTTP(
        "an unexpected error passes for a success",
        "return message(500,",
        "return message(200,",
        killers=killers.FAULT,
    ),
    _HTTP(
        "an unexpected error reaches the gateway",
        "except Exception as error:  # the boundary: no internals may leave it",
        "except ZeroDivisionError as error:",
        killers=killers.FAULT,
    ),
    _HTTP(
        "an answer is no JSON by its media type",
        '"Content-Type": "application/json",',
        '"Content-Type": "text/plain",',
        killers=killers.READ_BACK,
    ),
    _HTTP("a page can't read the answers", 'answer["headers"] |= _cors()', "pass", killers=killers.CORS),
    _HTTP(
        "a page can't read where its lead is",
        '"Access-Control-Expose-Headers": "Location, Retry-After"',
        '"Access-Control-Expose-Headers": "Retry-After"',
        killers=killers.CORS,
    ),
    _HTTP(
        "the message's status is text",
        _MESSAGE,
        '"statusCode": str(status), "message": code',
        killers=killers.REPEAT,
    ),
    _HTTP(
        "the message tells another status than the answer",
        _MESSAGE,
        '"statusCode": 200, "message": code',
        killers=killers.REPEAT,
    ),
    _HTTP(
        "the message's code has another name",
        '"message": code, "description"',
        '"code": code, "description"',
        killers=killers.REPEAT,
    ),
    _HTTP("the message has no description", ', "description": description}', "}", killers=killers.REPEAT),
    _HTTP(
        "the message has one field more",
        '"description": description}',
        '"description": description, "timestamp": 0}',
        killers=killers.REPEAT,
    ),
    _HTTP(
        "header names must be in small letters",
        "if key.lower() == name:",
        "if key == name:",
        killers=killers.HEADER_CASE,
    ),
    _HTTP(
        "a body of 16 KiB is too large",
        "if len(data) > MAX_BODY_BYTES:",
        "if len(data) >= MAX_BODY_BYTES:",
        killers=killers.WELL_FORMED,
    ),
    _HTTP("a body of any size is taken", "if len(data) > MAX_BODY_BYTES:", "if not data:", killers=killers.BODIES),
    _HTTP(
        "a compressed body is read",
        '    _require_plain(header(event, "content-encoding"))\n',
        "",
        killers=killers.CODINGS,
    ),
    _HTTP(
        "a body is not held to the contract", "    contract.validate(schema, body)\n", "", killers=killers.BODIES
    ),
    _HTTP(
        "a path parameter is not held to the contract",
        "contract.validate(schema, value, called=name)",
        "contract.holds(schema, value)",
        killers=killers.CHECK_CHARACTER,
    ),
    _HTTP(
        "the lead's id in the header is not checked",
        'contract.validate("LeadId", value, called="X-Lead-Id")',
        "pass",
        killers=killers.LEAD_HEADER,
    ),
    _CONTRACT(
        "a RUT's check character may be wrong",
        '"rut": rut.is_valid',
        '"rut": lambda _text: True',
        killers=killers.CHECK_CHARACTER,
    ),
    _CONTRACT(
        "any text is an e-mail address", "_MAIL.fullmatch(text) is not None", "True", killers=killers.VALIDATORS
    ),
    _CONTRACT(
        "an e-mail address may end in anything",
        "_MAIL.fullmatch(text) is not None",
        "_MAIL.match(text) is not None",
        killers=killers.FIELDS,
    ),
    _CONTRACT(
        "an e-mail address needs no dot in its domain",
        "@(?:{_LABEL}\\.)+{_LABEL}",
        "@(?:{_LABEL}\\.)*{_LABEL}",
        killers=killers.VALIDATORS,
    ),
    _CONTRACT(
        "a plus sign is no part of an e-mail address",
        "!#$%&'*+/=?^_`{|}~-]+",
        "!#$%&'*/=?^_`{|}~-]+",
        killers=killers.LIMITS,
    ),
    _CONTRACT(
        "a refusal quotes what was sent",
        '{_expectation(rules, value[field])}"\n',
        '{_expectation(rules, value[field])}, not {value[field]}"\n',
        killers=killers.REFUSALS,
    ),
    _JSON(
        "any media type is taken",
        'media_type.strip().lower() == "application/json" and all(',
        "all(",
        killers=killers.MEDIA_TYPES,
    ),
    _JSON(
        "any charset is taken",
        'charset == "utf-8" for charset',
        "charset for charset",
        killers=killers.MEDIA_TYPES,
    ),
    _JSON(
        "NaN is taken for a number",
        "parse_constant=_refuse_constant, ",
        "",
        killers=killers.BODIES,
        harmless="no field takes a number that is not whole, so the schemas refuse NaN as well",
    ),
    _JSON(
        "a field may be named twice",
        "if len(result) != len(pairs):",
        "if len(result) > len(pairs):",
        killers=killers.BODIES,
    ),
    _JSON(
        "half of a surrogate pair is taken",
        "        json.dumps(value, ensure_ascii=False).encode()\n",
        "",
        killers=killers.FIELDS,
    ),
    _JSON(
        "bottomless nesting is not expected",
        "except RecursionError:",
        "except ZeroDivisionError:",
        killers=killers.BODIES,
    ),
    _JSON(
        "invalid JSON is not expected",
        "except ValueError:  # JSON",
        "except ZeroDivisionError:  # JSON",
        killers=killers.BODIES,
    ),
    _JSON("broken UTF-8 is taken", 'if "\\ufffd" in text:', 'if "\\x00" in text:', killers=killers.FIELDS),
    _RUT(
        "the check character has other weights",
        "cycle(range(2, 8))",
        "cycle(range(2, 9))",
        killers=killers.READ_BACK,
    ),
    _RUT("the check character K is not known", '"0123456789K0"', '"0123456789A0"', killers=killers.K),
    _RUT("a small k is refused", "== match[2].upper()", "== match[2]", killers=killers.K),
    _RUT("a small k is another client", 'rut.lstrip("0").upper()', 'rut.lstrip("0")', killers=killers.K),
    _RUT(
        "leading zeros are another client",
        'rut.lstrip("0").upper()',
        "rut.upper()",
        killers=killers.LEADING_ZEROS,
    ),
    _LEADS(
        "a lead's status has no step",
        '("leadId", "status", "step", "updatedAt")',
        '("leadId", "status", "updatedAt")',
        killers=killers.LEAD,
    ),
    _LEADS(
        "a lead's status has one field more",
        'result["error"] = _plain(item["error"])',
        'result["error"] = {**_plain(item["error"]), "retries": 0}',
        killers=killers.NO_LEAD,
    ),
    _LEADS(
        "a lead's times have no zone", '.replace("+00:00", "Z")', '.replace("+00:00", "")', killers=killers.LEAD
    ),
    _LEADS("why a lead failed is not told", 'if "error" in item:', 'if "cause" in item:', killers=killers.NO_LEAD),
    _LEADS(
        "a second event takes the lead again",
        'f"attribute_not_exists(leadId) OR (#status = :submitted{free})"',
        '"attribute_not_exists(leadId) OR attribute_exists(leadId)"',
        after="REMOVE #error, failed, warnings",
        killers=killers.DUPLICATE,
    ),
    _LEADS(
        "the last step does not complete the lead",
        "COMPLETED if final else PROCESSING",
        "PROCESSING",
        killers=killers.OWN_ID,
    ),
    _SECRETS(
        "a rotated key is never read again",
        "if self._value is None or fresh:",
        "if self._value is None:",
        killers=killers.ROTATION,
    ),
)
