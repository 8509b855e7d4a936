"""A file that has been read to its end, before anything of it is sent."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from handlers.shared.contract import Contract
from operations import rows
from operations.files import Source, explained, scratch
from operations.rejects import Rejects

SENT, VALID, KNOWN, REJECTED = "sent", "valid", "known", "rejected"
_KEEPING = "the rows of the file can't be kept in a temporary file"
_REMEDY = "Nothing was sent. Make room for it, or set TMPDIR to another folder."


class Judged:
    """Its leads and its rejects; neither is in memory whole. What is sent is what was judged."""

    def __init__(
        self, path: Path, contract: Contract, defaults: Mapping[str, Any], told: Callable[[rows.Row], None]
    ) -> None:
        """`told` hears of every row. Raise OperationsError when the file itself can't be read."""
        self.source = Source(path)
        self.count = 0
        reader = rows.reader_of(self.source, contract, defaults)
        self.rejects = Rejects(self.source, reader)
        self._kept = scratch()
        try:
            for row in rows.judged(reader, contract, defaults):
                with explained(_KEEPING, _REMEDY):
                    self._keep(row)
                told(row)
        except BaseException:
            self.close()
            raise

    def leads(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Each lead, and the same as it was given."""
        with explained(_KEEPING):
            self._kept.seek(0)
        for line in self._kept:
            lead, as_given = json.loads(line)
            yield lead, as_given

    def close(self) -> None:
        self._kept.close()
        self.rejects.close()

    def _keep(self, row: rows.Row) -> None:
        if row.reason is not None:
            self.rejects.add(row.record, row.reason)
            return
        self._kept.write(json.dumps([row.lead, row.as_given]).encode() + b"\n")
        self.count += 1


def said(counts: Counter[str]) -> str:
    words = {SENT: "sent", VALID: "valid", KNOWN: "sent before or repeated", REJECTED: "rejected"}
    return ", ".join(f"{counts[key]} {word}" for key, word in words.items() if counts[key]) or "nothing sent"
