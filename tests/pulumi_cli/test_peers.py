"""Whose request it is that reaches the plugin's port."""

import os
import socket

import pytest

from local_cloud.pulumi_cli.peers import is_of_own_user


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")]
)
def test_connection_of_this_user_is_known_by_its_port(
    monkeypatch: pytest.MonkeyPatch, family: socket.AddressFamily, host: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(family) as own:
        own.connect((host, server.getsockname()[1]))
        port = own.getsockname()[1]
        assert is_of_own_user(f"ipv4:127.0.0.1:{port}")
        monkeypatch.setattr(os, "getuid", lambda: 4711)
        assert not is_of_own_user(f"ipv4:127.0.0.1:{port}"), "the connection is another user's now"


@pytest.mark.parametrize("peer", ["ipv4:127.0.0.1:1", "ipv6:[::1]:4000", "unix:", "ipv4:10.0.0.1:80", ""])
def test_connection_that_is_not_there_is_nobodys(peer: str) -> None:
    assert not is_of_own_user(peer)
