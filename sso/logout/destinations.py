"""Where this server itself may send something, because somebody registered the address.

An operator knows their own network. An address that a developer or a program wrote down is asked
for only where anybody could ask: else it would reach, through us, what stands behind the same wall.
The name is looked up once, and what was judged is what is connected to.

Spec: OIDC Back-Channel Logout §2.5; ASVS 13.2.4; A-56; S-100.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx2

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# Translated to IPv4 on the way, whatever is in it.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class DestinationRefused(Exception):  # noqa: N818 - an outcome, not an error of ours
    """Nothing is sent there. The message is for the log."""


@dataclass(frozen=True)
class Destination:
    """An address, and how to ask for it there."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)


def addresses_of(host: str, port: int) -> list[str]:
    """Return every address of *host*, in the order in which the system would try them."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DestinationRefused("the host has no address") from error
    return [str(each[4][0]) for each in found]


class Destinations:
    """Judges addresses before they are asked for."""

    def __init__(
        self, *, issuer: str, resolve: Callable[[str, int], list[str]] = addresses_of
    ) -> None:
        """On the machine of *issuer* itself, where it is on loopback, everything is one's own."""
        self._at_home = urlsplit(issuer).hostname in _LOOPBACK
        self._resolve = resolve

    def require(self, uri: str, *, trusted: bool) -> Destination:
        """Return how to ask for *uri*, which an operator registered where *trusted*.

        Raises:
            DestinationRefused: it has no address, or one that not everybody can reach.
        """
        if trusted or self._at_home:
            return Destination(uri)
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port or 443
        addresses = self._resolve(host, port)
        if not addresses or not all(_is_public(each) for each in addresses):
            raise DestinationRefused("the host is not a public one")
        url = str(httpx2.URL(uri).copy_with(host=addresses[0]))
        # The certificate is still that of the name.
        return Destination(url, {"Host": parts.netloc}, {"sni_hostname": host})


def _is_public(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return False
        if (inside := ip.ipv4_mapped or ip.sixtofour) is not None:
            return inside.is_global and not inside.is_multicast
    return ip.is_global and not ip.is_multicast
