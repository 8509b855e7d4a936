"""The certificate by which the local database proves who it is; it is its own authority."""

from __future__ import annotations

import shutil
import subprocess

from local_cloud.errors import LocalCloudError
from local_cloud.home import HOST, Home

_DAYS = 3650
_EXTENSIONS = (
    f"subjectAltName=IP:{HOST}",
    "basicConstraints=critical,CA:TRUE",
    "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign",
)


def ensure(home: Home) -> None:
    """Make it once. Raises LocalCloudError when there is no openssl to make it with."""
    if home.certificate.exists():
        return
    openssl = shutil.which("openssl")
    if openssl is None:
        raise LocalCloudError(
            "The stack's connections to its database are encrypted, and there is no `openssl` to make the local"
            " database's certificate with. Install it: `sudo apt-get install openssl`, or `brew install openssl`."
        )
    draft = home.secret("database-certificate.draft")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(_DAYS)]
    command += ["-subj", "/CN=local database", "-keyout", str(home.certificate_key), "-out", str(draft)]
    for extension in _EXTENSIONS:
        command += ["-addext", extension]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (a found path)
    if done.returncode != 0:
        raise LocalCloudError(f"openssl could not make the database's certificate. It says:\n  {done.stderr}")
    draft.replace(home.certificate)
