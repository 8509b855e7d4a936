"""The contract, as Schemathesis loads it here."""

import os
import tomllib
from random import SystemRandom
from typing import Any

import schemathesis
import yaml

from support.stack import ROOT, Stack

OPENAPI = ROOT / "openapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))
CONFIGURATION = ROOT / "schemathesis.toml"
NO_KEY_YET = "the stack's key"


def seed() -> int:
    """SEED as a number, or a new one for `SEED=random`; without it the one of schemathesis.toml."""
    text = os.environ.get("SEED", "")
    if text == "random":
        return SystemRandom().randrange(2**31)
    return int(text) if text else int(tomllib.loads(CONFIGURATION.read_text())["seed"])


def schema(examples: int, seed: int, stack: Stack | None = None) -> schemathesis.BaseSchema:
    """Configured by schemathesis.toml. Without a stack, `authenticate` each case and say where to send it."""
    settings = tomllib.loads(CONFIGURATION.read_text())
    settings["seed"] = seed
    settings["hooks"] = str(ROOT / settings["hooks"])
    settings["auth"]["openapi"]["api_key"]["api_key"] = stack.api_key if stack else NO_KEY_YET
    settings["generation"]["max-examples"] = examples
    if stack:
        settings["base-url"] = stack.url
    return schemathesis.openapi.from_path(OPENAPI, config=schemathesis.Config.from_dict(settings))


def authenticate(case: schemathesis.Case, stack: Stack) -> None:
    """pytest collects cases before there is a stack; those that carry a key at all get the stack's."""
    for name, value in case.headers.items():
        if value == NO_KEY_YET:
            case.headers[name] = stack.api_key
