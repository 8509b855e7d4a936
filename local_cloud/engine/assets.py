"""Assets and archives with the hashes that the Pulumi engine computes, so that both agree on what changed."""

from __future__ import annotations

import hashlib
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi

from .errors import EngineError, NeedsPulumiCli


class _Hashed:
    """Equal when the contents are."""

    hash: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)


class HashedStringAsset(_Hashed, pulumi.StringAsset):
    pass


class HashedFileAsset(_Hashed, pulumi.FileAsset):
    pass


class HashedFileArchive(_Hashed, pulumi.FileArchive):
    pass


class HashedAssetArchive(_Hashed, pulumi.AssetArchive):
    pass


class ElidedAsset(_Hashed, pulumi.Asset):
    """One of which only the hash is known: the Pulumi CLI leaves out contents that are only to be compared."""


class ElidedArchive(_Hashed, pulumi.Archive):
    """As ElidedAsset."""


HashedAsset = HashedStringAsset | HashedFileAsset | ElidedAsset
HashedArchive = HashedFileArchive | HashedAssetArchive | ElidedArchive
Hashed = HashedAsset | HashedArchive


def asset_from_plain(plain: dict[str, Any], root: Path) -> HashedAsset:
    """`root` resolves relative paths; the hash is computed when `plain` has none."""
    known = plain.get("hash")
    if _is_elided(plain):
        asset = ElidedAsset()
        asset.hash = plain["hash"]
        return asset
    if "text" in plain:
        text: str = plain["text"]
        string = HashedStringAsset(text)
        string.hash = known or hashlib.sha256(text.encode()).hexdigest()
        return string
    file = HashedFileAsset(str(root / _local_path(plain, "asset")))
    file.hash = known or hashlib.sha256(_read(Path(os.fspath(file.path)))).hexdigest()
    return file


def archive_from_plain(plain: dict[str, Any], root: Path) -> HashedArchive:
    known = plain.get("hash")
    if _is_elided(plain):
        elided = ElidedArchive()
        elided.hash = plain["hash"]
        return elided
    if "assets" in plain:
        entries = HashedAssetArchive(plain["assets"])
        entries.hash = known or _members_hash(archive_members(entries))
        return entries
    archive = HashedFileArchive(str(root / _local_path(plain, "archive")))
    path = Path(archive.path)
    if known:
        archive.hash = known
    elif path.is_dir():
        archive.hash = _members_hash(archive_members(archive))
    else:
        archive.hash = hashlib.sha256(_read(path)).hexdigest()
    return archive


def _is_elided(plain: dict[str, Any]) -> bool:
    return bool(plain.get("hash")) and not plain.keys() & {"text", "path", "uri", "assets"}


def to_plain(value: Hashed) -> dict[str, Any]:
    if isinstance(value, ElidedAsset | ElidedArchive):
        return {"hash": value.hash}
    if isinstance(value, HashedStringAsset):
        return {"text": value.text, "hash": value.hash}
    if isinstance(value, HashedAssetArchive):
        return {"assets": dict(value.assets), "hash": value.hash}
    return {"path": os.fspath(value.path), "hash": value.hash}


def archive_members(archive: pulumi.Archive) -> Iterator[tuple[str, bytes]]:
    """(name, contents) of each file, in the order that the Pulumi engine reads them."""
    if isinstance(archive, pulumi.AssetArchive):
        for name in sorted(archive.assets):
            member = archive.assets[name]
            if isinstance(member, pulumi.Archive):
                for inner, contents in archive_members(member):
                    yield f"{name}/{inner}", contents
            elif isinstance(member, pulumi.StringAsset):
                yield name, member.text.encode()
            elif isinstance(member, pulumi.FileAsset):
                yield name, _read(Path(os.fspath(member.path)))
    elif isinstance(archive, pulumi.FileArchive):
        path = Path(archive.path)
        if path.is_dir():
            yield from _folder_members(path)
        else:
            yield from _packed_members(path)


def _folder_members(folder: Path) -> Iterator[tuple[str, bytes]]:
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".pulumi"]
        found += [Path(parent, name).relative_to(folder) for name in files]
    for relative in sorted(found, key=lambda path: path.parts):
        yield relative.as_posix(), _read(folder / relative)


def _packed_members(path: Path) -> Iterator[tuple[str, bytes]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                if not name.endswith("/"):
                    yield name, packed.read(name)
    elif path.is_file() and tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            for member in tar:
                if (stream := tar.extractfile(member)) is not None:
                    yield member.name, stream.read()
    else:
        raise EngineError(f"{path}: not a folder, zip or tar file; an archive must be one of them")


def _members_hash(members: Iterator[tuple[str, bytes]]) -> str:
    """SHA-256 of the tar stream that Go's archive/tar writes for the members."""
    digest = hashlib.sha256()
    seen: set[str] = set()
    for name, contents in members:
        if name not in seen:
            seen.add(name)
            digest.update(_tar_header(name, len(contents)))
            digest.update(contents)
            digest.update(b"\0" * (-len(contents) % 512))
    digest.update(b"\0" * 1024)
    return digest.hexdigest()


def _tar_header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    try:
        header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    except ValueError:  # a name that the ustar format can't hold
        return info.tobuf(tarfile.PAX_FORMAT)
    header[329:345] = b"0000000\0" * 2  # Go writes zero device numbers where Python leaves blanks
    header[148:156] = b" " * 8
    header[148:155] = b"%06o\0" % sum(header[-512:])
    return bytes(header)


def _local_path(plain: dict[str, Any], kind: str) -> str:
    if "path" in plain:
        return str(plain["path"])
    raise NeedsPulumiCli(f"a remote {kind} ({plain.get('uri', 'without path or text')})")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror}; it is used as an asset or in an archive") from error
