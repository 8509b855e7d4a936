"""What `up` takes for a home and what `down` deletes: only what the local cloud made itself."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from local_cloud import ownership
from local_cloud.errors import LocalCloudError
from local_cloud.home import REPOSITORY, Home, check_stack_name
from local_cloud.ownership import MARKER
from local_cloud.processes import Process, start_of

ENTRIES = ("data", "logs", "secrets", "state", "tmp", "run", "pulumi")
STATE = {
    "version": 3,
    "deployment": {
        "manifest": {"time": "2026-11-30T22:16:41Z", "magic": "9a15", "version": "v3.272.0"},
        "resources": [{"urn": "urn:pulumi:local::leadbridge::pulumi:pulumi:Stack::leadbridge-local"}],
        "metadata": {},
    },
}


def content(folder: Path) -> dict[str, tuple[int, str]]:
    """Everything below the folder, itself included: its permissions and what it holds."""
    return {
        str(path.relative_to(folder)): (
            stat.S_IMODE(path.lstat().st_mode),
            path.read_text() if path.is_file() else "",
        )
        for path in [folder, *sorted(folder.rglob("*"))]
    }


def up_and_down(home: Home) -> None:
    with home.lock("up"):
        home.port("cloud")
    with home.lock("down"):
        home.remove()


def of_previous_release(folder: Path, *, state: object = STATE) -> Home:
    """As that release left it: no marker."""
    for name in ENTRIES:
        (folder / name).mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "ports.json").write_text(json.dumps({"database": 21948, "cloud": 25890}))
    (folder / "state" / "stack.json").write_text(json.dumps(state))
    return Home(folder)


@pytest.mark.parametrize("name", [*ENTRIES, "ports.json", "lock-and-tmp"])
def test_a_folder_of_somebody_elses_is_neither_taken_nor_emptied(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "somebody"
    (folder / name.removeprefix("lock-and-")).mkdir(parents=True)
    (folder / name.removeprefix("lock-and-") / "thesis.txt").write_text("mine")
    if name.startswith("lock"):
        (folder / "lock").write_text("")
    folder.chmod(0o755)
    before = content(folder)
    home = Home(folder)
    assert not home.exists()
    for _ in range(2):
        with pytest.raises(LocalCloudError, match="not a local cloud's"), home.lock("down"):
            pytest.fail("taken")
        home.remove()
    assert content(folder) == before


def test_an_empty_folder_is_given_back_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir(mode=0o750)
    before = content(folder)
    with Home(folder).lock("up"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, "it holds secrets now"
    up_and_down(Home(folder))
    assert content(folder) == before


def test_what_else_is_put_into_a_home_stays(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    (home.path / "notes").mkdir()
    (home.path / "notes" / "a.txt").write_text("mine")
    (home.path / ".ports.json.1.0badcafe").write_text("a write that was killed")
    (home.path / ".ports.json.bak").write_text("mine")
    up_and_down(home)
    assert sorted(content(home.path)) == [".", ".ports.json.bak", "notes", "notes/a.txt"]
    assert not home.exists()


@pytest.mark.parametrize("left", [[], [f".{MARKER}.17.0123abcd"], ["lock"]])
def test_a_home_whose_creation_was_cut_off_before_its_marker_is_made_by_the_next(
    tmp_path: Path, left: list[str]
) -> None:
    home = Home(tmp_path / "home")
    home.path.mkdir(mode=0o700)
    for name in left:
        (home.path / name).write_text("")
    up_and_down(home)
    assert not home.path.exists() or not any(home.path.iterdir())


def test_a_home_whose_creation_or_removal_was_cut_off_after_its_marker_is_ours(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    for name in ("logs", "run"):
        (home.path / name).rmdir()
    assert home.exists()
    up_and_down(home)
    assert not home.path.exists()


def test_a_home_of_the_previous_release_is_ours(tmp_path: Path) -> None:
    home = of_previous_release(tmp_path / "home")
    assert home.exists()
    with home.lock("up"):
        assert (home.path / MARKER).is_file()
    up_and_down(home)
    assert not home.path.exists()


def test_a_home_of_the_previous_release_that_never_deployed_is_known_by_its_processes(tmp_path: Path) -> None:
    home = of_previous_release(tmp_path / "home", state="none")
    assert not home.exists()
    Process(pid=1, started="long ago", marker=home.marker).save(home.record("cloud"))
    assert home.exists()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("ports.json", "{}"),
        ("ports.json", '{"web": 8080}'),
        ("ports.json", '{"cloud": "25890"}'),
        ("ports.json", "[25890]"),
        ("ports.json", "nonsense"),
        ("state/stack.json", "{}"),
        ("state/stack.json", '{"version": 3, "deployment": {"resources": []}}'),
        ("state/stack.json", json.dumps(STATE).replace("urn:pulumi", "urn:other")),
        ("state/stack.json", json.dumps(STATE | {"version": 4})),
    ],
)
def test_files_that_only_resemble_the_previous_releases_prove_nothing(
    tmp_path: Path, file: str, text: str
) -> None:
    home = of_previous_release(tmp_path / "home")
    (home.path / file).write_text(text)
    before = content(home.path)
    with pytest.raises(LocalCloudError, match="not a local cloud's"), home.lock("down"):
        pytest.fail("taken")
    assert content(home.path) == before


def test_a_copy_of_a_running_home_of_the_previous_release_is_not_a_home(tmp_path: Path) -> None:
    home = of_previous_release(tmp_path / "home")
    started = start_of(os.getpid())
    assert started
    Process(pid=os.getpid(), started=started, marker=home.marker).save(home.record("cloud"))
    shutil.copytree(home.path, tmp_path / "copy")
    assert home.exists()
    assert not Home(tmp_path / "copy").exists(), "its `down` would stop the other's servers"


def test_a_marker_that_was_copied_makes_no_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    (tmp_path / "person" / "tmp").mkdir(parents=True)
    shutil.copy(home.path / MARKER, tmp_path / "person")
    shutil.copytree(home.path, tmp_path / "copy")
    for copy in (tmp_path / "person", tmp_path / "copy"):
        before = content(copy)
        with pytest.raises(LocalCloudError, match=r"of another local cloud.*Nothing .* was touched"):
            Home(copy).exists()
        with pytest.raises(LocalCloudError, match="of another local cloud"), Home(copy).lock("up"):
            pytest.fail("taken")
        assert content(copy) == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"made_by": "leadbridge local_cloud"}'])
def test_a_spoilt_marker_makes_no_home(tmp_path: Path, text: str) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / MARKER).write_text(text)
    with pytest.raises(LocalCloudError, match=r"is spoilt.*Nothing in it was touched"):
        Home(tmp_path).exists()


def test_a_home_that_was_moved_is_still_ours(tmp_path: Path) -> None:
    Home(tmp_path / "home").create()
    (tmp_path / "home").rename(tmp_path / "moved")
    up_and_down(Home(tmp_path / "moved"))
    assert not (tmp_path / "moved").exists()


def test_a_link_to_a_home_is_that_home(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert Home(tmp_path / "link").path == tmp_path / "target"
    up_and_down(Home(tmp_path / "link"))
    assert sorted(content(tmp_path)) == [".", "link", "target"], "both are the person's"
    (tmp_path / "around").symlink_to("around")
    with pytest.raises(LocalCloudError, match="around"):
        Home(tmp_path / "around").create()


@pytest.mark.parametrize("name", ENTRIES)
def test_nothing_is_changed_or_deleted_through_a_link(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / "home")
    home.create()
    (tmp_path / "elsewhere" / "cloud").mkdir(parents=True, mode=0o755)
    (tmp_path / "elsewhere" / "cloud" / "thesis.txt").write_text("mine")
    (home.path / "tmp" / "inner").symlink_to(tmp_path / "elsewhere")
    before = content(tmp_path / "elsewhere")
    if (home.path / name).exists():
        shutil.rmtree(home.path / name)
    (home.path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalCloudError, match=f"/{name} is a link"), home.lock("down"):
        pytest.fail("used")
    with pytest.raises(LocalCloudError, match=f"/{name} is a link"):
        home.remove()
    (home.path / name).unlink()
    up_and_down(home)
    assert not home.path.exists()
    assert content(tmp_path / "elsewhere") == before


def test_a_file_where_a_folder_belongs_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(LocalCloudError, match="is a file"):
        Home(tmp_path / "file").create()
    home = Home(tmp_path / "home")
    home.create()
    (home.path / "data").write_text("mine")
    with pytest.raises(LocalCloudError, match="/data is something else"):
        home.remove()
    assert (home.path / "data").read_text() == "mine"


def test_a_home_inside_a_home_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    with pytest.raises(LocalCloudError, match="inside another local cloud"):
        Home(home.path / "data" / "inner").create()
    assert not home.data.exists()


@pytest.mark.parametrize("place", ["/", "the person's folder", "the checkout", "above the checkout"])
def test_some_places_are_no_home_even_when_they_are_empty(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folders = {
        "/": Path("/"),
        "the person's folder": tmp_path,
        "the checkout": REPOSITORY,
        "above the checkout": REPOSITORY.parent,
    }
    with pytest.raises(LocalCloudError, match="is not for a local cloud"):
        Home(folders[place]).create()


def test_the_current_folder_is_a_home_only_when_it_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    up_and_down(Home(Path()))
    assert sorted(content(tmp_path)) == ["."]


@pytest.mark.parametrize("name", ["my home", "my\u2028home"])  # only a line feed ends a line of the kernel's
def test_what_is_mounted_in_a_home_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    home = Home(tmp_path / name)
    home.create()
    mounted = home.path / "tmp" / "cloud" / "disk"
    mounted.mkdir(parents=True)
    (mounted / "thesis.txt").write_text("mine")
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"36 35 98:0 / {str(mounted).replace(' ', chr(92) + '040')} rw - ext4 /dev/sdb rw\n")
    monkeypatch.setattr(ownership, "_MOUNTS", mounts)
    for delete in (home.remove, home.clear_tmp, lambda: home.clear_tmp("cloud")):
        with pytest.raises(LocalCloudError, match="disk is a mount"):
            delete()
    assert (mounted / "thesis.txt").read_text() == "mine"


def test_what_can_not_be_deleted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "home")
    home.create()

    def refuse(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(path / "theirs"))

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", refuse)
        with pytest.raises(LocalCloudError, match="/logs/theirs can't be deleted: Operation not permitted"):
            home.remove()
    assert home.exists(), "the next one goes on"


GOOD_NAMES = ["local", "a", "x" * 100, "dev-2_b.c", "-", "...", "A.", "..a"]
BAD_NAMES = ["", ".", "..", "a/b", "../x", "/tmp", "x" * 101, "ñ", "a b", "a\n", "٣", "a\0", "~", "$HOME", "a:b"]


@pytest.mark.parametrize(
    "check", [check_stack_name, lambda name: Home.of_stack(name)], ids=["check", "home of a stack"]
)
def test_a_stack_has_a_name_by_pulumis_rule(check: Callable[[str], object]) -> None:
    for name in GOOD_NAMES:
        check(name)
    for name in BAD_NAMES:
        with pytest.raises(LocalCloudError, match="can't be a stack's name"):
            check(name)


@pytest.mark.parametrize("name", ["line\nbreak", "bell\a", "not-utf8-\udcff"])
def test_a_path_that_can_not_work_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocalCloudError, match="control character"):
        Home(tmp_path / name)
