"""This machine's own servers are never asked through a proxy; other hosts are, where the environment says so."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping

HOSTS = ("127.0.0.1", "localhost", "::1")
_VARIABLES = ("no_proxy", "NO_PROXY")

# Asks the address itself, whatever HTTP_PROXY and its like say.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def spared(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that keep loopback from the environment's proxies, for this process and those it starts.

    Both spellings: some libraries read one, some the other. What they exempt already stays exempt.
    """
    given = [environment[name] for name in _VARIABLES if environment.get(name)]
    return {name: _with_loopback(environment.get(name) or next(iter(given), "")) for name in _VARIABLES}


def _with_loopback(exempt: str) -> str:
    hosts = [host.strip() for host in exempt.split(",") if host.strip()]
    if "*" in hosts:
        return exempt
    return ",".join([*hosts, *(host for host in HOSTS if host not in hosts)])
