"""Serves what a program reads: existing resources and provider functions."""

from __future__ import annotations

from dataclasses import replace

from .errors import EngineError, NeedsPulumiCli
from .goal import Goal
from .provider import UNKNOWN, CheckFailed, Properties, ProviderError
from .providers import ProviderResources
from .resource import Resource
from .run import Run
from .settle import settle
from .urn import describe
from .values import mark_outputs, plain_properties

GET_RESOURCE = "pulumi:pulumi:getResource"


class InvokeFailed(Exception):
    """A function failed; the program may handle that."""


class Reader:
    def __init__(self, run: Run, providers: ProviderResources) -> None:
        self._run = run
        self._providers = providers

    def read(self, goal: Goal, id_: object) -> Resource:
        """A resource that someone else owns. A preview knows only what an earlier deployment has read."""
        run, urn = self._run, self._run.urn(goal)
        if goal.package == "pulumi":
            raise NeedsPulumiCli(f"{describe(urn)}: a stack reference")
        run.claim(urn)
        provider = self._providers.reference(goal.provider, goal.package, goal.version)
        old = run.state.live(urn)
        if old is not None and old.external and old.id != id_:
            old = None
        new = Resource(
            urn=urn,
            type=goal.type,
            custom=True,
            external=True,
            id="" if id_ is UNKNOWN else str(id_),
            parent=goal.parent,
            provider=provider,
            inputs=goal.inputs,
            dependencies=tuple(sorted(goal.dependencies)),
            additional_secret_outputs=goal.additional_secret_outputs,
        )
        secret_names = run.provider.secret_outputs(goal.type) | set(goal.additional_secret_outputs)
        if run.preview:
            outputs = old.outputs if old is not None and old.external else {}
        else:
            wanted = plain_properties(goal.inputs)
            found = run.call("read", urn, lambda: run.provider.read(goal.type, new.id, wanted, {}))
            if found is None:
                raise EngineError(f"{describe(urn)}: there is no such resource with the id {new.id!r}")
            outputs = mark_outputs(found, goal.inputs, secret_names)
        others: tuple[Resource, ...] = ()
        if old is not None and not old.external and old.id != new.id:
            run.replaced.add(urn)
            others = (replace(old, delete=True),)
        return settle(run, "read", replace(new, outputs=outputs), old, "", *others)

    def invoke(self, token: str, args: Properties, provider: str, version: str) -> Properties:
        """Raises InvokeFailed."""
        if token == GET_RESOURCE:
            return self._registered(str(args.get("urn")))
        if token.startswith("pulumi:"):
            raise NeedsPulumiCli(f"the function {token}")
        self._providers.reference(provider, token.split(":", 1)[0], version)
        given = plain_properties(args)
        try:
            return self._run.call_unexplained(lambda: self._run.provider.invoke(token, given))
        except (CheckFailed, ProviderError) as error:
            raise InvokeFailed(self._run.masked(str(error))) from error

    def _registered(self, urn: str) -> Properties:
        resource = self._run.registered.get(urn)
        if resource is None:
            raise EngineError(f"the program refers to {urn}, which it has not registered")
        return {"urn": urn, "id": resource.id, "state": resource.outputs}
