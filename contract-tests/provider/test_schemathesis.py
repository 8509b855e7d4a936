"""Schemathesis' own cases, all phases and all checks, as pytest tests."""

import os

import pytest
import schemathesis
from hypothesis import seed, settings
from support import contract
from support.stack import Stack

EXAMPLES = int(os.environ.get("EXAMPLES", "10"))
pytestmark = pytest.mark.timeout(120 + 3 * EXAMPLES)


schema = contract.schema(EXAMPLES, contract.seed())


@schema.parametrize()
def test_an_operation_holds_to_the_contract(case: schemathesis.Case, stack: Stack) -> None:
    contract.authenticate(case, stack)
    case.call_and_validate(base_url=stack.url)


def test_operations_joined_by_links_hold_to_the_contract(stack: Stack) -> None:
    machine = contract.schema(EXAMPLES, contract.seed(), stack).as_state_machine()
    seed(contract.seed())(machine).run(settings=settings(max_examples=EXAMPLES, deadline=None, database=None))
