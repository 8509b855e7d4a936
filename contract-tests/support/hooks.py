"""What Schemathesis loads (schemathesis.toml): RUTs, a record of the answers, and the journal of rows."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))  # Schemathesis loads this file by its path

from support import journal, rut

# A file that gets a line for each answer: operation, phase, mode, status, and the id of a lead that was taken.
RECORD = "CONTRACT_RECORD"

# A few that come again and again, or no operation would ever be asked about a client that another one has created.
# Each has a length of its own, and some a K.
_LEAD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FAMILIAR = ["10000", "99999", "100005", "999999", "1000005", "9999999", "10000013", "49999999"]
_FAMILIAR += ["900000000", "900000001", "900000004", "999999999"]
# Of each length; the eight digits are between people's and companies', and nobody has nine.
_FRESH = st.one_of(
    st.integers(10_000, 99_999),
    st.integers(100_000, 999_999),
    st.integers(1_000_000, 9_999_999),
    st.integers(40_000_000, 49_999_999),
    st.integers(900_000_000, 909_999_999),
)


def _spelling(digits: str, zeros: int, lower: bool) -> str:
    key = rut.of(digits)
    padded = "0" * min(zeros, rut.LONGEST - len(key)) + key
    return padded.lower() if lower else padded


schemathesis.openapi.format(
    "rut",
    st.builds(
        _spelling,
        st.sampled_from(_FAMILIAR) | _FRESH.map(str),
        st.sampled_from((0, 0, 0, 1, 3, rut.LONGEST)),
        st.booleans(),
    ),
)


# Of any script and plane, and never blank, as the contract wants it; blank ones are tests of their own.
schemathesis.openapi.format(
    "visible",
    st.text(st.characters(exclude_categories=("C", "Z", "M")), min_size=1, max_size=100).filter(
        lambda text: any(character.isalnum() for character in text)
    ),
)


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """A row is known by its lead: a request that may write one has an id of the run's own, or a wrong one."""
    if case.meta and case.meta.generation.mode.is_positive:
        for part in (case.body, case.path_parameters):
            if isinstance(part, dict) and rut.has_shape(part.get("rut")):
                # the coverage phase knows patterns and lengths, and no formats
                part["rut"] = rut.with_check_character(part["rut"])
    if case.method == "POST" and case.path in journal.TABLES:
        given = case.headers.get(journal.LEAD_HEADER)
        if given is None or _LEAD_ID.fullmatch(str(given)):
            case.headers[journal.LEAD_HEADER] = journal.own(str(given or ""))
        journal.sending(case.path, case.body, case.headers[journal.LEAD_HEADER])


@schemathesis.hook
def after_call(
    context: schemathesis.HookContext, case: schemathesis.Case, response: schemathesis.Response
) -> None:
    journal.answered(
        case.path, case.body, case.headers.get(journal.LEAD_HEADER), response.status_code, _json(response.content)
    )
    path = os.environ.get(RECORD)
    if not path:
        return
    line: dict[str, Any] = {
        "operation": case.operation.definition.raw.get("operationId", case.operation.label),
        "status": response.status_code,
    }
    if case.meta:
        line |= {"phase": case.meta.phase.name.value, "mode": case.meta.generation.mode.value}
    if lead_id := re.search(rb'"leadId": ?"([^"]+)"', response.content):
        line["leadId"] = lead_id[1].decode()
    with open(path, "a", encoding="utf-8") as record:
        record.write(json.dumps(line) + "\n")


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None


@schemathesis.hook
def after_load_schema(context: schemathesis.HookContext, schema: schemathesis.BaseSchema) -> None:
    """X-Lead-Id correlates and refers to nothing that another operation must have made.

    Schemathesis takes it for such a reference, and would then begin no scenario with a CRM operation.
    """
    for operation in schema.analysis.dependency_graph.operations.values():
        operation.inputs[:] = [slot for slot in operation.inputs if slot.parameter_name != "X-Lead-Id"]
