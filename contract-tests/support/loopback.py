"""A local stack is asked directly, whatever proxy the environment has for other hosts."""

import os

HOSTS = ("127.0.0.1", "localhost", "::1")


def spare_from_proxies() -> None:
    """Exempt this machine's own servers in this process and those it starts; what is exempt already stays so."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    for name in ("no_proxy", "NO_PROXY"):
        hosts = [host.strip() for host in (os.environ.get(name) or given).split(",") if host.strip()]
        if "*" not in hosts:
            os.environ[name] = ",".join([*hosts, *(host for host in HOSTS if host not in hosts)])
        else:
            os.environ[name] = "*"
