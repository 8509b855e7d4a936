"""Deletes resources, each only when nothing that needs it is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from .errors import EngineError
from .resource import Resource
from .run import Run, Stopping
from .urn import describe
from .values import plain_properties


def refuse_protected(resources: Sequence[Resource], fate: str) -> None:
    """`fate` is "deleted" or "replaced"."""
    protected = [resource.urn for resource in resources if resource.protect and not resource.delete]
    if protected:
        names = ", ".join(describe(urn) for urn in protected)
        raise EngineError(
            f"{names}: protected, and would be {fate}, so nothing was; set protect=False and deploy that first"
        )


def delete_all(run: Run, victims: Sequence[Resource], deleted: Callable[[Resource], None]) -> None:
    """Calls `deleted` as each one is gone; reports what fails and leaves what that one needs."""
    doomed_urns = {victim.urn for victim in victims}
    waiting = {victim.key: _dependants(victim, victims) for victim in victims}
    by_key = {victim.key: victim for victim in victims}
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=run.parallel, thread_name_prefix="delete") as pool:
        while waiting or running:
            for key in [key for key, dependants in waiting.items() if not dependants]:
                del waiting[key]
                running[pool.submit(_delete_one, run, by_key[key], doomed_urns)] = key
            if not running:
                return  # what is left is needed by something that could not be deleted
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                key = running.pop(future)
                try:
                    future.result()
                except Stopping:
                    continue
                except EngineError as error:
                    run.fail(str(error))
                    continue
                deleted(by_key[key])
                for dependants in waiting.values():
                    dependants.discard(key)


def _dependants(resource: Resource, victims: Sequence[Resource]) -> set[str]:
    return {other.key for other in victims if other.key != resource.key and resource.urn in other.needs()}


def _delete_one(run: Run, resource: Resource, doomed_urns: set[str]) -> None:
    goes_with_another = bool(resource.deleted_with) and resource.deleted_with in doomed_urns
    if run.preview or resource.retain_on_delete or goes_with_another or not resource.needs_provider_call:
        return
    inputs, outputs = plain_properties(resource.inputs), plain_properties(resource.outputs)
    run.operate("deleting", resource, lambda: run.provider.delete(resource.type, resource.id, inputs, outputs))
