"""One lead, submitted and followed from the command line."""

import json
from collections.abc import Callable
from typing import Any

from tests.stack import Stack, new_lead

Ask = Callable[..., dict[str, Any]]


def test_a_lead_from_options_is_followed_to_its_end(stack: Stack, ask: Ask) -> None:
    lead = new_lead()
    words = [f"--{name}={lead[name]}" for name in ("name", "lastname", "rut", "phone", "mail", "store", "origin")]
    answer = ask("submit", *words, "--wants-benefit", "no", "--wait")
    assert answer["status"] == "COMPLETED"
    assert stack.rows_of(lead["rut"])["BENEFIT"] == ((0,),)
    status = ask("status", answer["leadId"])
    assert (status["status"], status["step"], status["execution"]["status"]) == (
        "COMPLETED",
        "benefit",
        "SUCCEEDED",
    )


def test_a_lead_from_json_or_standard_input_is_submitted(stack: Stack, ask: Ask) -> None:
    text = json.dumps(new_lead())
    for answer in (ask("submit", text), ask("submit", "-", stdin=text)):
        assert stack.ended(answer["leadId"])["status"] == "COMPLETED"


def test_a_pasted_lead_is_sent_as_the_contract_has_it(stack: Stack, ask: Ask) -> None:
    lead = new_lead()
    digits, check = lead["rut"].split("-")
    pasted = lead | {
        "name": "\u200bAna\u00a0María\ufeff",
        "rut": f"\u202a{digits[:-6]}.{digits[-6:-3]}.{digits[-3:]} {check}\u202c",
        "phone": "+56 9 1234-5678",
        "mail": "ana@exam\u00adple.com ",
    }
    stack.ended(ask("submit", json.dumps(pasted))["leadId"])
    (client,) = stack.rows_of(lead["rut"])["CLIENTS"]
    assert {"Ana María", "+56912345678", "ana@example.com"} <= set(client)


def test_a_lead_that_is_not_taken_is_told_with_the_reason(run: Callable[..., Any]) -> None:
    assert "rut: must be" in run("submit", json.dumps(new_lead(rut="1-1")), exits=1).stderr
    assert "not valid JSON" in run("submit", "{", exits=2).stderr
    assert "No lead was given" in run("submit", exits=2).stderr


def test_the_difference_that_the_crm_kept_is_in_the_status(stack: Stack, ask: Ask) -> None:
    lead = new_lead()
    stack.ended(stack.submit(lead))
    lead_id = stack.submit({**lead, "name": "another"})
    stack.ended(lead_id)
    status = ask("status", lead_id)
    assert [each["step"] for each in status["warnings"]] == ["client"]
    assert "the CRM's record" in status["next"]
