"""Finds MariaDB's programs, and installs them on Debian and Ubuntu when they are missing."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from local_cloud.errors import LocalCloudError

# Servers live in sbin, which is not in everybody's PATH; Homebrew links them into its own bin.
_FOLDERS = ("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/usr/libexec")
# The programs alone: the package `mariadb-server` would also start a server of the system's own.
_PACKAGES = ("mariadb-server-core", "mariadb-client-core")

BY_HAND = (
    "Install it: `sudo apt-get install mariadb-server-core mariadb-client-core` on Debian and Ubuntu, "
    "`brew install mariadb` on macOS."
)


@dataclasses.dataclass(frozen=True)
class Programs:
    server: Path
    install_db: Path
    version: str


def search_path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), *_FOLDERS])


def find(path: str | None = None) -> Programs | None:
    """The programs, when the machine has MariaDB (MySQL, which differs, doesn't count)."""
    folders = search_path() if path is None else path
    install_db = shutil.which("mariadb-install-db", path=folders)
    server = shutil.which("mariadbd", path=folders)
    if server is None or install_db is None:
        return None
    answer = subprocess.run([server, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.search(r"(\d+\.\d+\.\d+)-MariaDB", answer.stdout)
    return Programs(Path(server), Path(install_db), version[1]) if version else None


def find_or_install(log: Path, say: Callable[[str], None]) -> Programs:
    """Raises LocalCloudError, with the one thing to do, when they are missing and can't be installed."""
    programs = find()
    if programs is not None:
        return programs
    apt_get = shutil.which("apt-get")
    sudo = _become_root()
    if apt_get is None or sudo is None:
        raise LocalCloudError(f"MariaDB is not installed, and can't be installed from here. {BY_HAND}")
    say("database      installing MariaDB with apt-get …")
    install = [*sudo, apt_get, "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends"]
    with log.open("a") as output:
        for command in ([*install, *_PACKAGES], [*sudo, apt_get, "update"], [*install, *_PACKAGES]):
            done = subprocess.run(  # noqa: S603 (fixed words and two found paths)
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                check=False,
            )
            if done.returncode == 0 and "install" in command:
                break
    programs = find()
    if programs is None:
        raise LocalCloudError(f"MariaDB could not be installed; {log} says why. {BY_HAND}")
    return programs


def _become_root() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    allowed = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)  # noqa: S603
    return [sudo, "-n"] if allowed.returncode == 0 else None
