"""Submit one lead through POST /leads."""

import argparse
import json
from typing import Any

import urllib3

from command_line import boundary
from operations import contract, http, tidy
from operations.console import Console
from operations.errors import OperationsError, Unusable
from operations.following import follow
from operations.stack import Stack

EXAMPLE = (
    "submit --name alice --lastname cooper --rut 11111111-1 --phone 54545454 --mail acooper@alice.com"
    " --store ESTACION_CENTRAL --wants-benefit yes --origin web --wait"
)
_TEXTS = ("name", "lastname", "rut", "phone", "mail", "store", "origin")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lead", nargs="?", help="the lead as JSON, or - to read it from standard input")
    for name in _TEXTS:
        parser.add_argument(f"--{name}")
    parser.add_argument("--wants-benefit", choices=("yes", "no"))
    parser.add_argument("--wait", action="store_true", help="follow the lead to its end")


def run(options: argparse.Namespace, stack: Stack, console: Console) -> int:
    lead = _lead(options)
    lead_id = _post(stack, tidy.lead(contract.load(), lead) if isinstance(lead, dict) else lead)
    console.say(f"{lead_id}  submitted")
    if not options.wait:
        console.result({"leadId": lead_id, "status": "SUBMITTED"})
        return 0
    (lead,) = follow(stack, [lead_id], console)
    console.say(f"{lead_id}  {lead.status}" + "".join(f"  {lead.error[key]}" for key in lead.error))
    console.result({"leadId": lead_id, "status": lead.status, **({"error": lead.error} if lead.error else {})})
    return 0 if lead.status == "COMPLETED" else 1


def _lead(options: argparse.Namespace) -> Any:
    given = {name: getattr(options, name) for name in _TEXTS if getattr(options, name) is not None}
    if options.wants_benefit is not None:
        given["wantsBenefit"] = options.wants_benefit == "yes"
    if options.lead is None:
        if not given:
            raise Unusable("No lead was given: give its fields as options, or JSON, or - for standard input.")
        return given
    text = boundary.standard_input() if options.lead == "-" else options.lead
    try:
        lead = json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable("The lead is not valid JSON. Give one JSON object, or its fields as options.") from None
    return {**lead, **given} if isinstance(lead, dict) else lead


def _post(stack: Stack, lead: Any) -> str:
    url = f"{stack.api_url}/leads"
    try:
        pool = http.pool_for(url, retries=False, timeout=urllib3.Timeout(connect=5, read=35))
        response = pool.request("POST", url, json=lead)
        answer = response.json()
    except urllib3.exceptions.HTTPError as error:
        # a lead that was taken although its answer got lost can't be told from one that was not
        raise OperationsError(
            f"{url} did not answer ({type(error).__name__}); the lead may have been taken."
        ) from None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not answer.keys() & {"leadId", "description"}:
        raise OperationsError(
            f"{url} answered {response.status} with something that is not its own. Look at HTTPS_PROXY, and"
            " api_url in the stack's outputs."
        )
    if response.status != 202 or "leadId" not in answer:
        raise OperationsError(
            f"the lead was not taken: {response.status} {answer.get('message')}: {answer.get('description')}"
        )
    return str(answer["leadId"])
