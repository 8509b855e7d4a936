"""The Pythons that the functions' archives are tried on: the tests' own, and AWS's runtime's if it is here."""

import os
import shutil
import subprocess
import sys
from functools import cache

from components.function import RUNTIME


@cache
def interpreters() -> dict[str, str]:
    """Name -> path."""
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = {own: sys.executable}
    if own != RUNTIME and (path := find(RUNTIME)):
        found[RUNTIME] = path
    return found


def find(name: str) -> str | None:
    """The interpreter of this name on the PATH; a shim of pyenv is told which version is meant."""
    shim = shutil.which(name)
    if shim is None:
        return None
    done = subprocess.run(
        [shim, "-c", "import sys; print(sys.executable)"],
        env={**os.environ, "PYENV_VERSION": name.removeprefix("python")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else None
