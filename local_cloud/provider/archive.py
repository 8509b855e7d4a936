"""Deployment packages: a Pulumi archive as the bytes of a zip, the same bytes for the same content."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pulumi

from local_cloud.engine.provider import CheckFailed

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
SKIPPED = {"__pycache__", ".pulumi"}


def zipped(archive: pulumi.Archive) -> bytes:
    """Entries sorted, with fixed times and modes, without bytecode. Raises CheckFailed if there are none."""
    entries = dict(members(archive))
    if not entries:
        raise CheckFailed("the code archive is empty: give it the files that the function needs")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, entries[name])
    return packed.getvalue()


def members(archive: pulumi.Archive) -> Iterator[tuple[str, bytes]]:
    if isinstance(archive, pulumi.AssetArchive):
        for name, item in archive.assets.items():
            if isinstance(item, pulumi.Archive):
                yield from ((f"{name}/{inner}", data) for inner, data in members(item))
            else:
                yield name, content(item)
    elif isinstance(archive, pulumi.FileArchive):
        yield from files(Path(archive.path))
    else:
        raise CheckFailed(f"the local cloud can't read {type(archive).__name__}: use AssetArchive or FileArchive")


def files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if name not in SKIPPED]
            for name in names:
                if not name.endswith(".pyc"):
                    file = Path(folder, name)
                    yield file.relative_to(path).as_posix(), file.read_bytes()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as package:
            yield from ((name, package.read(name)) for name in package.namelist() if not name.endswith("/"))
    else:
        raise CheckFailed(f"{path} is neither a folder nor a zip: check the path of the FileArchive")


def content(asset: object) -> bytes:
    match asset:
        case pulumi.StringAsset():
            return asset.text.encode()
        case pulumi.FileAsset():
            return Path(asset.path).read_bytes()
    raise CheckFailed(f"the local cloud can't read {type(asset).__name__}: use StringAsset or FileAsset")


def digest(item: pulumi.Asset | pulumi.Archive) -> str | None:
    """A hash of the content; None when only a hash by somebody else is known."""
    known = (pulumi.AssetArchive, pulumi.FileArchive, pulumi.StringAsset, pulumi.FileAsset)
    if not isinstance(item, known):
        return None
    data = zipped(item) if isinstance(item, pulumi.Archive) else content(item)
    return hashlib.sha256(data).hexdigest()
