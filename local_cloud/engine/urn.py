"""Uniform resource names: urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>."""

from __future__ import annotations

STACK_TYPE = "pulumi:pulumi:Stack"


def make_urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    parents = qualified_type(parent) if parent else ""
    qualified = type_ if parents in ("", STACK_TYPE) else f"{parents}${type_}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def qualified_type(urn: str) -> str:
    return urn.split("::", 3)[2]


def type_of(urn: str) -> str:
    return qualified_type(urn).rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    return urn.split("::", 3)[3]


def describe(urn: str) -> str:
    """A resource as people read it: its type and its name."""
    return f"{type_of(urn)} {name_of(urn)!r}"
