from __future__ import annotations

import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path

import pulumi
import pytest

from local_cloud.engine import EngineError
from local_cloud.engine.assets import archive_members
from local_cloud.engine.codec import decode, encode
from local_cloud.engine.signatures import ARCHIVE, ASSET, SIGNATURE
from tests.engine.fakes import Lab


def archive(root: Path, **fields: object) -> pulumi.Archive:
    decoded: pulumi.Archive = decode({SIGNATURE: ARCHIVE, **fields}, root)
    return decoded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    code = tmp_path / "code"
    (code / "b").mkdir(parents=True)
    (code / "b" / "inner.py").write_text("inner")
    (code / "b.py").write_text("x" * 600)
    (code / "a.py").write_text("")
    (code / ".pulumi").mkdir()
    (code / ".pulumi" / "ignored").write_text("x")
    return code


@pytest.mark.skipif(shutil.which("tar") is None, reason="compares with what GNU tar writes")
def test_the_hash_of_a_folder_is_that_of_a_plain_tar_of_it(folder: Path) -> None:
    command = ["tar", "-c", "-b1", "--format=ustar", "--mode=0600", "--mtime=@0", "--owner=:0", "--group=:0"]
    stream = subprocess.run(
        [*command, "--numeric-owner", "a.py", "b/inner.py", "b.py"], cwd=folder, capture_output=True, check=True
    ).stdout
    assert archive(folder.parent, path="code").hash == hashlib.sha256(stream).hexdigest()


def test_assets_and_packed_archives_hash_as_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    expected = hashlib.sha256(b"hello").hexdigest()
    assert decode({SIGNATURE: ASSET, "path": "a.txt"}, tmp_path).hash == expected
    assert decode({SIGNATURE: ASSET, "text": "hello"}, tmp_path).hash == expected
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("x.py", "x")
    raw = hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()
    assert archive(tmp_path, path="a.zip").hash == raw


def test_archives_are_equal_when_their_contents_are(folder: Path) -> None:
    shutil.copytree(folder, folder.parent / "copy")
    first, second = archive(folder.parent, path="code"), archive(folder.parent, path="copy")
    assert first == second
    (folder.parent / "copy" / "a.py").write_text("changed")
    assert first != archive(folder.parent, path="copy")


def test_an_archive_of_assets_mixes_files_texts_and_archives(folder: Path) -> None:
    with zipfile.ZipFile(folder.parent / "lib.zip", "w") as packed:
        packed.writestr("pkg/m.py", "m")
    mixed = archive(
        folder.parent,
        assets={
            "vendor": {SIGNATURE: ARCHIVE, "path": "lib.zip"},
            "code": {SIGNATURE: ARCHIVE, "path": "code"},
            "note.txt": {SIGNATURE: ASSET, "text": "note"},
        },
    )
    assert [name for name, _ in archive_members(mixed)] == [
        "code/a.py",
        "code/b/inner.py",
        "code/b.py",
        "note.txt",
        "vendor/pkg/m.py",
    ]
    assert decode(encode(mixed), folder.parent) == mixed


def test_a_recorded_archive_is_not_read_again(tmp_path: Path) -> None:
    recorded = archive(tmp_path, path="gone", hash="abc")
    assert (recorded.hash, recorded.path) == ("abc", str(tmp_path / "gone"))


def test_what_can_not_be_archived_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"missing\.zip: No such file or directory"):
        archive(tmp_path, path="missing.zip")
    with pytest.raises(EngineError, match=r"a remote archive \(https://x/y.zip\) needs the Pulumi CLI"):
        archive(tmp_path, uri="https://x/y.zip")


def test_a_changed_file_in_an_archive_is_a_change_and_an_untouched_one_is_not(lab: Lab) -> None:
    (lab.root / "code").mkdir()
    (lab.root / "code" / "handler.py").write_text("one")
    lab.up('Thing("a", code=pulumi.FileArchive("./code"))')
    sent = lab.cloud.arguments["create", "a"]["code"]
    assert sent.path == str(lab.root / "code"), "a provider gets a path that needs no working folder"
    (lab.root / "code" / "handler.py").touch()
    assert lab.up().counts == {"same": 2}
    (lab.root / "code" / "handler.py").write_text("two")
    assert lab.up().counts == {"update": 1, "same": 1}


@pytest.mark.parametrize("kind", [ASSET, ARCHIVE])
def test_one_of_which_only_the_hash_is_known_is_compared_by_it_and_survives(folder: Path, kind: str) -> None:
    whole = (
        archive(folder.parent, path="code") if kind == ARCHIVE else decode({SIGNATURE: ASSET, "text": "x"}, folder)
    )
    elided = {SIGNATURE: kind, "hash": whole.hash}
    assert decode(elided, folder) == whole
    assert encode(decode(elided, folder)) == elided
    assert decode({**elided, "hash": "0" * 64}, folder) != whole
