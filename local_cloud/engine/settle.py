"""The end of every registration: the resource goes into the state, and its step is reported."""

from __future__ import annotations

from dataclasses import replace

from .resource import Resource
from .run import Run
from .statefile import now


def settle(
    run: Run, op: str, new: Resource, old: Resource | None, detail: str = "", *others: Resource
) -> Resource:
    """`others` are resources whose records change together with this one."""
    kept = old if old is not None and op in ("same", "update", "read") else None
    moment = now()
    created = (kept.created if kept else "") or moment
    unchanged = kept is not None and op in ("same", "read") and bool(kept.modified)
    new = replace(new, created=created, modified=kept.modified if kept and unchanged else moment)
    run.learn_secrets_of(new.inputs)
    run.learn_secrets_of(new.outputs)
    run.state.put(new, *others)
    run.registered[new.urn] = new
    run.step(op, new, detail)
    return new
