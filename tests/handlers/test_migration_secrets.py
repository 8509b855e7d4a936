"""The secrets of the migrations: the owner's, and the one that the backends log in by."""

import json

import pytest

from handlers.migrations import app_user, apply
from handlers.migrations.app_user import APP_USER
from handlers.shared.errors import MigrationFailed
from tests.handlers.conftest import Site
from tests.handlers.samples import message_of
from tests.handlers.wrong_secrets import CANARY, MALFORMED, REFUSED, add_alice, close_connections, put

PASSWORDS = ["contraseña", "ÿ", "Пароль", "密码 ¥€", "🔑🗝", "a'b\"c\\d`e%f%s", "e\u0301 \u202e", "\t tab \x01"]


@pytest.mark.parametrize("kind", MALFORMED)
def test_secret_of_the_owner_that_is_malformed_fails_the_deployment_and_names_it(
    site: Site, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site.secrets.put_secret_value(SecretId=site.owner_secret_arn, SecretString=MALFORMED[kind])
    with pytest.raises(MigrationFailed, match=r"it must hold {\"username\": …, \"password\": …}") as failed:
        apply.handler({}, None)
    assert site.owner_secret_arn in str(failed.value)
    assert CANARY not in str(failed.value) + "".join(capsys.readouterr())


@pytest.mark.parametrize("kind", [*MALFORMED, "another user"])
def test_secret_of_the_backends_that_is_malformed_fails_the_deployment_and_stays_as_it_is(
    site: Site, kind: str
) -> None:
    text = {**MALFORMED, **REFUSED}[kind]
    put(site, text)
    with pytest.raises(MigrationFailed, match="does not hold") as failed:
        apply.handler({}, None)
    assert site.app_secret_arn in str(failed.value)
    assert CANARY not in str(failed.value)
    assert site.secrets.get_secret_value(SecretId=site.app_secret_arn)["SecretString"] == text


@pytest.mark.parametrize("password", PASSWORDS)
def test_password_of_any_script_is_the_servers_too(
    site: Site, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner's, set by the server's own people, and the one that the migrations give the backends."""
    account = f"owner-{site.database}"
    site.server.run(f"CREATE USER '{account}'@'%%' IDENTIFIED BY %s", password)
    site.server.run(f"GRANT ALL PRIVILEGES ON {site.database}.* TO '{account}'@'%' WITH GRANT OPTION")
    site.server.run(f"GRANT CREATE USER ON *.* TO '{account}'@'%'")
    owner = json.dumps({"username": account, "password": password})
    site.secrets.put_secret_value(SecretId=site.owner_secret_arn, SecretString=owner)
    put(site, json.dumps({"username": APP_USER, "password": password}))
    try:
        apply.handler({}, None)
        message_of(add_alice(), 200)
        assert app_user.ensure_secret(site.secrets, site.app_secret_arn) == password
        rotated = password[::-1] + "x"
        site.server.run(f"ALTER USER '{APP_USER}'@'%%' IDENTIFIED BY %s", rotated)
        put(site, json.dumps({"username": APP_USER, "password": rotated}))
        close_connections(site)
        message_of(add_alice(), 200)
    finally:
        site.server.run(f"DROP USER '{account}'@'%'")
