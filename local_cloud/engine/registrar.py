"""Decides what a registration means for a resource (same, create, update, replace) and carries it out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import deletion, paths
from .errors import EngineError, NeedsPulumiCli
from .goal import Goal
from .provider import UNKNOWN, Diff, Properties
from .providers import ProviderResources
from .resource import PROVIDER_PREFIX, Resource
from .run import AlreadyReported, Run
from .settle import settle
from .state import in_dependency_order
from .urn import STACK_TYPE, describe
from .values import (
    changed_names,
    contains_unknown,
    mark_inputs,
    mark_outputs,
    plain_properties,
)


class Registrar:
    def __init__(self, run: Run, providers: ProviderResources) -> None:
        self._run = run
        self._providers = providers
        self.stack_outputs: Properties = {}

    def register(self, goal: Goal) -> Resource:
        run, urn = self._run, self._run.urn(goal)
        run.claim(urn)
        self._refuse_renaming(goal, urn)
        if goal.type.startswith(PROVIDER_PREFIX):
            return self._providers.register(goal, urn)
        if not goal.custom:
            return self._register_component(goal, urn)
        if goal.package == "pulumi" or goal.package.startswith("pulumi-"):
            feature = "a dynamic provider" if ":dynamic" in goal.type else goal.type
            raise NeedsPulumiCli(f"{describe(urn)}: {feature}")
        provider = self._providers.reference(goal.provider, goal.package, goal.version)
        return self._register_custom(goal, urn, provider)

    def register_outputs(self, urn: str, outputs: Properties) -> None:
        """Outputs of a component; those of the stack are recorded when the whole deployment succeeds."""
        resource = self._run.registered.get(urn)
        if resource is None:
            raise EngineError(f"outputs for {urn}, which the program has not registered")
        self._run.learn_secrets_of(outputs)
        if resource.type == STACK_TYPE:
            self.stack_outputs = outputs
        else:
            self._put_outputs(resource, outputs)

    def record_stack_outputs(self) -> None:
        for resource in list(self._run.registered.values()):
            if resource.type == STACK_TYPE:
                self._put_outputs(resource, self.stack_outputs)

    def _put_outputs(self, resource: Resource, outputs: Properties) -> None:
        new = replace(resource, outputs=outputs)
        self._run.registered[resource.urn] = new
        self._run.state.put(new)

    def _refuse_renaming(self, goal: Goal, urn: str) -> None:
        if self._run.state.live(urn) is None:
            for alias in goal.aliases:
                if self._run.state.live(alias) is not None:
                    raise NeedsPulumiCli(f"{describe(urn)}: renaming {describe(alias)} by an alias")

    def _register_component(self, goal: Goal, urn: str) -> Resource:
        old = self._run.state.live(urn)
        new = _wanted(goal, urn, "", goal.inputs)
        if old is None:
            return settle(self._run, "create", new, None)
        op = "update" if changed_names(old.inputs, goal.inputs) else "same"
        return settle(self._run, op, replace(new, outputs=old.outputs), old)

    def _register_custom(self, goal: Goal, urn: str, provider: str) -> Resource:
        run = self._run
        old = run.state.live(urn)
        if old is not None and old.external:
            old = None
        given: Any = goal.inputs
        for text in goal.ignore_changes if old else ():
            given = paths.keep(paths.parse(text), old.inputs if old else {}, given)
        if not run.preview and contains_unknown(given):
            unknown = ", ".join(key for key, value in given.items() if contains_unknown(value))
            raise EngineError(
                f"{describe(urn)}: {unknown}: the value is not known, so the resource can't be deployed"
            )
        if old is None:
            return self._create(goal, self._checked(goal, urn, provider, None, given), None)
        if old.pending_replacement:
            return self._create(goal, self._checked(goal, urn, provider, None, given), old, "replace")

        new = replace(self._checked(goal, urn, provider, old, given), id=old.id)
        diff = self._diff(goal, old, new)
        if diff.replace:
            return self._replace(goal, old, self._checked(goal, urn, provider, None, given), diff)
        if not diff.changed:
            return settle(run, "same", replace(new, outputs=_still_marked(old, new)), old)
        return self._update(old, new, diff)

    def _checked(self, goal: Goal, urn: str, provider: str, old: Resource | None, given: Properties) -> Resource:
        self._run.learn_secrets_of(given)
        before = plain_properties(old.inputs) if old else None
        wanted = plain_properties(given)
        inputs = self._run.call("check", urn, lambda: self._run.provider.check(goal.type, urn, before, wanted))
        return _wanted(goal, urn, provider, mark_inputs(inputs, given))

    def _diff(self, goal: Goal, old: Resource, new: Resource) -> Diff:
        before, outputs, after = map(plain_properties, (old.inputs, old.outputs, new.inputs))
        diff = self._run.call("diff", new.urn, lambda: self._run.provider.diff(goal.type, before, outputs, after))
        reasons = list(diff.replace)
        for text in goal.replace_on_changes:
            path = paths.parse(text)
            if diff.changed and paths.differs(path, old.inputs, new.inputs):
                reasons += [name for name in diff.changed if path[0] in (name, paths.ANY)] or [text]
        if old.deleted_with and old.deleted_with in self._run.replaced:
            reasons.append("deletedWith")
        return replace(diff, replace=tuple(dict.fromkeys(reasons)))

    def _secret_names(self, goal_names: tuple[str, ...], type_: str) -> frozenset[str]:
        return self._run.provider.secret_outputs(type_) | set(goal_names)

    def _create(
        self, goal: Goal, new: Resource, old: Resource | None, op: str = "create", detail: str = ""
    ) -> Resource:
        """`old` is what the new one takes the place of; one that still exists is deleted at the end."""
        run = self._run
        inputs = plain_properties(new.inputs)
        if run.preview:
            id_, outputs = "", inputs
        else:
            id_, outputs = run.operate("creating", new, lambda: run.provider.create(goal.type, new.urn, inputs))
            if not id_:
                raise EngineError(f"{describe(new.urn)}: create failed: the provider returned no id")
        outputs = mark_outputs(outputs, new.inputs, self._secret_names(goal.additional_secret_outputs, goal.type))
        others = () if old is None or old.pending_replacement else (replace(old, delete=True),)
        return settle(run, op, replace(new, id=id_, outputs=outputs), old, detail, *others)

    def _update(self, old: Resource, new: Resource, diff: Diff) -> Resource:
        run = self._run
        before, old_outputs, after = map(plain_properties, (old.inputs, old.outputs, new.inputs))
        if run.preview:
            # an output may differ from its input, as the port of a database that another server answers for
            news = {name for name in after if name in diff.changed or name not in old_outputs}
            outputs = {**old_outputs, **{name: after[name] for name in news}}
        else:
            outputs = run.operate(
                "updating",
                replace(new, outputs=old.outputs),
                lambda: run.provider.update(new.type, old.id, before, old_outputs, after),
            )
        names = self._secret_names(new.additional_secret_outputs, new.type)
        outputs = mark_outputs(outputs, new.inputs, names)
        return settle(run, "update", replace(new, outputs=outputs), old, _detail(diff.changed))

    def _replace(self, goal: Goal, old: Resource, new: Resource, diff: Diff) -> Resource:
        run = self._run
        deletion.refuse_protected([old], "replaced")
        first = goal.delete_before_replace
        if first is None:
            first = diff.delete_before_replace
        run.replaced.add(old.urn)
        if first and not run.preview:
            old = self._delete_first(old)
        return self._create(goal, new, old, "replace", _detail(diff.replace))

    def _delete_first(self, old: Resource) -> Resource:
        """Deletes the resource and, before it, whatever has to be replaced because of that."""
        run = self._run
        victims = [old, *self._replaced_with(old)]
        deletion.refuse_protected(victims, "replaced")
        gone: dict[str, Resource] = {}

        def deleted(resource: Resource) -> None:
            gone[resource.urn] = replace(resource, pending_replacement=True)
            run.state.put(gone[resource.urn])

        before = len(run.errors)
        deletion.delete_all(run, victims, deleted)
        if old.urn not in gone:
            reason = "; ".join(run.errors[before:]) or "the deployment is being stopped"
            raise AlreadyReported(f"{describe(old.urn)}: not replaced, because of: {reason}")
        return gone[old.urn]

    def _replaced_with(self, root: Resource) -> list[Resource]:
        """Resources that can't keep existing while the one whose outputs they are made of is replaced."""
        run = self._run
        tainted = {root.urn}
        found: list[Resource] = []
        for resource in in_dependency_order(run.state.all()):
            if not resource.needs_provider_call or resource.delete or run.is_claimed(resource.urn):
                continue
            unknown = {key for key, urns in resource.property_dependencies.items() if tainted.intersection(urns)}
            if not unknown:
                continue
            if self._must_be_replaced(resource, unknown):
                tainted.add(resource.urn)
                found.append(resource)
        return found

    def _must_be_replaced(self, resource: Resource, unknown: set[str]) -> bool:
        before, outputs = plain_properties(resource.inputs), plain_properties(resource.outputs)
        after = {key: UNKNOWN if key in unknown else value for key, value in before.items()}
        provider, type_ = self._run.provider, resource.type
        diff = self._run.call("diff", resource.urn, lambda: provider.diff(type_, before, outputs, after))
        return bool(diff.replace)


def _wanted(goal: Goal, urn: str, provider: str, inputs: Properties) -> Resource:
    return Resource(
        urn=urn,
        type=goal.type,
        custom=goal.custom,
        parent=goal.parent,
        provider=provider,
        inputs=inputs,
        dependencies=tuple(sorted(goal.dependencies)),
        property_dependencies={
            key: tuple(sorted(urns)) for key, urns in goal.property_dependencies.items() if urns
        },
        protect=goal.protect,
        retain_on_delete=goal.retain_on_delete,
        deleted_with=goal.deleted_with,
        additional_secret_outputs=goal.additional_secret_outputs,
        ignore_changes=goal.ignore_changes,
        replace_on_changes=goal.replace_on_changes,
    )


def _still_marked(old: Resource, new: Resource) -> Properties:
    """The outputs, with those secret whose inputs became so."""
    return mark_outputs(old.outputs, new.inputs, new.additional_secret_outputs)


def _detail(names: tuple[str, ...]) -> str:
    return f"[{', '.join(names)}]" if names else ""
