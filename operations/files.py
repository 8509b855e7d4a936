"""A person's file as physical lines, read as it stands or refused as a whole."""

import codecs
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from operations.errors import OperationsError

# Characters of one line; more is no list of leads, and would have to be held in memory.
MAX_LINE = 16 * 1024 * 1024
_STANDARD_INPUT = Path("-")
_CHUNK = 64 * 1024
_IN_MEMORY = 8 * 1024 * 1024  # bytes


@contextmanager
def explained(what: str, remedy: str = "") -> Iterator[None]:
    """Turn an OSError into an OperationsError: `what` failed, the system's reason, the remedy."""
    try:
        yield
    except OSError as error:
        raise OperationsError(f"{what}: {error.strerror or error}. {remedy}".rstrip()) from error


def scratch() -> IO[bytes]:
    """For what is too much for memory: a file without a name, which ends with this process at the latest."""
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)


class Source:
    """`has_bom`: whether it begins with a byte order mark, once `lines` has begun."""

    def __init__(self, path: Path) -> None:
        """Raise OperationsError for what can't be read twice, such as a pipe."""
        self.path = path
        self.has_bom = False
        with explained(f"{path} can't be read"):
            mode = path.stat().st_mode if path != _STANDARD_INPUT else stat.S_IFIFO
        if not stat.S_ISREG(mode):
            raise OperationsError(
                f"{path} is no regular file. An import may have to be run again, and keeps its journal beside the"
                " file: save the rows to a file first."
            )
        self._read: tuple[int, ...] = ()

    def lines(self) -> Iterator[str]:
        """Each with the line end that it has: LF, CR LF or CR. Raise OperationsError when it is not UTF-8."""
        with explained(f"{self.path} can't be read"), self.path.open("rb") as file:
            self._read = _signature(os.fstat(file.fileno()))
            self.has_bom = file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
            file.seek(0)
            text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
            number = 0
            try:
                while line := text.readline(MAX_LINE + 1):
                    number += 1
                    if len(line) > MAX_LINE:
                        raise OperationsError(
                            f"{self.path}: line {number} is longer than {MAX_LINE:,} characters, so this is no"
                            " list of leads. Nothing was sent."
                        )
                    yield line
            except UnicodeDecodeError as error:
                raise OperationsError(self._not_utf8()) from error
        self.check_unchanged()

    def check_unchanged(self) -> None:
        """Raise OperationsError when the file is not what `lines` has read any more."""
        try:
            now = _signature(self.path.stat())
        except OSError:
            now = ()
        if now != self._read:
            raise OperationsError(
                f"{self.path} has changed since it was read, so the import has stopped. Run the same command again"
                " when the file is complete: it reads it anew, and sends nothing twice."
            )

    def _not_utf8(self) -> str:
        line, offset, byte = _first_foreign_byte(self.path)
        with self.path.open("rb") as file:
            guess = "UTF-16" if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "WINDOWS-1252"
        return (
            f"{self.path} is not UTF-8: the byte 0x{byte:02X} in line {line} (byte offset {offset}). Nothing was"
            ' sent. Save it as UTF-8 (a spreadsheet calls it "CSV UTF-8"), or convert it, such as with:'
            f" iconv -f {guess} -t UTF-8 {self.path.name}"
        )


def _signature(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _first_foreign_byte(path: Path) -> tuple[int, int, int]:
    """Its line from 1, its offset in the file from 0, and the byte itself."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, read, before = 1, 0, b""
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            pending = decoder.getstate()[0]
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                start = error.start - len(pending)
                return line + _line_ends(before, chunk[: max(start, 0)]), read + start, error.object[error.start]
            if not chunk:
                raise OperationsError(f"{path} has changed while it was read. Run the same command again.")
            line += _line_ends(before, chunk)
            read += len(chunk)
            before = chunk[-1:]


def _line_ends(before: bytes, chunk: bytes) -> int:
    split_crlf = before == b"\r" and chunk.startswith(b"\n")
    return chunk.count(b"\n") + chunk.count(b"\r") - chunk.count(b"\r\n") - split_crlf
