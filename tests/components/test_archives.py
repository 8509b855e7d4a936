"""The functions' archives: exactly what each needs, the same wherever they are made, and fit to run on AWS."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from components import archive
from tests.components.graph import FUNCTION, ROOT, Graph, record

SOURCES = (
    "__main__.py",
    "certificates",
    "components",
    "handlers",
    "web",
    "openapi.yaml",
    "Pulumi.yaml",
    "Pulumi.dev.yaml",
)
LOCK = ROOT / "requirements" / "lambda-runtime.txt"
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_UNPACKED_BYTES = 250 * 1024 * 1024
CRM_FUNCTIONS = {"api-create-client", "api-create-partner", "api-create-benefit", "api-get-client"}

# Imports each handler as Lambda would, and says which files that took: each in a process of its own, forked from
# one that has loaded what AWS's runtime has anyway.
IMPORTER = """
import importlib, json, os, sys, warnings
import boto3, urllib3
for folder, handler in json.loads(sys.argv[1]):
    if os.fork():
        if os.wait()[1]:
            sys.exit(f"{handler} can't be imported from {folder}")
        continue
    warnings.simplefilter("error")
    os.chdir(folder)
    sys.path.insert(0, folder)
    module, _, name = handler.rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
    files = [getattr(each, "__file__", None) or "" for each in list(sys.modules.values())]
    print(json.dumps([os.path.relpath(file, folder) for file in files if file.startswith(folder)]), flush=True)
    os._exit(0)
"""

Editor = Callable[[Path], None]


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    graph: Graph
    folder: Path

    def of(self, function: str) -> Path:
        return self.folder / f"{self.graph.prefix}-{function}"


def copied(root: Path) -> Path:
    root.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    return root


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path} says {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new))


def changed(before: Graph, after: Graph) -> set[str]:
    old, new = before.archives(), after.archives()
    return {name for name in old if old[name] != new[name]}


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    """The same sources in another folder, littered as a working copy is, with every archive laid out."""
    root = copied(tmp_path_factory.mktemp("elsewhere") / "repository")
    for litter in (
        "handlers/__pycache__/x.cpython-311.pyc",
        "web/__pycache__/y.pyc",
        "handlers/backend/notes.txt",
    ):
        (root / litter).parent.mkdir(exist_ok=True)
        (root / litter).write_text("litter")
    folder = tmp_path_factory.mktemp("unpacked")
    return Unpacked(graph=record("dev", root=root, unpack=folder), folder=folder)


@pytest.fixture(scope="session")
def lambda_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has what AWS's runtime brings along, and nothing else."""
    folder = tmp_path_factory.mktemp("runtime") / "venv"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    python = folder / "bin" / "python"
    subprocess.run([*uv, "venv", "--python", sys.executable, str(folder)], check=True, timeout=30)
    install = [*uv, "pip", "install", "--python", str(python), "--require-hashes", "-r", str(LOCK)]
    subprocess.run(install, check=True, timeout=50)
    return python


