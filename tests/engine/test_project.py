from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from local_cloud.engine import ConfigError, NeedsPulumiCli, load_stack

PROJECT = """
name: shop
runtime:
  name: python
config:
  size: {type: integer, default: 3}
  color: {type: string, description: of the door}
  shop:deep: {type: boolean, default: false}
  zones: {type: array, default: [a, b]}
  limits: {type: object, default: {max: 5}}
  plain: text
  key: {type: string, secret: true, default: none}
  aws:region: {value: us-east-1}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    write(tmp_path, "config:\n  shop:color: red\n")
    return tmp_path


def write(root: Path, text: str) -> None:
    (root / "Pulumi.dev.yaml").write_text(textwrap.dedent(text))


def test_defaults_the_stack_file_and_overrides_are_merged_in_this_order(root: Path) -> None:
    write(
        root,
        "config:\n  color: red\n  shop:size: 4\n  shop:deep: true\n  aws:region: eu-west-1\n  other:x: {a: 1}\n",
    )
    stack = load_stack(root, "dev", {"shop:size": "5"})
    assert (stack.project, stack.name, stack.root) == ("shop", "dev", root)
    assert stack.config == {
        "shop:size": "5",
        "shop:color": "red",
        "shop:deep": "true",
        "shop:zones": '["a", "b"]',
        "shop:limits": '{"max": 5}',
        "shop:plain": "text",
        "shop:key": "none",
        "aws:region": "eu-west-1",
        "other:x": '{"a": 1}',
    }
    assert stack.secret_keys == {"shop:key"}
    assert "red" not in repr(stack), "configuration may be secret"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config:\n  shop:colour: red\n", r"Pulumi.dev.yaml: unknown key shop:colour.*shop:color"),
        ("config:\n  color: red\n  size: big\n", r"Pulumi.dev.yaml: shop:size is 'big'; it must be an integer"),
        ("config:\n  color: 5\n", r"shop:color is 5; it must be a string \(put it in quotes\)"),
        ("config:\n  color: red\n  deep: 1\n", "shop:deep is 1; it must be true or false"),
        ("config:\n  color: red\n  zones: a\n", "shop:zones is 'a'; it must be a list"),
        ("config:\n  color: red\n  limits: [1]\n", r"shop:limits is \[1\]; it must be a mapping"),
        ("config: {}\n", "Pulumi.dev.yaml: shop:color has no value, and Pulumi.yaml gives no default"),
        ("config:\n  color: {secure: v1:abc}\n", "shop:color is encrypted; reading it needs the Pulumi CLI"),
        ("config:\n  color: [red\n", r"Pulumi.dev.yaml, line \d: not valid YAML"),
        (
            "config:\n  color: red\n  color: blue\n",
            r"Pulumi.dev.yaml, line 3: not valid YAML: found duplicate key",
        ),
        ("config:\n  color: \x07\n", r"Pulumi.dev.yaml: not valid YAML"),
        ("config: red\n", "`config` is 'red'; it must be a mapping"),
        ("- a\n", "must be a mapping, and is list"),
    ],
)
def test_a_wrong_configuration_is_named_with_its_file_and_remedy(root: Path, text: str, message: str) -> None:
    write(root, text)
    with pytest.raises(ConfigError, match=message):
        load_stack(root, "dev")


@pytest.mark.parametrize("value", ["{secure: hunter2, more: 1}", "{secure: [hunter2], secured: hunter2}"])
def test_secret_configuration_is_never_part_of_an_error(root: Path, value: str) -> None:
    write(root, f"config:\n  color: {value}\n")
    with pytest.raises(ConfigError, match="shop:color is a secret of another form") as raised:
        load_stack(root, "dev")
    assert "hunter2" not in str(raised.value)


def test_an_override_replaces_an_encrypted_value_and_stays_secret(root: Path) -> None:
    write(root, "config:\n  color:\n    secure: v1:abc\n")
    stack = load_stack(root, "dev", {"shop:color": "red"})
    assert stack.config["shop:color"] == "red"
    assert "shop:color" in stack.secret_keys


def test_a_wrong_override_is_named_as_one(root: Path) -> None:
    with pytest.raises(ConfigError, match="an override: shop:size is 'x'; it must be an integer"):
        load_stack(root, "dev", {"shop:size": "x"})


def test_a_stack_without_a_file_is_refused_naming_the_others(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"Pulumi.prod.yaml: no such file; the stacks here are: dev"):
        load_stack(root, "prod")


def test_a_project_without_declarations_accepts_any_key(root: Path) -> None:
    (root / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    write(root, "config:\n  shop:anything: 1\n")
    assert load_stack(root, "dev").config == {"shop:anything": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runtime: python\n", "`name` is missing"),
        ("name: shop\nconfig:\n  a: {type: number}\n", "shop:a has type 'number'; it must be one of"),
    ],
)
def test_a_wrong_project_file_is_refused(root: Path, text: str, message: str) -> None:
    (root / "Pulumi.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_stack(root, "dev")


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Pulumi.yaml: no such file"):
        load_stack(tmp_path, "dev")


@pytest.mark.parametrize("text", ["name: shop\nruntime: go\n", "name: shop\nmain: src\n"])
def test_other_languages_and_folders_need_the_pulumi_cli(root: Path, text: str) -> None:
    (root / "Pulumi.yaml").write_text(text)
    with pytest.raises(NeedsPulumiCli):
        load_stack(root, "dev")


def test_an_environment_needs_the_pulumi_cli(root: Path) -> None:
    write(root, "environment: [a]\n")
    with pytest.raises(NeedsPulumiCli, match="`environment` in"):
        load_stack(root, "dev")
