"""The vocabulary of the table: how one `aws:*` resource type is made of AWS operations.

A `Resource` names the boto3 operations that create, read, update and delete it. Their parameters follow from
the inputs: an input goes to the parameter of its own name, whatever the case (`queueUrl` to `QueueUrl`), and
only to operations that have that parameter; a name that differs is written as a path (`Attributes.Policy`,
`Targets.0.Arn`). What a declaration cannot say is a function, named in the operation's place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_cloud.engine.provider import Properties
from local_cloud.provider.comparison import changed_inputs

if TYPE_CHECKING:
    from local_cloud.provider.cloud import Cloud

Answer = dict[str, Any]
"""What an AWS operation answers, as boto3 gives it."""


@dataclass(frozen=True, kw_only=True)
class To:
    """Where an input goes when its own name and shape will not do."""

    path: str
    rename: Mapping[str, str] = field(default_factory=dict)
    """Names inside the value, at any depth."""
    convert: Callable[[Any], Any] | None = None


Inputs = Mapping[str, str | To]


def same(names: str) -> dict[str, str | To]:
    """Inputs that have the names of their parameters."""
    return {name: name for name in names.split()}


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, kw_only=True)
class Call:
    """An operation whose parameters differ from the resource's own declaration."""

    operation: str
    key: Mapping[str, str] | None = None
    inputs: Inputs | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Inputs with an operation of their own, called after the creation and when one of them changes."""

    put: Operation
    inputs: Inputs
    remove: Operation | None = None
    """Takes the setting away; without it, `put` is called again, with `default`."""
    default: Any = None
    none: Any = None
    """A value of the (only) input that means the same as leaving it out."""
    at_creation: bool = True
    """False: the resource's creation takes these inputs itself."""


@dataclass(frozen=True, kw_only=True)
class AutoName:
    """The input that gets the logical name and seven hex digits when the program leaves it out."""

    property: str = "name"
    limit: int = 255
    """The longest name that AWS takes."""
    lower: bool = False
    suffix: Callable[[Properties], str] = lambda _: ""


@dataclass(frozen=True, kw_only=True)
class Tagging:
    tag: str
    untag: str
    key: Mapping[str, str]
    """The parameter that names the tagged resource, and the property that it comes from."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    type: str
    service: str
    """boto3's name of the service."""
    inputs: Inputs
    key: Mapping[str, str] = field(default_factory=dict)
    """Parameters that say which resource is meant, and the property (or `{template}`) that holds the value.
    Each operation gets those that it knows."""

    create: Operation
    read: Operation
    update: tuple[str | Call, ...] = ()
    """Each is called when one of the inputs that it takes has changed."""
    delete: Operation | None
    """None: it goes with the resource that it belongs to."""
    settings: tuple[Setting, ...] = ()
    tagging: Tagging | None = None
    exists: Operation | None = None
    """Answers if there is such a resource already: asked before a creation that would silently overwrite or
    reuse it."""

    found: str = "@"
    """JMESPath of the resource in the answer of `read`, `{property}` filled in; empty or null: it is gone."""
    created: Mapping[str, str] = field(default_factory=dict)
    """Outputs that only the creation's answer holds, as JMESPath."""
    outputs: Mapping[str, str | Callable[[Any], Any]] = field(default_factory=dict)
    """Outputs in what `read` found, as JMESPath or a function of it."""
    derived: Mapping[str, str] = field(default_factory=dict)
    """Outputs put together from other properties and from `region`, `account` and `endpoint`."""
    secret_outputs: frozenset[str] = frozenset()
    id: str
    """Put together like a derived output, from inputs and what the creation answered."""

    name: AutoName | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    resets: Mapping[str, Any] = field(default_factory=dict)
    """What an update sends for an input that the program no longer gives, where AWS would keep the old value."""
    documents: frozenset[str] = frozenset()
    """Inputs that are JSON documents: compared by content, refused when they are not JSON."""
    normal: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Inputs that can be written in several ways, and the one form in which they are compared."""
    replace: frozenset[str] | Callable[[Properties], frozenset[str]] = frozenset()
    """Inputs whose change needs a new resource."""
    identity: tuple[str, ...] = ()
    """Inputs that no two resources may share: a replacement that keeps them deletes first."""
    not_sent: Mapping[str, str] = field(default_factory=dict)
    """Inputs that are taken and reach no operation of the local cloud, with the reason."""
    check: Callable[[Properties], None] | None = None
    """Raises CheckFailed for what only a look at the content can refuse."""

    def accepts(self) -> frozenset[str]:
        """The names of all inputs that a program may give."""
        names = {*self.inputs, *self.not_sent, "region"}
        for setting in self.settings:
            names |= setting.inputs.keys()
        for operation in self.update:
            if isinstance(operation, Call) and operation.inputs:
                names |= operation.inputs.keys()
        if self.tagging:
            names.add("tags")
        return frozenset(names)

    def changed(self, old: Properties, new: Properties) -> tuple[str, ...]:
        """The names of inputs that differ, sorted."""
        return changed_inputs(self._normal(old), self._normal(new), self.documents)

    def _normal(self, inputs: Properties) -> Properties:
        forms = {name: form(inputs[name]) for name, form in self.normal.items() if inputs.get(name) is not None}
        return {**inputs, **forms}

    def replaced_by(self, inputs: Properties) -> frozenset[str]:
        return self.replace(inputs) if callable(self.replace) else self.replace


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One resource under way: everything that an operation may look at."""

    cloud: Cloud
    resource: Resource
    urn: str = ""
    id: str = ""
    """Empty until the resource exists."""
    inputs: Properties = field(default_factory=dict)
    old: Properties = field(default_factory=dict)
    """The inputs before an update."""
    outputs: Properties = field(default_factory=dict)
    changed: frozenset[str] = frozenset()

    def call(self, operation: str, **parameters: Any) -> Answer:
        return self.cloud.call(self.resource.service, operation, **parameters)

    def value(self, name: str) -> Any:
        """A property by its name: `id`, an output if there is one, else an input."""
        if name == "id":
            return self.id
        if name in ("region", "account", "endpoint"):
            return getattr(self.cloud, name)
        return self.outputs[name] if name in self.outputs else self.inputs.get(name)

    def filled(self, template: str) -> str:
        return template.format_map(_Names(self))


class _Names(dict[str, Any]):
    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope

    def __missing__(self, name: str) -> Any:
        return self._scope.value(name)


Function = Callable[[Scope], Answer | None]
Operation = str | Call | Function
