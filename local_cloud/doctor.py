"""Looks for what would keep the local cloud from working, and says what to do about it."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterator

from local_cloud import cloud, emulator_process, lambda_interpreter, mariadb, mariadb_install
from local_cloud.console import Console
from local_cloud.errors import LocalCloudError, NotAnswering
from local_cloud.home import HOST, Home, is_free
from local_cloud.processes import Process

_PACKAGES = ("pulumi", "pulumi-aws", "boto3", "pymysql", "ministack", "PyYAML")
_MINISTACK = "1.5.33"


@dataclasses.dataclass(frozen=True)
class Finding:
    """`remedy` is empty when all is well."""

    subject: str
    text: str
    remedy: str = ""


def examine(home: Home) -> list[Finding]:
    checks: tuple[Callable[[Home], Iterator[Finding]], ...] = (
        _interpreter,
        _packages,
        _lambda_interpreter,
        _mariadb,
        _folder,
        _processes,
        _ports,
    )
    return [finding for check in checks for finding in check(home)]


def doctor(home: Home, console: Console) -> int:
    findings = examine(home)
    for finding in findings:
        console.say(f"{'ok' if not finding.remedy else 'PROBLEM':<8} {finding.subject:<14} {finding.text}")
        if finding.remedy:
            console.say(f"{'':<8} {'':<14} → {finding.remedy}")
    problems = [finding for finding in findings if finding.remedy]
    console.result({"healthy": not problems, "findings": [dataclasses.asdict(finding) for finding in findings]})
    return 1 if problems else 0


def _interpreter(home: Home) -> Iterator[Finding]:
    remedy = "" if sys.version_info >= (3, 11) else "Use Python 3.11 or newer."
    yield Finding("python", f"{platform.python_version()} at {sys.executable}", remedy)


def _packages(home: Home) -> Iterator[Finding]:
    remedy = "Install the project's packages: make up does, or uv pip install -r requirements/dev.txt"
    for name in _PACKAGES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "not installed", remedy)
            continue
        other = name == "ministack" and version != _MINISTACK
        yield Finding(name, version, f"The emulator's repairs are for {_MINISTACK}. {remedy}" if other else "")


def _lambda_interpreter(home: Home) -> Iterator[Finding]:
    requirements = lambda_interpreter.REQUIREMENTS
    remedy = "" if requirements.is_file() else f"Restore {requirements}."
    yield Finding("functions", f"packages from {requirements}", remedy)


def _mariadb(home: Home) -> Iterator[Finding]:
    programs = mariadb_install.find()
    if programs is None:
        yield Finding("mariadb", "not installed", f"`up` installs it where it may. {mariadb_install.BY_HAND}")
    else:
        yield Finding("mariadb", f"{programs.version} at {programs.server}")


def _folder(home: Home) -> Iterator[Finding]:
    if not home.path.exists():
        yield Finding("home", f"{home.path} (not made yet)")
        return
    mode = home.path.stat().st_mode & 0o777
    if mode & 0o077:
        yield Finding(
            "home", f"{home.path} is open to others ({mode:o})", f"chmod 700 {shlex.quote(str(home.path))}"
        )
    elif not os.access(home.path, os.W_OK):
        yield Finding("home", f"{home.path} is not writable", "Give --home a folder that you may write to.")
    else:
        yield Finding("home", str(home.path))


def _processes(home: Home) -> Iterator[Finding]:
    answering: dict[str, Callable[[Home], object]] = {
        emulator_process.SERVICE: emulator_process.running,
        mariadb.SERVICE: mariadb.running,
    }
    again = "`up` starts it again."
    for service, running in answering.items():
        process = Process.load(home.record(service))
        if process is None:
            yield Finding(service, "not running")
        elif not process.is_alive():
            yield Finding(service, f"process {process.pid} has died; its log: {home.log(service)}", again)
        else:
            try:
                found = running(home)
            except NotAnswering as error:
                yield Finding(service, f"process {process.pid} does not answer", str(error))
            else:
                if found:
                    yield Finding(service, f"running as process {process.pid}")
                elif process.is_alive():
                    unknown = f"process {process.pid} {emulator_process.KEY_UNKNOWN}"
                    yield Finding(service, unknown, "`up` starts it anew; what is deployed is deployed afresh.")
                else:
                    yield Finding(service, f"process {process.pid} has died; its log: {home.log(service)}", again)
    emulator = Process.load(home.record(emulator_process.SERVICE))
    workers = [stray.pid for stray in cloud.strays(home)]
    if workers and not (emulator and emulator.is_alive()):
        pids = ", ".join(map(str, workers))
        yield Finding("leftovers", f"processes of this home without a server: {pids}", "`down` or `up` ends them.")


def _ports(home: Home) -> Iterator[Finding]:
    try:
        ports = home.ports()
    except LocalCloudError as error:
        yield Finding("ports", str(error), f"rm {shlex.quote(str(home.path / 'ports.json'))}")
        return
    for service, port in ports.items():
        process = Process.load(home.record(service))
        alive = process is not None and process.is_alive()
        if not alive and not is_free(port):
            remedy = "`up` will take another; the addresses change."
            yield Finding(
                "port", f"{HOST}:{port}, last used for the {service}, is taken by another program", remedy
            )
        else:
            yield Finding("port", f"{HOST}:{port} ({service})")
