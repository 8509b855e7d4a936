import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from handlers.shared import log, settings
from handlers.shared.errors import MissingSetting, Unavailable
from handlers.shared.secrets import ManagedSecret
from tests.handlers.http_server import Reply, ScriptedServer
from tests.handlers.servers import HOST, free_port

ClientAt = Callable[..., Any]


@pytest.mark.parametrize(
    ("write", "level"),
    [(log.info, "INFO"), (log.warning, "WARNING"), (log.error, "ERROR")],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_a_log_line_is_one_json_object(
    write: Callable[..., None], level: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "create-client")
    write("something\nhappened", leadId="lead-1", code=None, status=200)
    [text] = capsys.readouterr().out.splitlines()
    line = json.loads(text)
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo is not None
    assert line == {
        "level": level,
        "function": "create-client",
        "message": "something\nhappened",
        "leadId": "lead-1",
        "status": 200,
    }


def test_an_unexpected_error_is_logged_by_type_and_place_without_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def deep() -> None:
        raise ValueError("alice 11111111-1")

    try:
        deep()
    except ValueError as error:
        log.unexpected("failed", error, requestId="r")
    log.unexpected("failed", ValueError("never raised: alice"))
    out = capsys.readouterr().out
    assert "alice" not in out
    first, second = (json.loads(line) for line in out.splitlines())
    assert first["errorType"] == "ValueError"
    line = deep.__code__.co_firstlineno + 1
    assert first["where"].endswith(f"test_logs_and_settings.py:{line}"), "the place where it was raised"
    assert second["where"] == "unknown"


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_setting_fails_with_its_own_name(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVENT_BUS_NAME", raising=False)
    if value is not None:
        monkeypatch.setenv("EVENT_BUS_NAME", value)
    with pytest.raises(MissingSetting, match="EVENT_BUS_NAME"):
        settings.required("EVENT_BUS_NAME")
    assert settings.optional("EVENT_BUS_NAME") is None


def test_a_secret_is_read_once_until_a_fresh_value_is_asked_for(
    scripted: Callable[..., ScriptedServer], client_at: ClientAt
) -> None:
    server = scripted(*[Reply.json(200, {"SecretString": value}) for value in ("old", "new")])
    secret = ManagedSecret(client_at("secretsmanager", server.url), "the-secret", str)
    assert server.requests == [], "nothing is read before it is needed"
    assert [secret.get(), secret.get()] == ["old", "old"]
    assert len(server.requests) == 1
    assert [secret.get(fresh=True), secret.get()] == ["new", "new"]
    assert [json.loads(request.body) for request in server.requests] == [{"SecretId": "the-secret"}] * 2


def test_a_secret_that_could_not_be_read_afresh_is_still_known(
    scripted: Callable[..., ScriptedServer], client_at: ClientAt
) -> None:
    refusal = Reply.json(400, {"__type": "ThrottlingException"})
    server = scripted(Reply.json(200, {"SecretString": "value"}), refusal)
    secret = ManagedSecret(client_at("secretsmanager", server.url), "the-secret", str)
    secret.get()
    with pytest.raises(Unavailable):
        secret.get(fresh=True)
    assert secret.get() == "value"


def test_a_secret_that_cannot_be_read_is_unavailable_and_says_nothing_of_why(client_at: ClientAt) -> None:
    secret = ManagedSecret(client_at("secretsmanager", f"http://{HOST}:{free_port()}"), "arn:canary", str)
    with pytest.raises(Unavailable) as refused:
        secret.get()
    assert str(refused.value) == "a secret can't be read; try again later"
