"""The WebSocket handshake: whose page asks, what goes upstream, and what its answer must be.

Spec: RFC 6455 §4 (handshake), §10.2 (Origin); RFC 10017 §6.1.3.3.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final, cast

from bff.problems import BAD_REQUEST, UPSTREAM_BAD_REPLY, Refused, Unavailable
from bff.proxy.browser_head import BrowserHead
from bff.proxy.edge_tunnel import TUNNEL, EdgeTunnel
from bff.proxy.guard import require_own_origin

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from bff.proxy.headers import Headers, UpstreamHeaders
    from bff.proxy.routes import Route
    from bff.sessions.cookie import SessionCookie

SWITCHING_PROTOCOLS: Final = 101
UPGRADE: Final[Headers] = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]

_UPGRADE_LINES: Final = b"connection: Upgrade\r\nupgrade: websocket\r\n"
_VERSION: Final = b"13"
_KEY_BYTES: Final = 16
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def find_tunnel(route: Route, scope: MutableMapping[str, Any]) -> EdgeTunnel | None:
    """Return the way through if the call is a handshake and *route* lets WebSockets pass."""
    if not route.websocket or scope["http_version"] != "1.1":
        return None
    return cast("EdgeTunnel | None", scope.get("extensions", {}).get(TUNNEL))


class HandshakeHead(BrowserHead):
    """The judged headers of a handshake.

    No page can give `X-CSRF` to a WebSocket; the browser's ``Origin`` stands in its place, and a
    call without one is refused.
    """

    __slots__ = ("_key",)

    _guard = staticmethod(require_own_origin)

    def __init__(
        self,
        headers: Sequence[tuple[bytes, bytes]],
        public_origin: bytes,
        cookie: SessionCookie,
        up: UpstreamHeaders,
    ) -> None:
        """Judge *headers*.

        Raises:
            Refused: ``csrf_failed``; ``bad_request`` for what is no handshake of version 13.
        """
        super().__init__(headers, public_origin, cookie, up)
        self._key = _require_key(headers)
        # After the sieve: no `Connection` option of the browser's can name these away.
        self.upstream_lines += _UPGRADE_LINES

    def require_accepted(self, headers: Headers) -> None:
        """Return if *headers* of a 101 answer this very handshake.

        Raises:
            Unavailable: ``upstream_bad_reply``.
        """
        said: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            said.setdefault(name, []).append(value)
        digest = hashlib.sha1(self._key + _GUID, usedforsecurity=False).digest()
        accepted = said.get(b"sec-websocket-accept") == [base64.b64encode(digest)]
        upgrades = [value.lower() for value in said.get(b"upgrade", ())]
        if not accepted or upgrades != [b"websocket"]:
            raise Unavailable(UPSTREAM_BAD_REPLY, hint="a 101 that answers another handshake")


def _require_key(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    versions = [value for name, value in headers if name == b"sec-websocket-version"]
    keys = [value for name, value in headers if name == b"sec-websocket-key"]
    if versions != [_VERSION]:
        # RFC 6455 §4.4: say which version would do.
        raise Refused(
            BAD_REQUEST, hint="WebSocket version", headers={"Sec-WebSocket-Version": "13"}
        )
    try:
        if len(keys) == 1 and len(base64.b64decode(keys[0], validate=True)) == _KEY_BYTES:
            return keys[0]
    except ValueError:
        pass
    raise Refused(BAD_REQUEST, hint="WebSocket key")
