"""One module for each command: `EXAMPLE`, `add_arguments(parser)`, `run(options, stack, console)`.

`run_offline(options, console)`, where there is one, comes first: None when the command needs its stack after all.
"""

from operations.commands import dismiss, failed, import_leads, replay, status, submit, warnings

ALL = {
    "submit": submit,
    "status": status,
    "failed": failed,
    "replay": replay,
    "import": import_leads,
    "dismiss": dismiss,
    "warnings": warnings,
}
