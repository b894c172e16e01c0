"""Who the client is, where proxies of our own stand in front of us.

Nobody's word is taken by default. A trusted proxy's ``X-Forwarded-For`` is read from the right:
each address was added by the hop before it, so that the first that is not ours is the client, and
whatever that client wrote itself stands further left and counts for nothing (S-082).

Spec: RFC 7239 §8.1 (the same care for the header's predecessor).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from wsgiref.types import StartResponse, WSGIEnvironment

    from flask import Flask

    Network = IPv4Network | IPv6Network


def client_behind(peer: str, forwarded_for: Iterable[str], is_ours: Callable[[str], bool]) -> str:
    """Return the client's address: *peer*, or what proxies of our own say of whoever asked them.

    Args:
        peer: who is connected to us.
        forwarded_for: the values of ``X-Forwarded-For``, as they came.
        is_ours: whether an address is a proxy of our own.
    """
    if not is_ours(peer):
        return peer
    hops = [hop.strip() for value in forwarded_for for hop in value.split(",")]
    for hop in reversed(hops):
        if not is_ours(hop):
            return hop if _is_address(hop) else peer
    return peer


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


def install_client_address(app: Flask, trusted: Sequence[Network]) -> None:
    """Let *app* see as ``request.remote_addr`` whom *trusted* proxies name."""
    if not trusted:
        return
    inner, is_ours = app.wsgi_app, remembering(trusted)

    def behind_proxies(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        peer, said = environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", "")
        environ["REMOTE_ADDR"] = client_behind(peer, [said], is_ours)
        return inner(environ, start_response)

    app.wsgi_app = behind_proxies  # type: ignore[method-assign]


@lru_cache(4096)
def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
