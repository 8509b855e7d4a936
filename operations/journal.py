"""What has been sent of a file, so that an import carries on where it ended and sends nothing twice."""

import fcntl
import json
import os
import stat
import uuid
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from operations.errors import OperationsError
from operations.files import explained

_HEADER_BEGINS = '{"namespace": "'
# What ids are made of: the lead in its one spelling. A journal of release 1.0 does not say, and has them of the
# lead as its row gives it; it goes on so, since another id would be another lead.
_IDS = "ids"
_OF_THE_LEAD = "lead"


class Journal:
    """A line for the stack, then one for each lead that was sent. Only one import holds it at a time.

    Lead ids are made from a secret of the journal and the lead itself: the same row has the same id in every
    run, and nobody else can work it out. So even a row that was sent and not written down is sent again as the
    same lead, which does nothing.
    """

    def __init__(self, path: Path, stack: str) -> None:
        """Raise OperationsError when it can't be used; it is then as it was."""
        self._path = path
        with explained(f"{path} can't be written", "Nothing was sent. Give --journal a file where you may write."):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            self._lock()
            with explained(f"{path} can't be written", "Nothing was sent."):
                self._namespace, self._ids, self.sent = self._load(stack)
        except BaseException:
            os.close(self._descriptor)
            raise

    def lead_id(self, lead: object, as_given: object) -> str:
        """`as_given`: the lead before it was brought into its one spelling."""
        counted = lead if self._ids == _OF_THE_LEAD else as_given
        return str(uuid.uuid5(self._namespace, json.dumps(counted, sort_keys=True)))

    def add(self, lead_ids: Iterable[str]) -> None:
        """Written through to the disk before this returns."""
        lead_ids = list(lead_ids)
        with explained(
            f"{self._path} can't be written",
            f"Up to {len(lead_ids)} leads were sent that are not written down. Make room and run the same command"
            " again: it sends those again as the same leads, which does nothing, and then the rest.",
        ):
            self._append("".join(f"{lead_id}\n" for lead_id in lead_ids))
        self.sent.update(lead_ids)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def _lock(self) -> None:
        with explained(f"{self._path} can't be locked", "Give --journal a file on a local disk."):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OperationsError(f"{self._path} is in use: another import of this file runs.") from None

    def _load(self, stack: str) -> tuple[uuid.UUID, str | None, set[str]]:
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise OperationsError(f"{self._path} is no regular file. Give --journal another file.")
        with open(self._descriptor, "rb", closefd=False) as file:
            text = file.read().decode("ascii", errors="replace")
        whole = text[: text.rfind("\n") + 1]
        if not whole and _HEADER_BEGINS.startswith(text[: len(_HEADER_BEGINS)]):
            os.ftruncate(self._descriptor, 0)  # new, or its first line was cut off by a crash
            os.lseek(self._descriptor, 0, os.SEEK_END)
            namespace = uuid.uuid4()
            header = {"namespace": str(namespace), "stack": stack, _IDS: _OF_THE_LEAD}
            self._append(json.dumps(header) + "\n")
            return namespace, _OF_THE_LEAD, set()
        first, *rest = whole.splitlines() or [text]
        try:
            header = json.loads(first)
            namespace, other, ids = uuid.UUID(header["namespace"]), header["stack"], header.get(_IDS)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise OperationsError(
                f"{self._path} is not an import's journal. Move it away, or give --journal another file."
            ) from None
        if other != stack:
            raise OperationsError(
                f"{self._path} belongs to an import into {other}. Give --journal another file for {stack}."
            )
        os.ftruncate(self._descriptor, len(whole))  # a line that was cut off by a crash goes
        os.lseek(self._descriptor, 0, os.SEEK_END)
        return namespace, ids, set(rest)

    def _append(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._descriptor, data) :]
        os.fsync(self._descriptor)
