"""The project's YAML files, read strictly: a key given twice or a second document is an error."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from components.errors import ConfigurationError


def read(path: Path) -> dict[str, Any]:
    """A mapping whose keys are text, at every depth. Raise ConfigurationError with the file and the line."""
    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path.name}, line {mark.line + 1}" if mark else path.name
        reason = getattr(error, "problem", None) or str(error)
        raise ConfigurationError(f"{where}: {reason}: mend it, and give each key once") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path.name} is not UTF-8 ({error}): save it as UTF-8") from None
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path.name} holds no mapping of keys to values")
    if found := _keys_that_are_no_text(document):
        keys = ", ".join(map(str, found))
        raise ConfigurationError(f"{path.name}: the keys {keys} are not text: put them in quotes")
    return document


def _keys_that_are_no_text(value: Any) -> list[object]:
    if isinstance(value, list):
        return [key for each in value for key in _keys_that_are_no_text(each)]
    if not isinstance(value, dict):
        return []
    inside = [key for each in value.values() for key in _keys_that_are_no_text(each)]
    return [key for key in value if not isinstance(key, str)] + inside
