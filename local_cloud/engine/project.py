"""A stack's configuration: Pulumi.yaml, Pulumi.<stack>.yaml and overrides, checked before anything runs."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from .errors import ConfigError, NeedsPulumiCli
from .model import Stack

PROJECT_FILE = "Pulumi.yaml"


@dataclass(frozen=True, kw_only=True)
class _Declared:
    """What Pulumi.yaml says of a key."""

    type: str | None = None
    default: Any = None
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class _Given:
    value: Any
    source: str
    """The file, or "an override"."""


def load_stack(root: Path, name: str, overrides: Mapping[str, str] | None = None) -> Stack:
    """`overrides` are "namespace:key" -> value. Raises ConfigError naming key, file, value and remedy."""
    root = Path(root).resolve()
    document = _read_yaml(root / PROJECT_FILE)
    project = document.get("name")
    if not isinstance(project, str) or not project:
        raise ConfigError(f"{root / PROJECT_FILE}: `name` is missing; give the project one")
    _check_program(document, root / PROJECT_FILE)
    declared, given = _declarations(document.get("config"), project, root / PROJECT_FILE)
    strict = bool(document.get("config"))

    stack_file = root / f"Pulumi.{name}.yaml"
    if not stack_file.is_file():
        raise ConfigError(f"{stack_file}: no such file; {_known_stacks(root)}")
    stack_document = _read_yaml(stack_file)
    if stack_document.get("environment"):
        raise NeedsPulumiCli(f"`environment` in {stack_file}")
    settings = stack_document.get("config") or {}
    if not isinstance(settings, dict):
        raise ConfigError(f"{stack_file}: `config` is {settings!r}; it must be a mapping of keys to values")
    for key, value in settings.items():
        given[_with_namespace(str(key), project)] = _Given(value=value, source=str(stack_file))
    for key, text in (overrides or {}).items():
        given[_with_namespace(key, project)] = _Given(value=text, source="an override")

    config, secret_keys = {}, set()
    for key, item in given.items():
        if strict and key.startswith(f"{project}:") and key not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise ConfigError(
                f"{item.source}: unknown key {key}; the keys that {PROJECT_FILE} declares are: {known}"
            )
        declaration = declared.get(key, _Declared())
        secret = declaration.secret or _is_secret_elsewhere(settings, key, project)
        config[key] = _as_text(key, item, declaration.type, stack_file, secret)
        if secret:
            secret_keys.add(key)
    for key in declared:
        if key not in config:
            raise ConfigError(
                f"{stack_file}: {key} has no value, and {PROJECT_FILE} gives no default; set it there"
            )
    return Stack(project=project, name=name, root=root, config=config, secret_keys=frozenset(secret_keys))


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{where}: not valid YAML: {getattr(error, 'problem', None) or error}") from error
    except (ValueError, RecursionError) as error:  # a date that there is not, or too many brackets
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: must be a mapping, and is {type(document).__name__}")
    return document


def _check_program(document: Mapping[str, Any], path: Path) -> None:
    runtime = document.get("runtime", "python")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language != "python":
        raise NeedsPulumiCli(f"runtime {language!r} in {path}")
    if document.get("main", ".") not in (".", "./", "__main__.py"):
        raise NeedsPulumiCli(f"`main: {document['main']}` in {path}")


def _declarations(block: Any, project: str, path: Path) -> tuple[dict[str, _Declared], dict[str, _Given]]:
    if block is None:
        return {}, {}
    if not isinstance(block, dict):
        raise ConfigError(f"{path}: `config` is {block!r}; it must be a mapping of keys to declarations")
    declared: dict[str, _Declared] = {}
    given: dict[str, _Given] = {}
    for bare, entry in block.items():
        key = _with_namespace(str(bare), project)
        own = key.startswith(f"{project}:")
        if not isinstance(entry, dict):
            value, declaration = entry, _Declared()
        else:
            value = entry.get("value", entry.get("default"))
            declaration = _Declared(
                type=entry.get("type"), default=entry.get("default"), secret=bool(entry.get("secret"))
            )
            if declaration.type not in (None, *_CHECKS):
                raise ConfigError(
                    f"{path}: {key} has type {declaration.type!r}; it must be one of {', '.join(_CHECKS)}"
                )
        if own:
            declared[key] = declaration
        if value is not None:
            given[key] = _Given(value=value, source=str(path))
    return declared, given


def _with_namespace(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _known_stacks(root: Path) -> str:
    names = sorted(path.name.split(".")[1] for path in root.glob("Pulumi.*.yaml"))
    return f"the stacks here are: {', '.join(names)}" if names else "there is no stack file here"


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _is_secret_elsewhere(settings: Mapping[str, Any], key: str, project: str) -> bool:
    """An override of an encrypted value is as secret as what it stands for; so is one that is not written well."""
    return any(
        isinstance(value, dict) and "secure" in value
        for name, value in settings.items()
        if _with_namespace(str(name), project) == key
    )


def _as_text(key: str, given: _Given, type_: str | None, stack_file: Path, secret: bool) -> str:
    value = given.value
    if _is_encrypted(value):
        raise ConfigError(
            f"{given.source}: {key} is encrypted; reading it needs the Pulumi CLI. Give it as an override instead"
        )
    if type_ is not None and not _CHECKS[type_](value):
        remedy = "" if given.source != "an override" else f" (without the override, {stack_file} decides)"
        shown = "a secret of another form" if secret else repr(value)
        raise ConfigError(f"{given.source}: {key} is {shown}; it must be {_ARTICLES[type_]}{remedy}")
    if isinstance(value, str):
        return value
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    return json.dumps(value)


def _is_integer(value: Any) -> bool:
    if isinstance(value, str):
        return value.removeprefix("-").isdecimal()
    return isinstance(value, int) and not isinstance(value, bool)


def _is_structure(value: Any, kind: type) -> bool:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return False
    return isinstance(value, kind)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "boolean": lambda value: isinstance(value, bool) or value in ("true", "false"),
    "array": lambda value: _is_structure(value, list),
    "object": lambda value: _is_structure(value, dict),
}
_ARTICLES = {
    "string": "a string (put it in quotes)",
    "integer": "an integer",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
