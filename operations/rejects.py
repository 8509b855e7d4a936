"""The file of records that are no leads, each whole, with its line and reason."""

import itertools
import os
import re
import shutil
from pathlib import Path
from typing import IO

from operations import interrupts
from operations.files import Source, explained, scratch
from operations.records import Reader, Record

_CHUNK = 64 * 1024
_NUMBERED = re.compile(r"\.rejected(-\d+)?$")


class Rejects:
    """Kept until the whole file is judged, and then written beside it under a name that nobody has used."""

    def __init__(self, source: Source, reader: Reader) -> None:
        self._source = source
        self._reader = reader
        self._kept = scratch()
        self.count = 0

    def add(self, record: Record, reason: str) -> None:
        text = self._reader.rejected(record, reason)
        if not self.count:
            text = ("\ufeff" if self._source.has_bom else "") + self._reader.heading() + text
        self._kept.write(text.encode())
        self.count += 1

    def write(self, folder: Path) -> Path | None:
        """The file, or the one of an earlier run that says the same; None when nothing is rejected."""
        if not self.count:
            return None
        base = _NUMBERED.sub("", self._source.path.stem)
        for number in itertools.count(1):
            path = folder / f"{base}.rejected-{number}{self._source.path.suffix}"
            with explained(
                f"{path} can't be written", "Nothing was sent. Give --journal a file in a folder with room."
            ):
                try:
                    self._create(path)
                except FileExistsError:
                    if not self._is_same(path):
                        continue
            return path
        raise AssertionError("unreachable")

    def close(self) -> None:
        self._kept.close()

    def _create(self, path: Path) -> None:
        with interrupts.held():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    self._copy(file)
                    file.flush()
                    os.fsync(descriptor)
            except BaseException:
                path.unlink(missing_ok=True)  # not whole, and nobody has seen it
                raise

    def _is_same(self, path: Path) -> bool:
        if not path.is_file():
            return False
        self._kept.seek(0)
        with path.open("rb") as theirs:
            while chunk := self._kept.read(_CHUNK):
                if theirs.read(len(chunk)) != chunk:
                    return False
            return not theirs.read(1)

    def _copy(self, file: IO[bytes]) -> None:
        self._kept.seek(0)
        shutil.copyfileobj(self._kept, file)
