"""Connections to a stack's API: through the environment's proxy, but never to this machine's own servers."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_of(url: str) -> str | None:
    """The proxy that HTTPS_PROXY and its like, without NO_PROXY's hosts, say for the address."""
    parts, proxies = urlsplit(url), getproxies()
    if is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def pool_for(url: str, **options: Any) -> urllib3.PoolManager:
    """`options`: urllib3.PoolManager's. Raises urllib3's ProxySchemeUnknown for a proxy that speaks no HTTP."""
    proxy = proxy_of(url)
    if proxy is None:
        return urllib3.PoolManager(**options)
    account = urllib3.util.parse_url(proxy).auth
    headers = urllib3.util.make_headers(proxy_basic_auth=account) if account else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)
