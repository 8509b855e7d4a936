"""One module for each command: `EXAMPLE`, `add_arguments(parser)`, `run(options, stack, console)`."""

from operations.commands import dismiss, failed, import_leads, replay, status, submit

ALL = {
    "submit": submit,
    "status": status,
    "failed": failed,
    "replay": replay,
    "import": import_leads,
    "dismiss": dismiss,
}
