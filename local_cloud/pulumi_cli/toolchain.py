"""The Pulumi CLI and its Python language host: found on the PATH, or built once from their published Go modules.

    python -m local_cloud.pulumi_cli.toolchain

prints the folder that holds them. Exit code 3: there is neither a CLI nor Go to build one.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.console import summary_line
from local_cloud.errors import LocalCloudError

Say = Callable[[str], None]

CLI, LANGUAGE_HOST, EXECUTOR = "pulumi", "pulumi-language-python", "pulumi-language-python-exec"
MISSING = 3


@dataclass(frozen=True, kw_only=True)
class Published:
    """A file or a package of a published Go module."""

    module: str
    version: str
    path: str


# The release next to the SDK's, of whose own the Go module proxy has no CLI.
PULUMI = Published(module="github.com/pulumi/pulumi/pkg/v3", version="v3.274.1", path="cmd/pulumi")
# Later language hosts are modules of their own, which the Go module proxy doesn't have. The CLI still speaks the
# protocol of this one, the last that was part of the SDK's module.
HOST = Published(
    module="github.com/pulumi/pulumi/sdk/v3", version="v3.68.0", path="python/cmd/pulumi-language-python"
)
# The script that runs a program belongs to the Python SDK.
SCRIPT = Published(
    module="github.com/pulumi/pulumi/sdk/v3",
    version=f"v{importlib.metadata.version('pulumi')}",
    path="python/cmd/pulumi-language-python-exec",
)
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
PACKAGES_PER_LINE = 200


class NoToolchain(LocalCloudError):
    """There is neither a CLI nor Go."""


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "leadbridge", f"pulumi-{PULUMI.version.removeprefix('v')}")


def found() -> Path | None:
    """The folder of an installed CLI with its Python language host, else of the one built before."""
    for folder in filter(None, os.environ.get("PATH", "").split(os.pathsep)):
        if all(shutil.which(program, path=folder) for program in (CLI, LANGUAGE_HOST)):
            return Path(folder)
    return cache() if cache().is_dir() else None


def ensure(say: Say) -> Path:
    """The folder with the CLI, which is built when there is none. Raises NoToolchain, LocalCloudError."""
    folder = found()
    if folder is not None:
        return folder
    if shutil.which("go") is None:
        raise NoToolchain(
            "There is no Pulumi CLI with its Python language host on the PATH, and no Go to build one with:"
            " install either, or do without it."
        )
    with _locked(cache()):
        return found() or _build(cache(), say)


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    """One build at a time, of all processes. The lock dies with its process."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.with_name(f".{target.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(target: Path, say: Say) -> Path:
    """All or nothing: what an interrupted build left is thrown away by the next. The caller holds the lock."""
    started = time.monotonic()
    say(summary_line("pulumi", f"building the Pulumi CLI {PULUMI.version}, once: this takes minutes"))
    draft = target.with_name(f".{target.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        binaries = draft / "bin"
        binaries.mkdir(parents=True)
        for name, program in ((CLI, PULUMI), (LANGUAGE_HOST, HOST)):
            begun = time.monotonic()
            _compile(program, draft / name, binaries / name, say)
            say(summary_line("pulumi", f"{name} compiled", time.monotonic() - begun))
        shutil.copyfile(Path(_download(SCRIPT)["Dir"], SCRIPT.path), binaries / EXECUTOR)
        (binaries / EXECUTOR).chmod(0o755)
        binaries.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    say(summary_line("pulumi", f"built in {target}", time.monotonic() - started))
    return target


def _compile(program: Published, module: Path, output: Path, say: Say) -> None:
    """By way of an empty module that requires it, since `go install` refuses one with replace lines."""
    module.mkdir()
    (module / "go.mod").write_text(_requirement(program))
    flags = f"-s -w -X {VERSION_VARIABLE}={program.version}"
    command = ["go", "build", "-v", "-mod=mod", "-trimpath", "-ldflags", flags, "-o", str(output)]
    last: deque[str] = deque(maxlen=20)
    with subprocess.Popen(  # noqa: S603 - go, with arguments of our own
        [*command, f"{program.module}/{program.path}"],
        cwd=module,
        env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            for count, line in enumerate(process.stderr or (), start=1):
                last.append(line)
                if count % PACKAGES_PER_LINE == 0:
                    say(summary_line("", f"{count} packages"))
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    _refuse_failure(command, process.returncode, "".join(last))


def _requirement(program: Published) -> str:
    """Repeats its replace lines, but for those of a folder: that is the sibling which it requires anyway."""
    its = _go("mod", "edit", "-json", _download(program)["GoMod"])
    lines = ["module build", f"go {its['Go']}", f"require {program.module} {program.version}"]
    for one in its.get("Replace") or ():
        if version := one["New"].get("Version"):
            lines.append(f"replace {one['Old']['Path']} => {one['New']['Path']} {version}")
    return "\n".join(lines) + "\n"


def _download(program: Published) -> dict[str, Any]:
    return _go("mod", "download", "-json", f"{program.module}@{program.version}")


def _go(*arguments: str) -> dict[str, Any]:
    """The JSON object that go prints."""
    command = ["go", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    _refuse_failure(command, done.returncode, done.stderr or done.stdout)
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def _refuse_failure(command: list[str], status: int, words: str) -> None:
    if status:
        raise LocalCloudError(f"`{' '.join(command[:3])}` failed: {words.strip()}")


def main() -> int:
    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        print(ensure(say))  # noqa: T201
    except NoToolchain as error:
        say(str(error))
        return MISSING
    except LocalCloudError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted: nothing half built was left")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
