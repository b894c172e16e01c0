"""What a call shows its upstream: its token, and where the token is bound to a key, a proof.

Spec: RFC 6750 §2.1; RFC 9449 §7, §9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bff.tokens.dpop import NONCE_HEADER, Proofs, asks_for_nonce

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bff.proxy.authority import Authority
    from bff.proxy.exchange import Exchange
    from bff.proxy.relay import RequestBody
    from bff.proxy.routes import Route
    from bff.sessions.model import BoundToken

_NONCE = NONCE_HEADER.lower().encode()


class Credentials:
    """Writes header lines, and remembers the nonces of upstreams that ask for them."""

    def __init__(self) -> None:
        self._proofs = Proofs()

    def lines(self, token: BoundToken | None, method: str, route: Route, target: bytes) -> str:
        """Return the header lines for one request to *target*; a proof is good for no other."""
        if token is None:
            return ""
        value, kind = token.token.value, token.token.token_type
        if token.proof_key is None:
            return f"authorization: {kind} {value}\r\n"
        url = _url(route) + target.decode("ascii")
        proof = self._proofs.prove(token.proof_key, method, url, token=token.token)
        return f"authorization: {kind} {value}\r\ndpop: {proof}\r\n"

    def learn(self, route: Route, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Keep the nonce that a reply gives for the next proof; return whether it gives one."""
        given = [value.decode("latin-1") for name, value in headers if name == _NONCE]
        for nonce in given:
            self._proofs.remember(_url(route), nonce)
        return bool(given)

    async def heed(
        self, exchange: Exchange, route: Route, authority: Authority, body: RequestBody
    ) -> Authority | None:
        """Return *authority* where the upstream only wants its nonce in the proof, else None.

        It has not looked at the request yet (RFC 9449 §9), so that any method may be repeated
        whose body is still at hand.
        """
        token = authority.token
        if token is None or token.proof_key is None or body.kept is None:
            return None
        lines = exchange.headers
        said = [value.decode("latin-1") for name, value in lines if name == b"www-authenticate"]
        return authority if asks_for_nonce(said) and self.learn(route, lines) else None


def _url(route: Route) -> str:
    """Return how the upstream is addressed, whichever of its addresses serves the call."""
    upstream = route.upstream
    first = upstream.origins[0]
    scheme = first.scheme if first.scheme == "https" else "http"
    return f"{scheme}://{upstream.host or first.authority}"
