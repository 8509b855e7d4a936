"""What Schemathesis loads (schemathesis.toml): RUTs of the test range, and a record of what was sent."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))  # Schemathesis loads this file by its path

from support import rut

# A file that gets a line for each answer: operation, phase, mode and status, the leadId of a lead that was taken,
# and the RUT of a row that can't be told from a real client's.
RECORD = "CONTRACT_RECORD"
SUBMITTED, CREATED = 202, 200

# A few that come again and again, or no operation would ever be asked about a client that another one has created.
_FAMILIAR = [rut.of(f"{rut.PREFIX}{number:06}") for number in range(0, 800_000, 50_000)]
_FRESH = st.text("0123456789", min_size=5, max_size=6).filter(lambda digits: digits[0] != rut.OWN)

schemathesis.openapi.format(
    "rut",
    st.builds(
        lambda key, lower: key.lower() if lower else key,
        st.sampled_from(_FAMILIAR) | _FRESH.map(lambda digits: rut.of(rut.PREFIX + digits)),
        st.booleans(),
    ),
)


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """The contract's examples and chance hits, too, are brought into the test range."""
    for part in (case.body, case.path_parameters):
        if isinstance(part, dict) and rut.is_valid(part.get("rut")):
            part["rut"] = rut.in_test_range(part["rut"])


@schemathesis.hook
def after_call(
    context: schemathesis.HookContext, case: schemathesis.Case, response: schemathesis.Response
) -> None:
    path = os.environ.get(RECORD)
    if not path:
        return
    line: dict[str, Any] = {
        "operation": case.operation.definition.raw["operationId"],
        "status": response.status_code,
    }
    if case.meta:
        line |= {"phase": case.meta.phase.name.value, "mode": case.meta.generation.mode.value}
    if lead_id := re.search(rb'"leadId": ?"([^"]+)"', response.content):
        line["leadId"] = lead_id[1].decode()
    key = case.body.get("rut") if isinstance(case.body, dict) else None
    if (
        case.method == "POST"
        and response.status_code in (SUBMITTED, CREATED)
        and not str(key).startswith(rut.PREFIX)
    ):
        line["outside"] = key
    with open(path, "a", encoding="utf-8") as record:
        record.write(json.dumps(line) + "\n")


@schemathesis.hook
def after_load_schema(context: schemathesis.HookContext, schema: schemathesis.BaseSchema) -> None:
    """X-Lead-Id correlates and refers to nothing that another operation must have made.

    Schemathesis takes it for such a reference, and would then begin no scenario with a CRM operation.
    """
    for operation in schema.analysis.dependency_graph.operations.values():
        operation.inputs[:] = [slot for slot in operation.inputs if slot.parameter_name != "X-Lead-Id"]
