"""The home folder: whose it is, who is at work in it, and which ports it keeps."""

from __future__ import annotations

import fcntl
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_cloud.errors import HomeLocked, LocalCloudError
from local_cloud.home import PORTS, REPOSITORY, Home, is_free


def test_the_default_home_of_a_stack_is_in_the_checkout() -> None:
    assert Home.of_stack("local").path == REPOSITORY / ".leadbridge" / "local"


def test_a_second_command_is_told_who_is_at_work(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    told = r"in use by `up --stack local` \(process \d+"
    with home.lock("up --stack local"), pytest.raises(HomeLocked, match=told), home.lock("down"):
        pytest.fail("two at once")
    with home.lock("down"):
        pass


def test_a_killed_command_does_not_block_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom local_cloud.home import Home\n"
        f"with Home(Path({str(home.path)!r})).lock('up'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=REPOSITORY)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(HomeLocked), home.lock("down"):
        pass
    child.kill()
    child.communicate()
    with home.lock("down"):
        pass


def test_a_lock_on_a_home_that_is_removed_meanwhile_is_taken_again_on_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    home.create()
    lock, removals = fcntl.flock, [home.remove]

    def lock_too_late(handle: int, operation: int) -> None:
        while removals:
            removals.pop()()
        lock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", lock_too_late)
    with home.lock("up"), pytest.raises(HomeLocked), home.lock("up again"):
        pytest.fail("two at once, one of them on a deleted file")


def test_a_port_is_kept_while_it_is_free(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    port = home.port("cloud")
    assert port in PORTS
    assert home.port("cloud") == port
    assert Home(home.path).port("cloud") == port
    assert home.port("database") != port


def test_a_port_that_another_program_took_is_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    port = home.port("cloud")
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert home.port("cloud") != port


def test_servers_that_choose_their_ports_at_the_same_moment_keep_one_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    home.create()
    services = [f"service-{number}" for number in range(4)]

    def slowly(port: int) -> bool:
        time.sleep(0.05)  # so that all have read what is taken before one has written
        return is_free(port)

    monkeypatch.setattr("local_cloud.home.is_free", slowly)
    with ThreadPoolExecutor(len(services)) as pool:
        chosen = dict(zip(services, pool.map(home.port, services), strict=True))
    assert home.ports() == chosen
    assert len(set(chosen.values())) == len(services)


def test_everything_in_a_home_is_closed_to_others(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.path.mkdir(mode=0o755)
    with home.lock("up"):
        home.port("cloud")
        home.generated_secret("database-owner")
        for path in [home.path, *home.path.rglob("*")]:
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    assert len(home.generated_secret("x")) >= 24
    assert home.generated_secret("x") == home.generated_secret("x") != home.generated_secret("y")


def test_a_folder_of_somebody_elses_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(LocalCloudError, match="holds files that are not a local cloud's"):
        Home(tmp_path).create()


def test_removing_a_home_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    (home.path / "notes.txt").write_text("mine")
    home.remove()
    assert [entry.name for entry in home.path.iterdir()] == ["notes.txt"]


def test_a_home_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalCloudError, match="Give --home a folder that you may write to"):
        Home(tmp_path / "file" / "home").create()


def test_spoilt_ports_say_what_to_do(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    (home.path / "ports.json").write_text("{")
    with pytest.raises(LocalCloudError, match=r"ports\.json is not JSON .* Delete it"):
        home.ports()
