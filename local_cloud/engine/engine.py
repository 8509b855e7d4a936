"""Orchestrates a preview, a deployment or a destruction."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import DeploymentFailed, DeploymentInterrupted
from .interrupts import handling_interrupts
from .lock import state_lock
from .model import Reporter, Stack, Summary
from .program import ENGINE_ENDED_IT, PROGRAM_FAILED, Program
from .provider import Provider

# What imports Pulumi is imported once the program's process, which imports it too, has been started.
if TYPE_CHECKING:
    from .resource import Resource
    from .run import Run


class Engine:
    """One stack's deployments. Every method raises DeploymentFailed, DeploymentInterrupted or StateLocked."""

    def __init__(
        self,
        stack: Stack,
        state_path: Path,
        provider: Provider,
        *,
        reporter: Reporter,
        python: str = sys.executable,
        parallel: int = 8,
    ) -> None:
        if parallel < 1:
            raise ValueError(f"parallel is {parallel}; it must be at least 1")
        self._stack, self._state_path, self._provider = stack, Path(state_path), provider
        self._reporter, self._python, self._parallel = reporter, python, parallel
        self._interrupted = threading.Event()
        self._stopping = threading.Event()
        self._stop_program: Callable[[], None] = lambda: None

    def preview(self) -> Summary:
        """What `up` would do. Changes nothing."""
        return self._execute_program(preview=True)

    def up(self) -> Summary:
        return self._execute_program(preview=False)

    def destroy(self) -> Summary:
        """Deletes every resource of the stack; the program does not run."""
        started = time.monotonic()
        with self._deployment():
            with self._opened(preview=False) as run:
                self._delete(run, run.state.all())
            return self._summary(run, {}, started)

    def stop(self) -> None:
        """Ends the deployment under way in order: nothing new begins, what is in flight is finished."""
        self._interrupted.set()
        self._stopping.set()
        self._stop_program()

    def _execute_program(self, *, preview: bool) -> Summary:
        started = time.monotonic()
        with self._deployment(), ExitStack() as cleanup:
            program = Program(self._stack, self._python)
            cleanup.callback(program.close)
            self._stop_program = program.stop
            with self._opened(preview=preview) as run:
                outputs = self._run_program(program, run)
            return self._summary(run, outputs, started)

    def _run_program(self, program: Program, run: Run) -> dict[str, object]:
        from . import monitor as services
        from .providers import ProviderResources
        from .reader import Reader
        from .registrar import Registrar
        from .values import contains_unknown, plain

        providers = ProviderResources(run)
        registrar = Registrar(run, providers)
        monitor = services.Monitor(run, registrar, Reader(run, providers))
        engine, folder = services.EngineService(run), self._state_path.absolute().parent
        with services.serving(monitor, engine, self._parallel, folder) as address:
            program.go(
                address,
                lambda line: run.message("info", line),
                preview=run.preview,
                parallel=self._parallel,
                organization=services.ORGANIZATION,
            )
            code = program.wait()
            if code != 0:
                self._stopping.set()
        self._explain_exit(run, code)
        if run.errors or self._interrupted.is_set():
            return {}
        registrar.record_stack_outputs()
        self._delete(run, [resource for resource in run.state.all() if _is_left_over(run, resource)])
        return {key: plain(value) for key, value in registrar.stack_outputs.items() if not contains_unknown(value)}

    def _explain_exit(self, run: Run, code: int) -> None:
        if code == 0 or self._interrupted.is_set():
            return
        if code not in (PROGRAM_FAILED, ENGINE_ENDED_IT) or not run.errors:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            run.fail(f"the program {how} before it was done; what exists is recorded, and nothing was deleted")

    def _delete(self, run: Run, victims: list[Resource] | tuple[Resource, ...]) -> None:
        from . import deletion
        from .errors import EngineError

        try:
            deletion.refuse_protected(victims, "deleted")
        except EngineError as error:
            run.fail(str(error))
            return

        def deleted(resource: Resource) -> None:
            run.state.drop(resource)
            if not (resource.delete and resource.urn in run.replaced):
                run.step("delete", resource, "[retained]" if resource.retain_on_delete else "")

        deletion.delete_all(run, victims, deleted)

    @contextmanager
    def _deployment(self) -> Iterator[None]:
        self._interrupted.clear()
        self._stopping.clear()
        warn = lambda text: self._reporter.message("warning", text)  # noqa: E731
        with state_lock(self._state_path), handling_interrupts(self.stop, warn):
            try:
                yield
            finally:
                self._stop_program = lambda: None

    @contextmanager
    def _opened(self, *, preview: bool) -> Iterator[Run]:
        from .run import Run
        from .state import State

        state = State(self._state_path, self._stack.root, read_only=preview)
        run = Run(
            self._stack,
            state,
            self._provider,
            self._reporter,
            parallel=self._parallel,
            preview=preview,
            stopping=self._stopping,
        )
        try:
            _tell_interrupted(run)
            yield run
        finally:
            state.close()

    def _summary(self, run: Run, outputs: dict[str, object], started: float) -> Summary:
        if self._interrupted.is_set():
            raise DeploymentInterrupted(
                "stopped; what was in flight is recorded, and the next deployment carries on from there"
            )
        if run.errors:
            raise DeploymentFailed(tuple(run.errors))
        return Summary(run.counts(), tuple(run.steps), outputs, time.monotonic() - started)


def _is_left_over(run: Run, resource: Resource) -> bool:
    return resource.delete or not run.is_claimed(resource.urn)


def _tell_interrupted(run: Run) -> None:
    """What an earlier deployment was doing when it was killed is unknown: the person has to know."""
    from .urn import describe

    for kind, urn in run.state.interrupted:
        if kind == "creating":
            run.message(
                "warning",
                f"{describe(urn)}: an earlier deployment was killed while it created this; it may exist"
                " without being recorded, and is now created (again)",
            )
        else:
            run.message("warning", f"{describe(urn)}: an earlier deployment was killed while {kind} this")
    if not run.preview:
        run.state.forget_interrupted()
