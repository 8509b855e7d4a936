"""An execution starts at once. MiniStack 1.5.33 sleeps 150 ms before each one."""

from __future__ import annotations

import inspect

from ministack.services import stepfunctions

from local_cloud.emulator.repairs import RepairDoesNotFit

FIXED_WAIT = "    time.sleep(0.15)\n"


def apply() -> None:
    run = stepfunctions._run_execution
    source = inspect.getsource(run)
    if source.count(FIXED_WAIT) != 1:
        raise RepairDoesNotFit(
            "stepfunctions._run_execution has no fixed wait any more: this repair is unnecessary. "
            "Remove local_cloud/emulator/repairs/execution_start.py, or install the pinned MiniStack."
        )
    # Its own text without the one line, at the same line numbers, in the same module.
    first_line = run.__code__.co_firstlineno
    text = "\n" * (first_line - 1) + source.replace(FIXED_WAIT, "\n")
    exec(compile(text, run.__code__.co_filename, "exec"), vars(stepfunctions))  # noqa: S102
