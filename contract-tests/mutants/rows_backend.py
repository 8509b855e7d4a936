"""Breakages of the CRM operations' handlers."""

from mutants.mutant import Mutant, rows

_CLIENT = rows("handlers", "handlers/backend/create_client.py")
_PARTNER = rows("handlers", "handlers/backend/create_partner.py")
_BENEFIT = rows("handlers", "handlers/backend/create_benefit.py")
_READ = rows("handlers", "handlers/backend/get_client.py")
_OPERATION = rows("handlers", "handlers/backend/operation.py")
_RECORDS = rows("handlers", "handlers/backend/records.py")
_DATABASE = rows("handlers", "handlers/backend/database.py")

ROWS: tuple[Mutant, ...] = (
    _CLIENT(
        "a phone that came as a number is compared as one",
        "phone if isinstance(phone, str) else str(int(phone))",
        "phone",
    ),
    _CLIENT(
        "a phone loses its plus sign",
        "phone if isinstance(phone, str)",
        'phone.lstrip("+") if isinstance(phone, str)',
    ),
    _CLIENT("the names are swapped", '"name": client["name"]', '"name": client["lastname"]'),
    _CLIENT("an e-mail address is stored in small letters", 'client["mail"]', 'client["mail"].lower()'),
    _CLIENT("a name is cut", '"lastname": client["lastname"]', '"lastname": client["lastname"][:50]'),
    _CLIENT("createClient checks by another schema", '"Client", records', '"LeadId", records'),
    _PARTNER("a store is stored in capitals", 'partner["store"]', 'partner["store"].upper()'),
    _BENEFIT("every client wants the benefit", 'int(benefit["wantsBenefit"])', "1"),
    _BENEFIT("wantsBenefit is turned around", 'int(benefit["wantsBenefit"])', 'int(not benefit["wantsBenefit"])'),
    _READ(
        "a small k is not found",
        'rut.normalise(http.path_parameter(event, "rut", Contract.bundled(), "Rut"))',
        'http.path_parameter(event, "rut", Contract.bundled(), "Rut")',
    ),
    _READ("a client answers 206", "http.resource(200, client)", "http.resource(206, client)"),
    _OPERATION(
        "a created row answers 201", "return http.message(200,", "return http.message(201 if created else 200,"
    ),
    _OPERATION(
        "a repeated request answers 208",
        "return http.message(200,",
        "return http.message(200 if created else 208,",
    ),
    _OPERATION(
        "the message's code is in small letters", "{table.noun.upper()}_{outcome}", "{table.noun}_{outcome}"
    ),
    _OPERATION(
        "the row is not written",
        "lambda cursor: records.create(cursor, table, key, row, lead_id)",
        "lambda cursor: True",
    ),
    _OPERATION(
        "the row does not say which lead it belongs to", "table, key, row, lead_id)", "table, key, row, None)"
    ),
    _OPERATION("the RUT is stored as it came", 'rut.normalise(body["rut"])', 'body["rut"]'),
    _RECORDS(
        "a client's record lacks its mail",
        '("name", "lastname", "phone", "mail")',
        '("name", "lastname", "phone")',
    ),
    _RECORDS("a client's record lacks its RUT", '{"rut": rut, **client}', "{**client}"),
    _RECORDS("a client's record has a field more", '{"rut": rut, **client}', '{"rut": rut, "id": rut, **client}'),
    _RECORDS("the partner is only its store", '{"store": partner["store"]}', 'partner["store"]'),
    _RECORDS("the partner is not told", "if partner := _find(cursor, PARTNER, rut):", "if partner := None:"),
    _RECORDS("the benefit is not told", "if benefit := _find(cursor, BENEFIT, rut):", "if benefit := None:"),
    _RECORDS("wantsBenefit is a number", 'bool(benefit["wants_benefit"])', 'benefit["wants_benefit"]'),
    _RECORDS(
        "an unknown client answers 200",
        'raise NotFound("there is no client with this RUT")',
        "return {}",
        after="if client is None:",
    ),
    _RECORDS(
        "a partner without a client is a conflict",
        'raise NotFound("there is no client with this RUT") from None',
        'raise Conflict("there is no client with this RUT") from None',
    ),
    _RECORDS(
        "a partner without a client passes for created",
        'raise NotFound("there is no client with this RUT") from None',
        "return True",
    ),
    _RECORDS("other data passes for the same", "if stored != {", "if stored is None and {"),
    _RECORDS("the same data is a conflict", "if stored != {", "if stored == {"),
    _RECORDS("a repeated request fails", "if error.args[0] != ER.DUP_ENTRY:", "if error.args[0] == ER.DUP_ENTRY:"),
    _RECORDS("other data replaces the row", 'f"INSERT INTO {table.name}', 'f"REPLACE INTO {table.name}'),
    _RECORDS("a conflict names the stored row", "under this RUT; nothing was changed", "under this RUT: {stored}"),
    _DATABASE("nothing is committed", "                connection.commit()\n", ""),
    _DATABASE("only Latin letters can be stored", 'charset="utf8mb4"', 'charset="latin1"'),
    _DATABASE(
        "a busy database passes for a fault of ours",
        "if isinstance(error, pymysql.err.OperationalError | pymysql.err.InterfaceError):",
        "if False:",
    ),
    _DATABASE(
        "a busy database's error is told to the caller",
        '"the customer database can\'t be reached or is busy; try again later"',
        "str(error)",
    ),
    _DATABASE(
        "a wrong statement passes for a busy database",
        "if isinstance(error, pymysql.err.OperationalError | pymysql.err.InterfaceError):",
        "if True:",
    ),
    _DATABASE("a lock is waited for without end", "LOCK_WAIT_TIMEOUT = 3", "LOCK_WAIT_TIMEOUT = 300"),
)
