"""Breakages of what the handlers share: HTTP, validation, the table of leads."""

from mutants.mutant import Mutant, rows

_HTTP = rows("handlers", "handlers/shared/http.py")
_CONTRACT = rows("handlers", "handlers/shared/contract.py")
_JSON = rows("handlers", "handlers/shared/strict_json.py")
_RUT = rows("handlers", "handlers/shared/rut.py")
_LEADS = rows("handlers", "handlers/shared/lead_table.py")
_SECRETS = rows("handlers", "handlers/shared/secrets.py")

ROWS: tuple[Mutant, ...] = (
    _HTTP("a conflict answers 400", "(Conflict, 409)", "(Conflict, 400)"),
    _HTTP("an unknown resource answers 400", "(NotFound, 404)", "(NotFound, 400)"),
    _HTTP("a large body answers 400", "(BodyTooLarge, 413)", "(BodyTooLarge, 400)"),
    _HTTP("a wrong media type answers 400", "(UnsupportedMediaType, 415)", "(UnsupportedMediaType, 400)"),
    _HTTP("an invalid request answers 422", "(InvalidRequest, 400)", "(InvalidRequest, 422)"),
    _HTTP("an unreachable database answers 500", "(Unavailable, 503)", "(Unavailable, 500)"),
    _HTTP("a 503 does not say when to come back", "if status == 503 else None", "if False else None"),
    _HTTP(
        "an unexpected error is told to the caller",
        "answer = _internal_error()",
        'answer = message(500, "INTERNAL_ERROR", f"{error!r}")',
    ),
    _HTTP("an unexpected error passes for a success", "return message(500,", "return message(200,"),
    _HTTP(
        "an unexpected error reaches the gateway",
        "except Exception as error:  # the boundary: no internals may leave it",
        "except ZeroDivisionError as error:",
    ),
    _HTTP(
        "an answer is no JSON by its media type",
        '"Content-Type": "application/json",',
        '"Content-Type": "text/plain",',
    ),
    _HTTP("an answer may be cached", '    "Cache-Control": "no-store",\n', ""),
    _HTTP("a page can't read the answer", 'answer["headers"] |= _cors()', "pass"),
    _HTTP(
        "a page can't read where its lead is",
        '"Access-Control-Expose-Headers": "Location, Retry-After"',
        '"Vary": "Origin"',
    ),
    _HTTP(
        "the message's status is text",
        '"statusCode": status, "message": code',
        '"statusCode": str(status), "message": code',
    ),
    _HTTP(
        "the message's status is not the answer's",
        '"statusCode": status, "message": code',
        '"statusCode": 200, "message": code',
    ),
    _HTTP("the message's code has another name", '"message": code, "description"', '"code": code, "description"'),
    _HTTP("the message has no description", ', "description": description}', "}"),
    _HTTP(
        "the message has one field more",
        '"description": description}',
        '"description": description, "timestamp": 0}',
    ),
    _HTTP("the name of a header must be in small letters", "if key.lower() == name:", "if key == name:"),
    _JSON("any media type is taken", 'media_type.strip().lower() == "application/json" and all(', "all("),
    _JSON("any charset is taken", 'charset == "utf-8" for charset', "charset for charset"),
    _HTTP("16 KiB are too many", "if len(data) > MAX_BODY_BYTES:", "if len(data) >= MAX_BODY_BYTES:"),
    _HTTP("a body of any size is taken", "if len(data) > MAX_BODY_BYTES:", "if False:"),
    _HTTP("a body is not held to the contract", "    contract.validate(schema, body)\n", ""),
    _HTTP(
        "a path parameter is not held to the contract",
        "contract.validate(schema, value)",
        "contract.holds(schema, value)",
    ),
    _HTTP("the lead's id in the header is not checked", 'contract.validate("LeadId", value)', "pass"),
    _CONTRACT("a RUT's check character may be wrong", '"rut": rut.is_valid', '"rut": lambda _text: True'),
    _CONTRACT("any text is an e-mail address", "_MAIL.fullmatch(text) is not None", "True"),
    _CONTRACT(
        "an e-mail address may end in anything",
        "_MAIL.fullmatch(text) is not None",
        "_MAIL.match(text) is not None",
    ),
    _CONTRACT(
        "an e-mail address needs no dot in its domain", "@(?:{_LABEL}\\.)+{_LABEL}", "@(?:{_LABEL}\\.)*{_LABEL}"
    ),
    _CONTRACT("a plus sign is no part of an e-mail address", "!#$%&'*+/=?^_`{|}~-]+", "!#$%&'*/=?^_`{|}~-]+"),
    _CONTRACT(
        "a refusal quotes what was sent",
        '{_expectation(rules)}"\n',
        '{_expectation(rules)}, not {value[field]}"\n',
    ),
    _CONTRACT(
        "a refusal names the first field only",
        '"; ".join(self._problems(name, value))',
        "self._problems(name, value)[0]",
    ),
    _JSON("NaN is taken for a number", "parse_constant=_refuse_constant, ", ""),
    _JSON("a field may be named twice", "if len(result) != len(pairs):", "if False:"),
    _JSON("half of a surrogate pair is taken", "        json.dumps(value, ensure_ascii=False).encode()\n", ""),
    _JSON("bottomless nesting is not expected", "except RecursionError:", "except ZeroDivisionError:"),
    _JSON("invalid JSON is not expected", "except ValueError:  # JSON", "except ZeroDivisionError:  # JSON"),
    _JSON("broken UTF-8 is taken", 'if "\\ufffd" in text:', "if False:"),
    _RUT("the check character has other weights", "cycle(range(2, 8))", "cycle(range(2, 9))"),
    _RUT("the check character K is not known", '"0123456789K0"[11 - total % 11]', '"01234567890"[-total % 11]'),
    _RUT("a small k is refused", "== match[2].upper()", "== match[2]"),
    _RUT("a small k is another client", "return rut.upper()", "return rut"),
    _LEADS(
        "a lead's status has no step",
        '("leadId", "status", "step", "updatedAt")',
        '("leadId", "status", "updatedAt")',
    ),
    _LEADS(
        "a lead's status has another name",
        '"step", "updatedAt")}',
        '"step", "updatedAt")} | {"state": item["status"]["S"]}',
    ),
    _LEADS("a lead's times have no zone", '.replace("+00:00", "Z")', '.replace("+00:00", "")'),
    _LEADS(
        "an unknown lead has a status",
        "if not item:\n            raise NotFound",
        "if item == {}:\n            raise NotFound",
    ),
    _LEADS("why a lead failed is not told", 'if "error" in item:', "if False:"),
    _LEADS("warnings are an object", 'list(_plain(item["warnings"]).values())', '_plain(item["warnings"])'),
    _LEADS("a step's warning is lost", "        if warning:\n", "        if warning is None and final is None:\n"),
    _LEADS(
        "a second event takes the lead again",
        '"attribute_not_exists(leadId) OR #status IN (:submitted, :failed)"',
        '"attribute_not_exists(leadId) OR attribute_exists(leadId)"',
        after="REMOVE #error, failed, warnings",
    ),
    _LEADS(
        "a failed lead can't be replayed",
        "OR #status IN (:submitted, :failed)",
        "OR #status = :submitted",
        after="REMOVE #error, failed, warnings",
    ),
    _LEADS("the last step does not complete the lead", "COMPLETED if final else PROCESSING", "PROCESSING"),
    _SECRETS("a rotated key is never read again", "if self._value is None or fresh:", "if self._value is None:"),
)
