"""The functions' archives on the Python that AWS runs them on, with each urllib3 that its runtime has shipped.

Where that Python can't be had, these run on the tests' own alone, and pytest's header says so.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from local_cloud import lambda_interpreter
from tests.components.graph import record
from tests.handlers import authority
from tests.handlers.http_server import Reply, ScriptedServer
from tests.handlers.runtime import interpreters
from tests.handlers.samples import ALICE
from tests.handlers.servers import HOST, MariaDb

REQUIREMENTS = lambda_interpreter.REQUIREMENTS
URLLIB3 = {"urllib3-1": REQUIREMENTS.with_stem("lambda-runtime-urllib3-1"), "urllib3-2": REQUIREMENTS}
ENVIRONMENT = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Where each function's archive is laid out, and each function's handler."""
    folder = tmp_path_factory.mktemp("archives")
    graph = record("dev", unpack=folder)
    return folder, {each.inputs["name"]: each.inputs["handler"] for each in graph.functions().values()}


@pytest.fixture(scope="module", params=interpreters().items(), ids=lambda item: item[0])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param[1])


@pytest.fixture(scope="module", params=URLLIB3.items(), ids=lambda item: item[0])
def python(base: str, request: pytest.FixtureRequest) -> Path:
    return lambda_interpreter.ensure(requirements=request.param[1], base=base)


def run(python: Path, archive: Path, script: str, **environment: str) -> str:
    """What the script prints, run as Lambda would run it: in the archive, with nothing else to import."""
    command = [str(python), "-W", "error", "-c", script]
    done = subprocess.run(
        command, cwd=archive, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_runtime_imports_every_handler(python: Path, archives: tuple[Path, Mapping[str, str]]) -> None:
    folder, handlers = archives
    assert len(handlers) > 10
    for name, handler in handlers.items():
        module, _, function = handler.rpartition(".")
        script = f"import importlib; print(callable(importlib.import_module({module!r}).{function}))"
        assert run(python, folder / name, script) == "True", name


class CompanyMariaDb(MariaDb):
    """A server whose certificate is by the company's own authority."""

    authority: Path

    def _make_certificate(self) -> None:
        self.authority = authority.make(self._folder)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompanyMariaDb]:
    server = CompanyMariaDb(tmp_path_factory.mktemp("company"))
    server.start()
    server.run("CREATE DATABASE crm")
    server.run("CREATE USER 'app'@'%' IDENTIFIED BY 'secret' REQUIRE SSL")
    server.run("GRANT ALL ON crm.* TO 'app'@'%'")
    yield server
    server.stop()


CONNECT = """
import os
from handlers.backend import database
address = database.Address(
    host=os.environ["HOST"], port=int(os.environ["PORT"]), name="crm", tls=True, ca_file=os.environ["CA"]
)
connection = database.connect(address, "app", "secret")
with connection.cursor() as cursor:
    cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
    print(bool(cursor.fetchone()[1]))
connection.close()
"""


def test_runtime_takes_an_ordinary_company_authority(
    base: str, archives: tuple[Path, Mapping[str, str]], company: CompanyMariaDb
) -> None:
    python = lambda_interpreter.ensure(base=base)
    folder, handlers = archives
    where = {"HOST": HOST, "PORT": str(company.port), "CA": str(company.authority)}
    for name in (
        each for each, handler in handlers.items() if ".migrations." in handler or "create_client" in each
    ):
        if (folder / name / "handlers" / "backend").exists():
            assert run(python, folder / name, CONNECT, **where) == "True", name


def test_runtime_refuses_another_authority(
    base: str, archives: tuple[Path, Mapping[str, str]], company: CompanyMariaDb, tmp_path: Path
) -> None:
    folder, handlers = archives
    (name,) = (each for each, handler in handlers.items() if ".migrations." in handler)
    where = {"HOST": HOST, "PORT": str(company.port), "CA": str(authority.make(tmp_path))}
    with pytest.raises(AssertionError, match="CERTIFICATE_VERIFY_FAILED"):
        run(lambda_interpreter.ensure(base=base), folder / name, CONNECT, **where)


CREATE = """
import json, os, urllib3
from handlers.orchestration.crm_client import CrmClient
from handlers.shared.contract import Contract

class Key:
    def get(self, *, fresh=False):
        return "key"

pool = urllib3.PoolManager(maxsize=1)
client = CrmClient(os.environ["URL"], Key(), Contract.bundled(), pool)
print(client.create("/create_client", json.loads(os.environ["RECORD"]), "lead-1").code)
pool.clear()
"""


def test_runtime_step_client_reads_an_answer(python: Path, archives: tuple[Path, Mapping[str, str]]) -> None:
    folder, handlers = archives
    (name,) = (each for each, handler in handlers.items() if "orchestration.create_client" in handler)
    reply = Reply.json(200, {"statusCode": 200, "message": "CLIENT_CREATED", "description": "It was created."})
    with ScriptedServer([reply]).running() as api:
        assert run(python, folder / name, CREATE, URL=api.url, RECORD=json.dumps(ALICE)) == "CLIENT_CREATED"
    assert json.loads(api.requests[0].body) == ALICE
