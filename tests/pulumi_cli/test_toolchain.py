"""The CLI is found, or built once and whole; `go` is a script that acts as the real one does."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.pulumi_cli import toolchain
from tests.stack import wait_for

GO = """#!/bin/sh
echo "$*" >> {log}
case "$1 $2" in
    "mod download") echo '{{"GoMod": "{module}/go.mod", "Dir": "{module}"}}' ;;
    "mod edit") echo '{{"Go": "1.26", "Replace": [
        {{"Old": {{"Path": "sibling"}}, "New": {{"Path": "../sdk"}}}},
        {{"Old": {{"Path": "a"}}, "New": {{"Path": "b", "Version": "v1.0.0"}}}}]}}' ;;
    "build -v")
        cat go.mod >> {log}
        {build}
        while [ "$1" != -o ]; do shift; done
        echo '#!/bin/sh' > "$2"; chmod +x "$2" ;;
esac
"""


class Machine:
    """A PATH with `go` in it, and what that was asked for."""

    def __init__(self, folder: Path) -> None:
        self.programs, self.log = folder / "programs", folder / "log"
        self.programs.mkdir()
        self.module = folder / "module"
        script = self.module / toolchain.SCRIPT.path
        script.parent.mkdir(parents=True)
        script.write_text("the script that runs a program")
        self.said: list[str] = []

    def has_go(self, build: str = "") -> None:
        self.program("go", GO.format(log=self.log, module=self.module, build=build))

    def program(self, name: str, text: str = "#!/bin/sh\n") -> None:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def ensure(self) -> Path:
        return toolchain.ensure(self.said.append)

    def asked(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    for tool in ("cat", "chmod"):
        (machine.programs / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(machine.programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return machine


def test_an_installed_cli_is_used_and_nothing_is_built(machine: Machine) -> None:
    machine.has_go()
    machine.program("pulumi")
    assert machine.ensure() != machine.programs, "a CLI without its language host runs no program"
    machine.program("pulumi-language-python")
    assert machine.ensure() == machine.programs


def test_without_one_it_is_built_once_into_the_cache(machine: Machine) -> None:
    machine.has_go()
    folder = machine.ensure()
    assert folder == toolchain.cache()
    assert {path.name for path in folder.iterdir()} == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
    }
    assert all(path.stat().st_mode & stat.S_IXUSR for path in folder.iterdir())
    assert "building the Pulumi CLI" in machine.said[0]
    asked = machine.asked()
    assert machine.ensure() == folder
    assert machine.asked() == asked


def test_replace_lines_of_published_modules_are_kept_and_those_of_folders_are_not(machine: Machine) -> None:
    machine.has_go()
    machine.ensure()
    asked = machine.asked()
    assert f"require {toolchain.PULUMI.module} {toolchain.PULUMI.version}\nreplace a => b v1.0.0\n" in asked
    assert "../sdk" not in asked


def test_a_failed_build_is_told_in_gos_words_and_leaves_nothing(machine: Machine) -> None:
    machine.has_go(build="echo 'no space left' >&2; exit 1")
    with pytest.raises(LocalCloudError, match="no space left"):
        machine.ensure()
    assert not toolchain.cache().exists()
    machine.has_go()
    assert machine.ensure() == toolchain.cache()


def test_what_a_killed_build_left_is_no_cli_and_is_thrown_away(machine: Machine) -> None:
    draft = toolchain.cache().with_name(f".{toolchain.cache().name}.draft")
    (draft / "bin").mkdir(parents=True)
    (draft / "bin" / "pulumi").write_text("half of it")
    assert toolchain.found() is None
    machine.has_go()
    assert (machine.ensure() / "pulumi").read_text() == "#!/bin/sh\n"
    assert not draft.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_stopped_leaves_nothing_behind_not_even_go(
    machine: Machine, number: signal.Signals
) -> None:
    machine.has_go(build="echo $$ > ../../pid; echo building >&2; exec cat")
    command = [sys.executable, "-m", "local_cloud.pulumi_cli.toolchain"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        pid = toolchain.cache().with_name("pid")
        wait_for(lambda: (pid.exists() and pid.read_text()) or None, 20, "go to build")
        process.send_signal(number)
        assert process.wait(20) == 130
        assert process.stderr
        assert process.stderr.read().endswith("interrupted: nothing half built was left\n")
    assert not Path("/proc", pid.read_text().strip()).exists()
    pid.unlink()
    assert [path.name for path in toolchain.cache().parent.iterdir() if path.suffix != ".lock"] == []


def test_two_at_once_build_one(machine: Machine) -> None:
    machine.has_go()
    threads = [threading.Thread(target=machine.ensure) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert machine.asked().count("build -v") == 2, "the CLI and its language host, each once"


def test_with_neither_it_says_what_is_left_out_in_one_line(machine: Machine) -> None:
    command = [sys.executable, "-m", "local_cloud.pulumi_cli.toolchain"]
    environment = {**os.environ, "PATH": str(machine.programs)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == toolchain.MISSING
    assert done.stdout == ""
    assert done.stderr.startswith("There is no Pulumi CLI")
    assert done.stderr.count("\n") == 1
