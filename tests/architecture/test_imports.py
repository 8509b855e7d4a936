"""Who may import whom. What a rule forbids is named by its reason."""

import ast
import sys
from pathlib import Path

import pytest

from tests.architecture import sources
from tests.architecture.sources import files, imports, modules, within

# folder -> packages that nothing in it imports
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "components": ("handlers", "local_cloud", "operations", "tests"),
    "handlers": ("pulumi", "pulumi_aws", "components", "local_cloud", "operations", "tests"),
    "local_cloud": ("components", "handlers", "operations", "tests"),
    "operations": ("pulumi", "pulumi_aws", "components", "local_cloud", "tests"),
    "command_line": ("components", "handlers", "local_cloud", "operations", "tests"),
    "__main__.py": ("handlers", "local_cloud", "operations", "tests"),
    "benchmarks": ("local_cloud", "tests"),
    "contract-tests": ("local_cloud", "tests"),
    "tools": ("components", "handlers", "local_cloud", "operations", "tests"),
}
# What AWS's Python runtime brings along, and what travels in the archives.
IN_LAMBDA = {"boto3", "botocore", "urllib3", "pymysql", "fastjsonschema"}
# area of handlers -> what it may import of the others
ALLOWED: dict[str, tuple[str, ...]] = {
    "intake": ("handlers.shared",),
    "orchestration": ("handlers.shared",),
    "backend": ("handlers.shared",),
    "migrations": ("handlers.shared", "handlers.backend.database"),
    "shared": (),
}


def broken(path: Path, forbidden: tuple[str, ...]) -> list[str]:
    found = imports(path)
    return [f"{path} imports {name}" for name in sorted(found) if any(within(name, each) for each in forbidden)]


def outside_its_area(path: Path) -> list[str]:
    area = path.parts[1]
    allowed = (f"handlers.{area}", *ALLOWED[area])
    return [
        f"{path} imports {name}"
        for name in sorted(imports(path))
        if name.startswith("handlers.") and not any(within(name, each) or within(each, name) for each in allowed)
    ]


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_folder_imports_nothing_that_it_must_not_know(folder: str) -> None:
    assert [line for path in modules(folder) for line in broken(path, FORBIDDEN[folder])] == []


def test_a_relative_import_is_understood() -> None:
    found = imports(
        Path("local_cloud/engine/run.py"), ast.parse("from . import wire\nfrom ..provider import types")
    )
    assert found >= {"local_cloud.engine.wire", "local_cloud.provider", "local_cloud.provider.types"}


def test_every_folder_of_python_has_a_rule() -> None:
    folders = {path.parts[0] for path in files() if path.suffix == ".py"}
    assert folders - {"tests"} <= set(FORBIDDEN), "a new folder needs a rule of its own"


def test_handlers_import_only_what_lambda_has() -> None:
    for path in modules("handlers"):
        tops = {name.partition(".")[0] for name in imports(path)}
        assert tops <= sys.stdlib_module_names | IN_LAMBDA | {"handlers"}, path


def test_the_areas_of_handlers_know_each_other_only_as_agreed() -> None:
    paths = [path for path in modules("handlers") if len(path.parts) > 2]
    assert {path.parts[1] for path in paths} == set(ALLOWED)
    assert [line for path in paths for line in outside_its_area(path)] == []


def test_the_engine_knows_no_provider() -> None:
    paths = [path for path in modules("local_cloud") if path.parts[1] == "engine"]
    assert paths
    assert [line for path in paths for line in broken(path, ("local_cloud.provider",))] == []


def test_the_provider_knows_the_engines_protocol_and_nothing_else_of_it() -> None:
    paths = [path for path in modules("local_cloud") if path.parts[1] == "provider"]
    assert paths
    for path in paths:
        known = {name for name in imports(path) if within(name, "local_cloud.engine")}
        strangers = {name for name in known if not within(name, "local_cloud.engine.provider")}
        assert strangers <= ({"local_cloud.engine"} if known - strangers else set()), path


def test_the_rules_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "import pulumi_aws as aws\nfrom handlers.backend import operation\nfrom components.iam import allow\n"
    monkeypatch.setattr(sources, "tree", lambda path: ast.parse(source))
    assert broken(Path("handlers/intake/x.py"), FORBIDDEN["handlers"]) == [
        "handlers/intake/x.py imports components.iam",
        "handlers/intake/x.py imports components.iam.allow",
        "handlers/intake/x.py imports pulumi_aws",
    ]
    assert outside_its_area(Path("handlers/intake/x.py")) == [
        "handlers/intake/x.py imports handlers.backend",
        "handlers/intake/x.py imports handlers.backend.operation",
    ]
    assert outside_its_area(Path("handlers/migrations/x.py")) == [
        "handlers/migrations/x.py imports handlers.backend.operation"
    ]
