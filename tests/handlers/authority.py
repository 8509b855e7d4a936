"""A company's own authority and a server's certificate by it, as openssl makes them of a plain configuration."""

import subprocess
from pathlib import Path

from tests.handlers.servers import HOST


def make(folder: Path) -> Path:
    """The authority's file; `server.pem` and `server.key` beside it.

    As many companies' it has no key usage, and its basic constraints are not critical.
    """
    config = folder / "openssl.cnf"
    config.write_text(
        "[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = Company CA\n"
        "[authority]\nbasicConstraints = CA:TRUE\n"
        f"[server]\nsubjectAltName = IP:{HOST}\n"
    )
    key = ["-newkey", "rsa:2048", "-nodes"]
    authority = ["-x509", "-days", "2", "-extensions", "authority"]
    openssl(folder, "req", "-config", config.name, *key, *authority, "-keyout", "ca.key", "-out", "ca.pem")
    openssl(folder, "req", "-config", config.name, *key, "-keyout", "server.key", "-out", "server.csr")
    by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", config.name, "-extensions", "server"]
    openssl(folder, "x509", "-req", "-in", "server.csr", "-days", "2", *by, "-out", "server.pem")
    return folder / "ca.pem"


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)
