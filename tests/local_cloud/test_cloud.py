"""The servers of a local cloud: started together, found dead, and stopped without a trace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_cloud import cloud, deployment, emulator_process, mariadb
from local_cloud.cloud import Cloud
from local_cloud.doctor import examine
from local_cloud.errors import LocalCloudError, ServiceFailed
from local_cloud.home import Home, is_free
from local_cloud.processes import Process, _pids, find_marked, start_daemon, start_of
from tests.local_cloud.lab import Lab, eventually

STUCK = "import time\ndef handler(event, context):\n    open(event, 'w').close()\n    time.sleep(50)\n"
IDLE = "import os\ndef handler(event, context):\n    return os.getpid()\n"


class Up:
    """Starts a home's cloud as the commands do, and remembers what was said."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.said: list[str] = []

    def __call__(self) -> Cloud:
        self.said.clear()
        with self.home.lock("up"):
            return cloud.start(self.home, region="us-east-1", say=self.said.append)

    def line(self, what: str) -> str:
        return next(line for line in self.said if line.startswith(what))


@pytest.fixture(scope="module")
def fresh_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new data folder, to be copied: making one takes longer than all the rest of a start."""
    home = Home(tmp_path_factory.mktemp("fresh") / "home")
    home.create()
    mariadb.start(home)
    cloud.stop(home)
    return home.data


@pytest.fixture
def up(home: Home, fresh_data: Path) -> Up:
    home.create()
    shutil.copytree(fresh_data, home.data)
    return Up(home)


def stick(lab: Lab, folder: Path) -> str:
    """A function that is in its handler, and stays there."""
    name, begun = lab.function(STUCK, Timeout=60), folder / "begun"
    lab.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(str(begun)).encode())
    assert eventually(begun.exists)
    return name


def pid_of(home: Home, service: str) -> int:
    process = Process.load(home.record(service))
    assert process is not None
    return process.pid


def test_a_start_says_what_runs_where_and_a_second_one_changes_nothing(up: Up) -> None:
    first = up()
    assert "ready" in up.line("environment")
    assert f"MariaDB {first.database.version} on 127.0.0.1:{first.database.port}" in up.line("database")
    assert f"MiniStack 1.5.33 on 127.0.0.1:{first.emulator.port}" in up.line("cloud")
    again = up()
    assert again == first
    assert "already running" in up.line("database")
    assert "already running" in up.line("cloud")


def test_two_homes_run_side_by_side(up: Up, tmp_path: Path) -> None:
    other = Up(Home(tmp_path / "other"))
    try:
        one, two = up(), other()
        assert len({one.emulator.port, two.emulator.port, one.database.port, two.database.port}) == 4
        Lab.of(one.emulator).client("sqs").create_queue(QueueName="only-here")
        assert not Lab.of(two.emulator).client("sqs").list_queues().get("QueueUrls")
        cloud.stop(up.home)
        assert emulator_process.running(other.home) is not None
        assert mariadb.running(other.home) is not None
    finally:
        cloud.stop(other.home)


def test_a_killed_emulator_is_started_again_and_said_and_none_of_its_workers_lives_on(
    up: Up, tmp_path: Path
) -> None:
    first = up()
    lab = Lab.of(first.emulator)
    idle, stuck = lab.function(IDLE), stick(lab, tmp_path)
    lab.call(idle)
    assert (lab.workers_of(idle), lab.workers_of(stuck)) == (1, 1)
    os.kill(pid_of(up.home, "cloud"), signal.SIGKILL)
    assert eventually(lambda: lab.workers_of(idle) + lab.workers_of(stuck) == 0), "also the one in its handler"
    again = up()
    assert "was dead: restarted" in up.line("cloud")
    assert "already running" in up.line("database")
    assert again.emulator.start_id != first.emulator.start_id, "its state is lost, and that shows"
    assert again.emulator.port == first.emulator.port


def test_workers_that_cannot_notice_are_cleared_away_by_the_next_start(up: Up) -> None:
    lab = Lab.of(up().emulator)
    worker = lab.call(lab.function(IDLE))
    os.kill(worker, signal.SIGSTOP)
    os.kill(pid_of(up.home, "cloud"), signal.SIGKILL)
    assert eventually(lambda: [stray.pid for stray in cloud.strays(up.home)] == [worker])
    up()
    assert start_of(worker) is None


def test_an_emulator_that_lost_one_connection_is_alive(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # which is not asked
    home.create()
    home.aws_key()
    started = start_of(os.getpid())
    assert started
    record = home.record(emulator_process.SERVICE)
    Process(pid=os.getpid(), started=started).save(record)
    with socket.create_server(("127.0.0.1", home.port(emulator_process.SERVICE))) as server:

        def answer_the_second() -> None:
            server.accept()[0].close()
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 32\r\n\r\n" + b"1" * 32)

        with ThreadPoolExecutor(1) as pool:
            answering = pool.submit(answer_the_second)
            found = emulator_process.running(home)
            record.unlink()  # this process is not to be stopped with the home
            answering.result(timeout=10)
    assert found is not None, "all that it holds would be gone"
    assert found.start_id == "1" * 32


def test_a_killed_database_is_started_again_and_said(up: Up) -> None:
    first = up()
    os.kill(pid_of(up.home, "database"), signal.SIGKILL)
    assert up().database == first.database
    assert "was dead: restarted" in up.line("database")
    assert "already running" in up.line("cloud")


def test_what_makes_the_data_folder_does_not_outlive_the_next_command(home: Home) -> None:
    home.create()
    source = f"from local_cloud import home, mariadb\nmariadb.start(home.Home(home.Path({str(home.path)!r})))"
    command = subprocess.Popen([sys.executable, "-c", source])
    draft = home.path / "tmp" / "new-data" / "mysql"
    assert eventually(draft.exists)
    command.kill()
    command.wait()
    makers = [pid for pid in _pids() if _cwd(pid).is_relative_to(home.path)]
    assert makers
    cloud.stop(home)
    assert not [pid for pid in makers if start_of(pid)]
    assert not draft.exists()


def _cwd(pid: int) -> Path:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return Path("/")


def test_a_new_database_makes_the_emulator_start_afresh(up: Up) -> None:
    first = up()
    process = Process.load(up.home.record("database"))
    assert process is not None
    process.stop()
    shutil.rmtree(up.home.data)
    assert up().emulator.start_id != first.emulator.start_id
    assert "the database's data are gone" in up.line("cloud")


@pytest.mark.parametrize("changed", ["no key", "another key", "an emulator that asks for none"])
def test_an_emulator_that_does_not_know_the_homes_key_is_told_and_replaced(up: Up, changed: str) -> None:
    first = up()
    secret = up.home.secret("aws-secret-access-key")
    if changed == "no key":
        secret.unlink()
    elif changed == "another key":
        secret.write_text("another")
    else:
        replace_by_one_without_guard(up.home)
    with pytest.raises(LocalCloudError, match="was started by another release, or with another key"):
        deployment.running_cloud(up.home, "local")
    (finding,) = [one for one in examine(up.home) if one.subject == "cloud"]
    assert "was started by another release, or with another key" in finding.text
    assert finding.remedy.startswith("`up` starts it anew")
    again = up()
    assert again.emulator.start_id != first.emulator.start_id
    assert "(was started by another release, or with another key: restarted)" in up.line("cloud")
    assert up().emulator == again.emulator


def replace_by_one_without_guard(home: Home) -> None:
    """As an earlier release's `up` does, which a person runs between two of this one."""
    cloud.stop_emulator(home)
    port = home.ports()["cloud"]
    process = start_daemon(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", home.path / "tmp"],
        log=home.log("cloud"),
        cwd=home.path,
        env={},
        record=home.record("cloud"),
        marker=home.marker,
    )
    assert process.is_alive()
    eventually(lambda: not is_free(port))


