import copy

import pytest

from components import openapi
from tests.components.graph import ROOT


@pytest.fixture(scope="session")
def contract() -> openapi.Document:
    return openapi.load(ROOT / "openapi.yaml")


@pytest.fixture
def document(contract: openapi.Document) -> openapi.Document:
    """A copy of the contract, to change."""
    return copy.deepcopy(contract)
