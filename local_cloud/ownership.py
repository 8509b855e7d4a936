"""Whose a folder is. A home carries a marker from its creation on; what has none was not made here and stays."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from local_cloud.errors import LocalCloudError

MARKER = "leadbridge-home.json"
MADE_BY = "leadbridge local_cloud"
LOCK = "lock"

_MOUNTS = Path("/proc/self/mountinfo")
_SERVICES = {"cloud", "database"}
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Marker:
    """`folder_made`: the folder itself is ours; else it was there, empty, with the permissions `mode`."""

    home: str
    inode: int
    folder_made: bool
    mode: int

    def text(self) -> str:
        return json.dumps({"made_by": MADE_BY, **dataclasses.asdict(self)}, indent=2) + "\n"


def draft_of(name: str) -> re.Pattern[str]:
    """What a killed `write_private` leaves beside the file of this name."""
    return re.compile(rf"\.{re.escape(name)}\.[0-9]+\.[0-9a-f]{{8}}")


def read_marker(folder: Path) -> Marker | None:
    """None when there is none. Raises LocalCloudError for one that speaks of another folder, or is spoilt."""
    path = folder / MARKER
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        document = json.loads(path.read_text())
        made_by = document.pop("made_by")
        marker = Marker(**document)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LocalCloudError(
            f"{path} can't be read: {error.strerror}. Nothing in {folder} was touched."
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LocalCloudError(
            f"{path} is spoilt, so nothing tells that the local cloud made {folder}. Nothing in it was touched:"
            " delete by hand what you don't need."
        ) from error
    # A folder that was moved keeps its inode; one that was restored from a backup keeps its path.
    if made_by != MADE_BY or (marker.home != str(folder) and marker.inode != folder.stat().st_ino):
        raise LocalCloudError(
            f"{path} is of another local cloud, in {marker.home}: it was copied. Nothing in {folder} was touched:"
            " give --home another folder, or delete the copy by hand."
        )
    return marker


def is_of_previous_release(folder: Path, word: str) -> bool:
    """Whether a release that wrote no marker made it. `word` marks the processes of a home in this very folder."""
    if not _has_our_ports(folder / "ports.json"):
        return False
    records = [_json(folder / "run" / f"{service}.json") for service in _SERVICES]
    words = {record.get("marker") for record in records if isinstance(record, dict)}
    own = {word, f"--defaults-file={folder / 'run' / 'mariadb.cnf'}"}
    return bool(words & own) or _has_our_state(folder / "state" / "stack.json")


def _has_our_ports(path: Path) -> bool:
    ports = _json(path)
    if not isinstance(ports, dict) or not ports or not ports.keys() <= _SERVICES:
        return False
    return all(type(port) is int and 1024 <= port <= 65535 for port in ports.values())


def _has_our_state(path: Path) -> bool:
    """Pulumi's own deployment format, in which the engine keeps it."""
    match _json(path):
        case {"version": 3, "deployment": {"manifest": {"magic": str()}, "resources": list(resources)}}:
            urns = [resource.get("urn") for resource in resources if isinstance(resource, dict)]
            return len(urns) == len(resources) and all(str(urn).startswith("urn:pulumi:") for urn in urns)
    return False


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text()) if path.is_file() and not path.is_symlink() else None
    except (OSError, ValueError):
        return None


def take(folder: Path, checkout: Path, is_home: Callable[[Path], bool]) -> Marker:
    """Make the folder, or take an empty one; the marker to write into it first of all.

    Raises LocalCloudError for a place that is not to be a home, OSError when it can't be made.
    """
    _refuse_places(folder, checkout)
    for parent in folder.parents:
        if is_home(parent):
            raise LocalCloudError(
                f"{folder} is inside another local cloud, {parent}, whose `down` deletes it. Give --home another"
                " folder."
            )
    made = not folder.exists()
    if made:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not folder.is_dir():
        raise LocalCloudError(f"{folder} is a file. Give --home an empty or new folder.")
    strangers = [e.name for e in folder.iterdir() if e.name != LOCK and not draft_of(MARKER).fullmatch(e.name)]
    if strangers:
        raise LocalCloudError(
            f"{folder} holds files that are not a local cloud's ({', '.join(sorted(strangers)[:3])}, …)."
            " Give --home an empty or new folder."
        )
    return marker_of(folder, folder_made=made)


def marker_of(folder: Path, *, folder_made: bool) -> Marker:
    found = folder.stat()
    return Marker(home=str(folder), inode=found.st_ino, folder_made=folder_made, mode=stat.S_IMODE(found.st_mode))


def _refuse_places(folder: Path, checkout: Path) -> None:
    person = Path(os.path.expanduser("~"))
    if folder in (Path("/"), person.resolve()) or checkout.is_relative_to(folder):
        raise LocalCloudError(
            f"{folder} is not for a local cloud: its `down` deletes what is in its folder."
            " Give --home an empty or new folder."
        )


def refuse_strangers(folder: Path, folders: Iterable[str], files: Iterable[str]) -> None:
    """Raises LocalCloudError when something else stands where a home has its own, such as a link or a mount."""
    for names, is_right, right in ((folders, stat.S_ISDIR, "folder"), (files, stat.S_ISREG, "file")):
        for name in names:
            path = folder / name
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
            if not is_right(mode):
                what = "a link" if stat.S_ISLNK(mode) else "something else"
                raise LocalCloudError(
                    f"{path} is {what}, and the local cloud makes a {right} there. Nothing was touched: move it"
                    " away, then run the command again."
                )
    for name in folders:
        _refuse_mounts(folder / name)


def _refuse_mounts(folder: Path) -> None:
    try:
        lines = _MOUNTS.read_text(errors="surrogateescape").rstrip("\n").split("\n")
    except OSError:  # only Linux has it
        return
    for line in lines:
        point = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), line.split(" ")[4]))
        if point.is_relative_to(folder):
            raise LocalCloudError(
                f"{point} is a mount inside a local cloud's folder: what is mounted there would be deleted, too."
                " Nothing was touched: unmount it, then run the command again."
            )


def delete_tree(folder: Path) -> None:
    """Delete a folder that the local cloud made; not through a link, and nothing that is mounted there."""
    if folder.is_symlink() or not folder.is_dir():
        return
    _refuse_mounts(folder)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise LocalCloudError(
            f"{error.filename or folder} can't be deleted: {error.strerror or error}. Put that right, and run the"
            " command again."
        ) from error
