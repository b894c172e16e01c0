"""A listening address that cannot be had is one sentence with a way out."""

from __future__ import annotations

import socket

import pytest

from launcher.listening import listen, require_free
from launcher.words import CannotStart


def test_a_busy_port_is_named() -> None:
    """The sentence says which port, and which variable chooses another."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port} is in use.*BFF_PORT"):
            listen("127.0.0.1", port, setting="BFF_")


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "a" * 64])
def test_a_foreign_address_is_named(host: str) -> None:
    """An address of another machine, or none at all."""
    with pytest.raises(CannotStart, match="is no address of this machine"):
        listen(host, 0, setting="SSO_")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_free_port_is_had(host: str) -> None:
    """What is free is listened on, and looking does not take it."""
    with listen(host, 0, setting="BFF_") as listener:
        port = listener.getsockname()[1]
    require_free(host, port, setting="BFF_")
    require_free(host, port, setting="BFF_")
