"""Each wait ends before its caller's does, so that a function answers instead of being killed."""

from collections.abc import Callable
from typing import Any

import pytest

from components import functions
from handlers.backend import database
from handlers.migrations import apply, schema
from handlers.orchestration import crm_client
from handlers.shared import aws
from tests.handlers.http_server import Reply, ScriptedServer

LONGEST_BACKOFF = 1  # botocore, standard mode, before the second try


@pytest.fixture
def aws_wait(on_cloud: str) -> float:
    """The longest that a call of an AWS service takes."""
    config = aws.client("dynamodb").meta.config
    tries = config.retries["total_max_attempts"]
    return float(tries * max(config.connect_timeout, config.read_timeout) + (tries - 1) * LONGEST_BACKOFF)


def test_an_aws_service_that_is_silent_costs_less_than_any_functions_time(aws_wait: float) -> None:
    assert aws_wait < functions.BACKEND_TIMEOUT
    noted, published = 1, 1
    assert 2 * aws_wait + noted + published < functions.INTAKE_TIMEOUT, "there is time to withdraw the lead"


def test_a_silent_database_costs_less_than_a_backends_time() -> None:
    assert (
        database.RETRY_WITHIN + database.CONNECT_TIMEOUT + database.LOCK_WAIT_TIMEOUT < functions.BACKEND_TIMEOUT
    )
    assert database.CONNECT_TIMEOUT + database.STATEMENT_TIMEOUT < functions.BACKEND_TIMEOUT
    assert database.RETRY_WITHIN + database.STATEMENT_TIMEOUT < functions.BACKEND_TIMEOUT


def test_a_silent_api_costs_less_than_a_steps_time(aws_wait: float) -> None:
    assert functions.BACKEND_TIMEOUT < crm_client.READ_TIMEOUT, "a backend answers before its caller gives up"
    call = crm_client.CONNECT_TIMEOUT + crm_client.READ_TIMEOUT
    assert call + 2 * aws_wait < functions.STEP_TIMEOUT


def test_a_migration_may_take_longer_than_a_backend_and_waits_for_another_one() -> None:
    assert database.STATEMENT_TIMEOUT < schema.LOCK_SECONDS < apply.STATEMENT_TIMEOUT < functions.MIGRATION_TIMEOUT


def test_an_aws_service_that_stumbles_once_is_asked_again(
    scripted: Callable[..., ScriptedServer], client_at: Callable[..., Any], on_cloud: str
) -> None:
    server = scripted(Reply.json(500, {"__type": "InternalFailure"}), Reply.json(200, {"SecretString": "value"}))
    attempts = aws.client("dynamodb").meta.config.retries["total_max_attempts"]
    client = client_at("secretsmanager", server.url, attempts)
    assert client.get_secret_value(SecretId="x")["SecretString"] == "value"
    assert len(server.requests) == 2
