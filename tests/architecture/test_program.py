"""How the Pulumi program is written: what its components leave to __main__.py, and what they never do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from components import openapi
from tests.architecture.sources import ROOT, calls, dotted, modules, tree

PROGRAM = ("__main__.py", "components")


def config_readers(module: ast.AST) -> list[str]:
    return [name for name, _ in calls(module) if name in ("pulumi.Config", "pulumi.config.Config")]


def exports(module: ast.AST) -> list[str]:
    return [name for name, _ in calls(module) if name in ("export", "pulumi.export")]


def resources_in_apply(module: ast.Module) -> list[str]:
    """Names of resources that a function given to `apply` makes."""
    functions = {node.name: node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
    found = []
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        if not (isinstance(call.func, ast.Attribute) and call.func.attr == "apply"):
            continue
        for argument in [*call.args, *(each.value for each in call.keywords)]:
            body = functions.get(dotted(argument).rpartition(".")[2], argument)
            found += [name for name, _ in calls(body) if is_resource(name)]
    return found


def is_resource(name: str) -> bool:
    """A class of pulumi_aws, or one of the components (which are classes, and so written with a capital)."""
    top, _, rest = name.partition(".")
    if top == "aws":
        return rest.rpartition(".")[2][:1].isupper()
    return name in component_classes()


def component_classes() -> set[str]:
    return {
        node.name
        for path in modules("components")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and "pulumi.ComponentResource" in map(dotted, node.bases)
    }


def components() -> Iterator[tuple[Path, ast.ClassDef]]:
    for path in modules("components"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef) and "pulumi.ComponentResource" in map(dotted, node.bases):
                yield path, node


def test_only_the_program_reads_the_configuration() -> None:
    assert {
        path for path in modules("components", "handlers", "local_cloud") if config_readers(tree(path))
    } == set()
    assert config_readers(tree(Path("__main__.py"))) == ["pulumi.Config"]


def test_only_the_program_exports() -> None:
    assert {path for path in modules("components") if exports(tree(path))} == set()
    assert exports(tree(Path("__main__.py")))


def test_the_program_makes_no_resource_itself() -> None:
    assert [
        name for name, _ in calls(tree(Path("__main__.py"))) if name.startswith("aws.") and is_resource(name)
    ] == []


def test_no_resource_is_made_inside_apply() -> None:
    assert [f"{path}: {name}" for path in modules(*PROGRAM) for name in resources_in_apply(tree(path))] == [], (
        "a preview would not show it"
    )


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x.apply(lambda v: aws.sqs.Queue(v))", ["aws.sqs.Queue"]),
        ("def make(v):\n    return EventBus(v)\nx.apply(make)", ["EventBus"]),
        ("x.apply(func=lambda v: LambdaFunction(v))", ["LambdaFunction"]),
        ("x.apply(lambda v: str(v)); aws.sqs.Queue('q')", []),
        ("x.apply(lambda v: aws.get_region())", []),
    ],
)
def test_a_resource_inside_apply_would_be_noticed(source: str, found: list[str]) -> None:
    assert resources_in_apply(ast.parse(source)) == found


def test_an_export_and_a_reading_of_the_configuration_would_be_noticed() -> None:
    assert exports(ast.parse("import pulumi\npulumi.export('a', 1)"))
    assert config_readers(ast.parse("import pulumi\nc = pulumi.Config('x')"))


def test_every_component_stands_in_a_file_of_its_own_and_registers_its_outputs_last() -> None:
    found = list(components())
    assert len({path for path, _ in found}) == len(found) > 10
    for path, node in found:
        (init,) = (each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__")
        last = init.body[-1]
        assert isinstance(last, ast.Expr), path
        assert isinstance(last.value, ast.Call), path
        assert dotted(last.value.func) == "self.register_outputs", path


def test_every_component_takes_a_name_frozen_arguments_and_options() -> None:
    for path, node in components():
        (init,) = (each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__")
        names = [each.arg for each in init.args.args]
        assert names == ["self", "name", "args", "opts"], path
        assert dotted(init.args.args[2].annotation or node) == f"{node.name}Args", path
        decorators = [
            ast.unparse(each)
            for other in ast.walk(tree(path))
            if isinstance(other, ast.ClassDef) and other.name == f"{node.name}Args"
            for each in other.decorator_list
        ]
        assert decorators == ["dataclass(frozen=True, kw_only=True)"], path


def test_no_component_holds_an_output_in_an_f_string() -> None:
    outputs = {"arn", "id", "invoke_arn", "execution_arn", "url", "invoke_url"}
    for path in modules(*PROGRAM):
        for node in (each for each in ast.walk(tree(path)) if isinstance(each, ast.FormattedValue)):
            attribute = node.value.attr if isinstance(node.value, ast.Attribute) else ""
            assert attribute not in outputs, f"{path}:{node.lineno}: use Output.concat or Output.format"


def test_the_contract_is_read_by_the_program_alone() -> None:
    readers = {
        path
        for path in modules("components", "handlers", "__main__.py")
        if any(name == "openapi.load" for name, _ in calls(tree(path)))
    }
    assert readers == {Path("__main__.py"), Path("components/gateway_limits.py")}
    assert openapi.load(ROOT / "openapi.yaml")["openapi"].startswith("3.0")
