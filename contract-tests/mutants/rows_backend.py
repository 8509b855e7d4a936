"""Breakages of the CRM operations' handlers."""

from mutants import killers
from mutants.mutant import Mutant, rows

_CLIENT = rows("handlers", "handlers/backend/create_client.py")
_PARTNER = rows("handlers", "handlers/backend/create_partner.py")
_BENEFIT = rows("handlers", "handlers/backend/create_benefit.py")
_READ = rows("handlers", "handlers/backend/get_client.py")
_OPERATION = rows("handlers", "handlers/backend/operation.py")
_RECORDS = rows("handlers", "handlers/backend/records.py")
_DATABASE = rows("handlers", "handlers/backend/database.py")

_KEY = 'http.path_parameter(event, "rut", Contract.bundled(), "Rut")'
_NO_CLIENT = 'raise NotFound("there is no client with this RUT") from None'
_IS_BUSY = "if isinstance(error, pymysql.err.OperationalError | pymysql.err.InterfaceError):"

ROWS: tuple[Mutant, ...] = (
    _CLIENT(
        "a phone that came as a number is compared as one",
        "phone if isinstance(phone, str) else str(int(phone))",
        "phone",
        killers=killers.REPEAT,
    ),
    _CLIENT(
        "a phone loses its plus sign",
        "phone if isinstance(phone, str)",
        'phone.lstrip("+") if isinstance(phone, str)',
        killers=killers.LIMITS,
    ),
    _CLIENT(
        "the names are swapped", '"name": client["name"]', '"name": client["lastname"]', killers=killers.READ_BACK
    ),
    _CLIENT(
        "an e-mail address is stored in small letters",
        'client["mail"]',
        'client["mail"].lower()',
        killers=killers.LIMITS,
    ),
    _CLIENT(
        "a name is cut",
        '"lastname": client["lastname"]',
        '"lastname": client["lastname"][:99]',
        killers=killers.LIMITS,
    ),
    _PARTNER(
        "a store is stored in small letters",
        'partner["store"]',
        'partner["store"].lower()',
        killers=killers.WHOLE_CLIENT,
    ),
    _BENEFIT("every client wants the benefit", 'int(benefit["wantsBenefit"])', "1", killers=killers.WHOLE_CLIENT),
    _READ("a small k is not found", f"rut.canonical({_KEY})", _KEY, killers=killers.K),
    _READ(
        "a client answers 206",
        "http.resource(200, client)",
        "http.resource(206, client)",
        killers=killers.READ_BACK,
    ),
    _OPERATION(
        "a created row answers 201",
        "return http.message(200,",
        "return http.message(201 if created else 200,",
        killers=killers.READ_BACK,
    ),
    _OPERATION(
        "a repeated request answers 208",
        "return http.message(200,",
        "return http.message(200 if created else 208,",
        killers=killers.REPEAT,
    ),
    _OPERATION(
        "the message's code is in small letters",
        "{table.noun.upper()}_{outcome}",
        "{table.noun}_{outcome}",
        killers=killers.READ_BACK,
    ),
    _OPERATION(
        "the row is not written",
        "lambda cursor: records.create(cursor, table, key, row, lead_id)",
        "lambda cursor: True",
        killers=killers.READ_BACK,
    ),
    _OPERATION(
        "the row does not say which lead it belongs to",
        "table, key, row, lead_id)",
        "table, key, row, None)",
        killers=killers.CORRELATION,
    ),
    _RECORDS(
        "a client's record lacks its mail",
        '("name", "lastname", "phone", "mail")',
        '("name", "lastname", "phone")',
        killers=killers.READ_BACK,
    ),
    _RECORDS("a client's record lacks its RUT", '{"rut": rut, **client}', "{**client}", killers=killers.READ_BACK),
    _RECORDS(
        "a client's record has a field more",
        '{"rut": rut, **client}',
        '{"rut": rut, "id": rut, **client}',
        killers=killers.READ_BACK,
    ),
    _RECORDS(
        "the partner is only its store",
        '{"store": partner["store"]}',
        'partner["store"]',
        killers=killers.WHOLE_CLIENT,
    ),
    _RECORDS(
        "the benefit is not told",
        "if benefit := _find(cursor, BENEFIT, rut):",
        "if benefit := None:",
        killers=killers.WHOLE_CLIENT,
    ),
    _RECORDS(
        "wantsBenefit is a number",
        'bool(benefit["wants_benefit"])',
        'benefit["wants_benefit"]',
        killers=killers.WHOLE_CLIENT,
    ),
    _RECORDS(
        "an unknown client answers 200",
        'raise NotFound("there is no client with this RUT")',
        "return {}",
        after="if client is None:",
        killers=killers.ORPHAN,
    ),
    _RECORDS(
        "a partner without a client is a conflict",
        _NO_CLIENT,
        _NO_CLIENT.replace("NotFound", "Conflict"),
        killers=killers.ORPHAN,
    ),
    _RECORDS("a partner without a client passes for created", _NO_CLIENT, "return True", killers=killers.ORPHAN),
    _RECORDS(
        "other data passes for the same", "if stored != {", "if stored is None and {", killers=killers.REPEAT
    ),
    _RECORDS("the same data is a conflict", "if stored != {", "if stored == {", killers=killers.REPEAT),
    _RECORDS(
        "a repeated request fails",
        "if error.args[0] != ER.DUP_ENTRY:",
        "if error.args[0] == ER.DUP_ENTRY:",
        killers=killers.REPEAT,
    ),
    _RECORDS(
        "other data replaces the row",
        'f"INSERT INTO {table.name}',
        'f"REPLACE INTO {table.name}',
        killers=killers.REPEAT,
    ),
    _RECORDS(
        "a conflict quotes the stored row",
        'f"the CRM holds another {table.noun} under',
        'f"the CRM holds {stored} under',
        killers=killers.REPEAT,
    ),
    _DATABASE("nothing is committed", "                connection.commit()\n", "", killers=killers.READ_BACK),
    _DATABASE("only Latin letters can be stored", 'charset="utf8mb4"', 'charset="latin1"', killers=killers.LIMITS),
    _DATABASE("a busy database passes for a fault of ours", _IS_BUSY, "if error is None:", killers=killers.BUSY),
    _DATABASE(
        "a busy database's error is told to the caller",
        'DatabaseUnavailable("the customer database can\'t be reached or is busy; try again later")',
        "DatabaseUnavailable(str(error))",
        killers=killers.BUSY,
    ),
    _DATABASE("a wrong statement passes for a busy database", _IS_BUSY, "if error:", killers=killers.FAULT),
)