def test_the_key_pair_is_random_private_and_kept(up: Up, tmp_path: Path) -> None:
    key = up().emulator.key
    assert up.home.aws_key() == key
    other = Home(tmp_path / "other").aws_key()
    assert key.id != other.id
    assert key.secret != other.secret
    for name in ("aws-access-key-id", "aws-secret-access-key"):
        assert up.home.secret(name).stat().st_mode & 0o777 == 0o600
    assert key.secret not in repr(up().emulator)


def test_a_server_whose_record_was_lost_is_found_and_replaced(up: Up) -> None:
    first = up()
    for service in ("cloud", "database"):
        up.home.record(service).unlink()
    again = up()
    assert again.database.port == first.database.port
    assert len(find_marked(mariadb.marker(up.home))) == 1
    assert len(find_marked(up.home.marker)) == 1


def test_stopping_leaves_no_process_port_or_temporary_folder(up: Up, tmp_path: Path) -> None:
    before = set(os.listdir(tempfile.gettempdir()))
    running = up()
    lab = Lab.of(running.emulator)
    stick(lab, tmp_path)
    lab.call(lab.function(IDLE))
    assert cloud.stop(up.home) == ["cloud", "database"]
    assert find_marked(up.home.marker) + find_marked(mariadb.marker(up.home)) == []
    assert is_free(running.emulator.port)
    assert is_free(running.database.port)
    assert not (up.home.path / "tmp").exists()
    new = set(os.listdir(tempfile.gettempdir())) - before
    assert not [name for name in new if "ministack" in name or "lambda" in name]
    assert cloud.stop(up.home) == [], "a second stop finds nothing"


def test_an_emulator_that_does_not_start_is_quoted(home: Home, lambda_python: Path) -> None:
    home.create()
    with pytest.raises(ServiceFailed, match=r"(?s)ended with status 1 .*cloud\.log ends with:\n.*not-a-number"):
        emulator_process.start(
            home,
            lambda_python=lambda_python,
            region="us-east-1",
            settings={"LAMBDA_WARM_TTL_SECONDS": "not-a-number"},
        )