@pytest.fixture(scope="session")
def loaded(elsewhere: Unpacked, lambda_python: Path) -> dict[str, set[str]]:
    """Function -> the files of its own archive that its handler's import took."""
    functions = elsewhere.graph.functions()
    work = [(str(elsewhere.of(name).resolve()), each.inputs["handler"]) for name, each in functions.items()]
    result = subprocess.run(
        [str(lambda_python), "-B", "-c", IMPORTER, json.dumps(work)],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert result.returncode == 0, f"not fit to run on AWS:\n{result.stderr}"
    return {name: set(json.loads(line)) for name, line in zip(functions, result.stdout.splitlines(), strict=True)}


def test_another_folder_gives_the_same_archives(elsewhere: Unpacked, dev: Graph) -> None:
    assert changed(dev, elsewhere.graph) == set(), "the deployment would differ from machine to machine"


def test_another_folder_gives_the_same_inputs_of_every_function(elsewhere: Unpacked, dev: Graph) -> None:
    here, there = ({each.name: each.inputs for each in graph.of(FUNCTION)} for graph in (dev, elsewhere.graph))
    assert here == there


def test_an_edit_changes_only_the_functions_that_hold_the_file(
    dev: Graph, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = copied(tmp_path_factory.mktemp("edited") / "repository")
    for path in ("handlers/backend/create_client.py", "handlers/orchestration/crm_client.py"):
        (root / path).write_text((root / path).read_text() + "\n# edited\n")
    (root / "web/form.css").write_text("body {}")
    after = record("dev", root=root)
    old, new = dev.archives(), after.archives()
    assert changed(dev, after) == {
        "api-create-client",
        "flow-create-client",
        "flow-create-partner",
        "flow-create-benefit",
        "form",
    }
    for name, file in {
        "api-create-client": "handlers/backend/create_client.py",
        "flow-create-client": "handlers/orchestration/crm_client.py",
        "form": "web/form.css",
    }.items():
        assert {each for each in new[name] if new[name][each] != old[name].get(each)} == {file}


def test_an_edit_of_the_contract_changes_only_the_functions_that_check_by_it(
    dev: Graph, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = copied(tmp_path_factory.mktemp("contract") / "repository")
    contract = root / "openapi.yaml"
    edited(contract, "description: The store's code.", "description: The code of the store, for people.")
    edited(contract, "summary: Submit a lead", "summary: Send a lead")
    edited(contract, "required: [rut, store]", "required: [rut, store]\n      minProperties: 2")
    assert changed(dev, record("dev", root=root)) == {
        "api-create-partner",
        "flow-receive-lead",
    }, "prose changes nothing; Partner concerns who validates it"


def test_a_new_migration_is_in_the_migrations_and_runs(dev: Graph) -> None:
    code = dev.archives()
    versions = {
        f"handlers/migrations/versions/{each.name}"
        for each in archive._files(ROOT / "handlers/migrations/versions")
    }
    assert versions <= set(code["api-migrations"])
    assert not [name for name in code if name != "api-migrations" and versions & set(code[name])]
    triggers = dev.one("aws:lambda/invocation:Invocation").inputs["triggers"]
    assert triggers["migrations"] == archive.digest(ROOT / "handlers/migrations")


def test_every_handler_can_be_imported_where_there_is_nothing_but_awss_runtime(
    loaded: dict[str, set[str]],
) -> None:
    assert all(loaded.values())


def test_an_archive_holds_exactly_the_modules_that_its_handler_imports(
    loaded: dict[str, set[str]], elsewhere: Unpacked
) -> None:
    for name, code in elsewhere.graph.archives().items():
        ours = {file for file in code if file.startswith("handlers/") and file.endswith(".py")}
        assert ours == {file for file in loaded[name] if file.startswith("handlers/")}, name


def test_an_archive_holds_only_packages_that_its_handler_imports(
    loaded: dict[str, set[str]], elsewhere: Unpacked
) -> None:
    for name, code in elsewhere.graph.archives().items():
        packed = {file.split("/")[0] for file in code if file.endswith(".py")}
        assert packed == {file.split("/")[0] for file in loaded[name]}, name


def test_only_the_functions_that_know_the_database_hold_its_driver(dev: Graph) -> None:
    with_driver = {name for name, code in dev.archives().items() if "pymysql/__init__.py" in code}
    assert with_driver == {*CRM_FUNCTIONS, "api-migrations"}


def test_an_archive_holds_nothing_compiled_and_no_litter(elsewhere: Unpacked) -> None:
    known = re.compile(
        r"(handlers|pymysql|fastjsonschema)/.*\.py|.*/py\.typed|handlers/contract\.json|web/[a-z.]+"
        r"|database-ca\.pem"
    )
    for name, code in elsewhere.graph.archives().items():
        rest = {file for file in code if not known.fullmatch(file)}
        allowed = {file for file in rest if re.fullmatch(r"handlers/migrations/versions/\d{4}_\w+\.sql", file)}
        assert rest == (allowed if name == "api-migrations" else set()), name
        assert not [file for file in code if "__pycache__" in file or file.endswith((".pyc", ".so"))], name


def test_the_contract_in_an_archive_has_the_schemas_that_its_function_checks_by(elsewhere: Unpacked) -> None:
    expected = {
        "intake-submit-lead": {"Lead"},
        "intake-get-lead": {"LeadId"},
        "form": {"Lead", "LeadReceipt", "LeadStatus"},
        "flow-receive-lead": {"Lead", "LeadId", "Client", "Partner", "Benefit"},
        "flow-catch-errors": {"LeadId"},
        "flow-create-client": {"ApiResponseBody"},
        "flow-create-partner": {"ApiResponseBody"},
        "flow-create-benefit": {"ApiResponseBody"},
        "api-create-client": {"Client", "LeadId"},
        "api-create-partner": {"Partner", "LeadId"},
        "api-create-benefit": {"Benefit", "LeadId"},
        "api-get-client": {"Rut"},
    }
    for name in elsewhere.graph.functions():
        file = elsewhere.of(name) / "handlers" / "contract.json"
        assert (set(json.loads(file.read_text())) if file.exists() else None) == expected.get(name), name


def test_no_archive_comes_near_lambdas_limit(elsewhere: Unpacked) -> None:
    for name in elsewhere.graph.functions():
        size = sum(file.stat().st_size for file in elsewhere.of(name).rglob("*") if file.is_file())
        assert size < MAX_UNPACKED_BYTES / 100, f"{name}: {size} bytes would slow the cold start"


def test_the_digest_of_a_folder_sees_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = archive.digest(tmp_path)
    (tmp_path / "a").write_text("2")
    second = archive.digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, archive.digest(tmp_path)}) == 3


def test_a_relative_import_is_refused(tmp_path: Path) -> None:
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "x.py").write_text("from . import y\n")
    with pytest.raises(ValueError, match="write absolute imports"):
        archive.modules(tmp_path, "handlers.x")


def test_a_handler_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no module handlers\.x below"):
        archive.modules(tmp_path, "handlers.x")


@pytest.mark.parametrize(
    ("package", "says"),
    [("no_such_package", "is not installed here; run: make setup"), ("grpc", "has compiled parts")],
)
def test_a_package_that_can_not_travel_is_refused(package: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        archive.package_folder(package)
