"""The deployed database's limits are the contract's: what the API accepts fits, and what fits is accepted."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest
from support.stack import ROOT, Stack

from components import openapi

DOCUMENT = openapi.load(ROOT / "openapi.yaml")
SCHEMAS = openapi.bundle(DOCUMENT, DOCUMENT["components"]["schemas"])
COLUMNS = {
    "CLIENTS": (
        "Client",
        {"rut": "rut", "name": "name", "lastname": "lastname", "phone": "phone", "mail": "mail"},
    ),
    "PARTNER": ("Partner", {"rut": "rut", "store": "store"}),
    "BENEFIT": ("Benefit", {"rut": "rut", "wantsBenefit": "wants_benefit"}),
}
CASES = [(table, schema, f, column) for table, (schema, fields) in COLUMNS.items() for f, column in fields.items()]


Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def query(stack: Stack) -> Iterator[Query]:
    assert stack.outputs, "these tests read the database: run them on the local stack, without URL"
    address = stack.outputs["database"]
    connection = pymysql.connect(
        host=address["host"],
        port=address["port"],
        user=address["user"],
        password=address["password"],
        database=address["name"],
        charset="utf8mb4",
    )

    def run(statement: str, *values: object) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    yield run
    connection.close()


def columns(query: Query, table: str) -> dict[str, dict[str, Any]]:
    names = ("name", "type", "length", "charset", "collation", "nullable")
    rows = query(
        "SELECT COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, CHARACTER_SET_NAME, COLLATION_NAME, IS_NULLABLE"
        " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s",
        table,
    )
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def limits(rules: dict[str, Any]) -> tuple[int, str]:
    """The most characters that a field's schema lets through, and their pattern."""
    texts = [each for each in rules.get("oneOf", [rules]) if each.get("type") == "string"]
    assert len(texts) == 1
    return texts[0]["maxLength"], texts[0].get("pattern", "")


@pytest.mark.parametrize(("table", "schema", "field", "column"), CASES, ids=lambda value: str(value))
def test_a_column_holds_exactly_what_the_contract_lets_through(
    query: Query, table: str, schema: str, field: str, column: str
) -> None:
    found = columns(query, table)[column]
    # a request may spell a RUT with leading zeros; stored is what an answer holds
    rules = SCHEMAS["CanonicalRut"] if field == "rut" else SCHEMAS[schema]["properties"][field]
    assert found["nullable"] == "NO"
    if rules.get("type") == "boolean":
        assert found["type"] == "tinyint"
        return
    longest, pattern = limits(rules)
    assert (found["type"], found["length"]) == ("varchar", longest)
    wide = any(re.match(pattern, each) for each in ("ñ", "李")) and rules.get("format") != "email"
    assert found["charset"] == ("utf8mb4" if wide else "ascii")
    if not wide:
        assert found["collation"] == "ascii_bin", "keys and codes differ by case"


def test_a_phone_as_a_number_fits_as_text() -> None:
    text, number = SCHEMAS["Client"]["properties"]["phone"]["oneOf"]
    for bound in (number["minimum"], number["maximum"]):
        assert re.fullmatch(text["pattern"], str(bound)), "it is stored as text and read back by the text's rule"
        beyond = bound - 1 if bound == number["minimum"] else bound + 1
        assert not re.fullmatch(text["pattern"], str(beyond)), "the two forms allow the same numbers"


@pytest.mark.parametrize("table", COLUMNS)
def test_the_correlation_id_fits_and_the_rut_is_the_key(query: Query, table: str) -> None:
    lead_id = columns(query, table)["lead_id"]
    assert (lead_id["type"], lead_id["length"], lead_id["nullable"]) == (
        "varchar",
        SCHEMAS["LeadId"]["maxLength"],
        "YES",
    )
    key = query(
        "SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE()"
        " AND TABLE_NAME = %s AND CONSTRAINT_NAME = 'PRIMARY'",
        table,
    )
    assert key == [("rut",)]


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_has_the_contracts_columns_and_no_others(query: Query, table: str) -> None:
    schema, fields = COLUMNS[table]
    assert set(fields) == set(SCHEMAS[schema]["properties"]), "a new field needs a column"
    assert set(columns(query, table)) == {*fields.values(), "lead_id", "created_at"}


@pytest.mark.parametrize("table", ["PARTNER", "BENEFIT"])
def test_a_row_belongs_to_a_client(query: Query, table: str) -> None:
    found = query(
        "SELECT COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME"
        " FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s"
        " AND REFERENCED_TABLE_NAME IS NOT NULL",
        table,
    )
    assert found == [("rut", "CLIENTS", "rut")]
