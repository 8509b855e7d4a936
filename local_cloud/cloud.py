"""The servers of one local cloud, started together and stopped without a trace."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local_cloud import emulator_process, lambda_interpreter, mariadb
from local_cloud.console import summary_line
from local_cloud.emulator_process import Emulator
from local_cloud.home import PULUMI_CLI, Home
from local_cloud.mariadb import Database
from local_cloud.processes import Process, find_marked, kill_marked, kill_session

Say = Callable[[str], None]
_SERVICES = (emulator_process.SERVICE, mariadb.SERVICE)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Variables of MiniStack and options of MariaDB, for tests; whether the stack wants encrypted connections."""

    emulator: Mapping[str, str] = dataclasses.field(default_factory=dict)
    database: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lambda_requirements: Path = lambda_interpreter.REQUIREMENTS
    database_tls: bool = False


@dataclasses.dataclass(frozen=True)
class Cloud:
    emulator: Emulator
    database: Database


def running(home: Home) -> Cloud | None:
    """What runs, which is all or none of it. Raises NotAnswering."""
    emulator, database = emulator_process.running(home), mariadb.running(home)
    return Cloud(emulator=emulator, database=database) if emulator and database else None


def start(home: Home, *, region: str, say: Say, settings: Settings | None = None) -> Cloud:
    """Start what does not run, both at once, and say what was done. The caller holds the home's lock.

    Raises NotAnswering for a server that lives and is silent: it is left alone.
    """
    settings = settings or Settings()
    # What is deployed would believe in tables that are gone: it has to be deployed afresh, too.
    if mariadb.is_fresh(home) and _stop(home, emulator_process.SERVICE):
        say(summary_line("cloud", "stopped, since the database's data are gone"))
    with ThreadPoolExecutor(2) as pool:
        database = pool.submit(_start_database, home, say, settings)
        emulator = pool.submit(_start_emulator, home, region, say, settings)
    return Cloud(emulator=emulator.result(), database=database.result())


def stop_emulator(home: Home) -> bool:
    """End the emulator and with it all that was deployed; the database stays. Whether it ran."""
    _stop_session(home, PULUMI_CLI)
    return _stop(home, emulator_process.SERVICE)


def stop(home: Home) -> list[str]:
    """End every process of the home and delete its temporary folders; what was stopped."""
    _stop_session(home, PULUMI_CLI)
    stopped = [service for service in _SERVICES if _stop(home, service)]
    home.clear_tmp()
    return stopped


def _start_database(home: Home, say: Say, settings: Settings) -> Database:
    began = time.monotonic()
    database = mariadb.running(home)
    note = "already running" if database else _clear_away(home, mariadb.SERVICE)
    if database is not None and settings.database_tls and not home.certificate.exists():
        _stop(home, mariadb.SERVICE)
        database, note = None, "restarted for encrypted connections"
    if database is None:
        database = mariadb.start(home, tls=settings.database_tls, settings=settings.database, say=say)
    what = f"MariaDB {database.version} on {database.host}:{database.port}"
    say(summary_line("database", _with_note(what, note), time.monotonic() - began))
    return database


def _start_emulator(home: Home, region: str, say: Say, settings: Settings) -> Emulator:
    began = time.monotonic()
    python = lambda_interpreter.ensure(requirements=settings.lambda_requirements, say=say)
    say(summary_line("environment", "ready", time.monotonic() - began))
    began = time.monotonic()
    stranger = is_key_unknown(home)
    emulator = None if stranger else emulator_process.running(home)
    note = "already running" if emulator else _clear_away(home, emulator_process.SERVICE)
    if stranger:
        note = f"{emulator_process.KEY_UNKNOWN}: restarted"
    if emulator is None:
        emulator = emulator_process.start(home, lambda_python=python, region=region, settings=settings.emulator)
    what = f"MiniStack {emulator.version} on {emulator.endpoint_url.removeprefix('http://')}"
    say(summary_line("cloud", _with_note(what, note), time.monotonic() - began))
    return emulator


def is_key_unknown(home: Home) -> bool:
    """Whether an emulator lives that the home's key does not open."""
    process = Process.load(home.record(emulator_process.SERVICE))
    return process is not None and process.is_alive() and emulator_process.running(home) is None


def _clear_away(home: Home, service: str) -> str:
    """Make room for a new start; what was found, in words for the person."""
    process = Process.load(home.record(service))
    left = _stop(home, service)
    if process is not None:
        return "was dead: restarted"
    return "was unknown: restarted" if left else ""


def _stop(home: Home, service: str) -> bool:
    """End the service and what it left behind; whether anything ran."""
    process = Process.load(home.record(service))
    ran = process is not None and process.stop()
    marker = home.marker if service == emulator_process.SERVICE else mariadb.marker(home)
    left = kill_marked(marker)
    if service == mariadb.SERVICE:
        _stop_session(home, mariadb.MAKING_DATA)
    home.record(service).unlink(missing_ok=True)
    home.clear_tmp(service)
    return ran or left > 0


def _stop_session(home: Home, name: str) -> None:
    """End what the record names, with all that it started, if it outlived the command that ran it."""
    record = home.record(name)
    if (process := Process.load(record)) is not None:
        kill_session(process)
    record.unlink(missing_ok=True)


def strays(home: Home) -> list[Process]:
    """Processes of this home that no record names: what a crash left behind."""
    known = {process.pid for service in _SERVICES if (process := Process.load(home.record(service)))}
    found = find_marked(home.marker) + find_marked(mariadb.marker(home))
    return [process for process in found if process.pid not in known]


def _with_note(text: str, note: str) -> str:
    return f"{text} ({note})" if note else text
