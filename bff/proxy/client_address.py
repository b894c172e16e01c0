"""Who the client is, where proxies of our own stand in front of us.

Nobody's word is taken by default. A trusted proxy's ``X-Forwarded-For`` is read from the right:
each address was added by the hop before it, so that the first that is not ours is the client, and
whatever that client wrote itself stands further left and counts for nothing (S-082).

Spec: RFC 7239 §8.1 (the same care for the header's predecessor).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping, Sequence

    Network = IPv4Network | IPv6Network


def client_of(scope: MutableMapping[str, Any], is_ours: Callable[[str], bool]) -> tuple[str, int]:
    """Return the client's address, and the port of whoever is connected to us.

    Args:
        scope: ASGI; its ``client`` is the peer.
        is_ours: whether an address is a proxy of our own.
    """
    peer, port = scope.get("client") or ("unknown", 0)
    address = str(peer)
    if not is_ours(address):
        return address, port
    for hop in reversed(_hops(scope["headers"])):
        if is_ours(hop):
            continue
        return (hop, port) if _is_address(hop) else (address, port)
    return address, port


def _hops(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    values = [value for name, value in headers if name == b"x-forwarded-for"]
    return [hop.strip() for value in values for hop in value.decode("latin-1").split(",")]


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Return whether *address* lies in one of the networks; False for what is no address."""
    if not trusted:
        return False
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


def remembering(trusted: Sequence[Network]) -> Callable[[str], bool]:
    """Return `is_trusted` for *trusted* with a memory: proxies are few, and ask with each call."""

    @lru_cache(4096)
    def is_ours(address: str) -> bool:
        return is_trusted(address, trusted)

    return is_ours


@lru_cache(4096)
def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


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
