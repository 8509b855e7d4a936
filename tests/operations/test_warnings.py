"""The leads whose difference the CRM kept, listed for the operator."""

from collections.abc import Callable
from typing import Any

from tests.stack import Stack, new_lead

Ask = Callable[..., dict[str, Any]]


def test_the_leads_that_the_crm_held_otherwise_are_listed_with_their_steps(
    stack: Stack, ask: Ask, run: Callable[..., Any]
) -> None:
    lead = new_lead()
    first = stack.submit(lead)
    stack.ended(first)
    second = stack.submit({**lead, "mail": "another@example.com", "store": "OTHER_STORE"})
    stack.ended(second)
    listed = {each["leadId"]: each for each in ask("warnings", "--since", "10m")["leads"]}
    assert first not in listed
    assert [each["step"] for each in listed[second]["warnings"]] == ["client", "partner"]
    assert listed[second]["status"] == "COMPLETED"
    (line,) = [line for line in run("warnings").stdout.splitlines() if line.startswith(second)]
    assert "The CRM holds other data for this client" in line
    assert "another@example.com" not in line, "no personal data"
    assert ask("warnings", "--since", "2999-01-01")["leads"] == []
    assert "no lead has a warning" in run("warnings", "--since", "2999-01-01").stdout
