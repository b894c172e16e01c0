"""Who the client of a connection is, and whom an address stands for."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_network
from typing import TYPE_CHECKING, Any

from httpkit.client_address import client_behind

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

_FORWARDED_FOR = b"x-forwarded-for"


def client_of(scope: MutableMapping[str, Any], is_ours: Callable[[str], bool]) -> tuple[str, int]:
    """Return the client's address, and the port of whoever is connected to us.

    Args:
        scope: ASGI; its ``client`` is the peer.
        is_ours: whether an address is a proxy of our own.
    """
    peer, port = scope.get("client") or ("unknown", 0)
    said = [value.decode("latin-1") for name, value in scope["headers"] if name == _FORWARDED_FOR]
    return client_behind(str(peer), said, is_ours), port


def party_of(peer: str) -> str:
    """Return whom the address *peer* stands for: an IPv6 network is one household's."""
    if ":" not in peer:
        return peer
    try:
        address = IPv6Address(peer.partition("%")[0])
    except ValueError:
        return peer
    mapped = address.ipv4_mapped  # as a listener for both families tells an IPv4 peer
    return str(mapped or ip_network((address, 64), strict=False))
