"""Deployment packages are the same bytes for the same content."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pulumi
import pytest

from local_cloud.engine.provider import CheckFailed
from local_cloud.provider.archive import zipped


def entries(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as package:
        return {name: package.read(name) for name in package.namelist()}


def test_assets_and_folders_are_packed_under_their_names(tmp_path: Path) -> None:
    (tmp_path / "logic").mkdir()
    (tmp_path / "logic" / "rut.py").write_text("check = 1")
    (tmp_path / "settings.json").write_text("{}")
    packed = zipped(
        pulumi.AssetArchive(
            {
                "handlers": pulumi.FileArchive(str(tmp_path)),
                "index.py": pulumi.StringAsset("import handlers"),
                "one.json": pulumi.FileAsset(str(tmp_path / "settings.json")),
            }
        )
    )
    assert entries(packed) == {
        "handlers/logic/rut.py": b"check = 1",
        "handlers/settings.json": b"{}",
        "index.py": b"import handlers",
        "one.json": b"{}",
    }


def test_bytecode_and_times_of_files_do_not_change_the_package(tmp_path: Path) -> None:
    file = tmp_path / "index.py"
    file.write_text("pass")
    before = zipped(pulumi.FileArchive(str(tmp_path)))
    os.utime(file, (1, 1))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "index.cpython-311.pyc").write_bytes(b"x")
    (tmp_path / "__pycache__" / "index.cpython-311.pyc.140230").write_bytes(b"half written")
    (tmp_path / "old.pyc").write_bytes(b"x")
    assert zipped(pulumi.FileArchive(str(tmp_path))) == before


def test_entries_have_one_time_and_mode_whenever_they_are_packed() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(pulumi.AssetArchive({"a": pulumi.StringAsset("1")})))) as package:
        (entry,) = package.infolist()
    assert (entry.date_time, entry.external_attr >> 16) == ((1980, 1, 1, 0, 0, 0), 0o644)


def test_the_order_of_assets_does_not_change_the_package() -> None:
    one, two = pulumi.StringAsset("1"), pulumi.StringAsset("2")
    assert zipped(pulumi.AssetArchive({"a": one, "b": two})) == zipped(pulumi.AssetArchive({"b": two, "a": one}))


def test_a_zip_is_taken_by_its_content(tmp_path: Path) -> None:
    package = tmp_path / "code.zip"
    with zipfile.ZipFile(package, "w") as made:
        made.writestr("index.py", "pass")
    assert zipped(pulumi.FileArchive(str(package))) == zipped(
        pulumi.AssetArchive({"index.py": pulumi.StringAsset("pass")})
    )


def test_a_path_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match=r"nowhere is neither a folder nor a zip"):
        zipped(pulumi.FileArchive(str(tmp_path / "nowhere")))


def test_a_remote_archive_is_refused() -> None:
    with pytest.raises(CheckFailed, match="RemoteArchive"):
        zipped(pulumi.RemoteArchive("https://example.org/code.zip"))
