"""A browser's connection after HTTP: bytes both ways, under flow control.

Handed to the application in the request's scope, as the extension `TUNNEL`, when a WebSocket is
asked for; unless it is opened, the request is answered as any other.

Spec: RFC 9110 §7.8 (Upgrade).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

    from bff.proxy.edge import StrictHttpProtocol
    from bff.proxy.edge_request import EdgeRequest
    from bff.proxy.headers import Headers

TUNNEL: Final = "cloakroom-tunnel"
_UNREAD_MAX: Final = 64 * 1024


class EdgeTunnel:
    """One connection's bytes, from the handshake's end on.

    Attributes:
        leaving: done when the worker is asked to stop.
    """

    def __init__(self, edge: StrictHttpProtocol, request: EdgeRequest) -> None:
        self._edge = edge
        self._request = request
        self._unread: list[bytes] = []
        self._unread_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._gone = False
        self._over = False
        self.leaving: asyncio.Future[None] = edge.loop.create_future()

    # What the connection tells.

    def feed(self, data: bytes) -> None:
        """Take what the browser sent; stop it where nobody reads."""
        if self._over or not data:
            return
        self._unread.append(data)
        self._unread_bytes += len(data)
        if self._unread_bytes >= _UNREAD_MAX:
            self._edge.pause_reading()
        self._wake()

    def disconnect(self) -> None:
        """Note that the browser is gone."""
        self._gone = True
        self._wake()

    def leave(self) -> None:
        """Note that the worker stops."""
        if not self.leaving.done():
            self.leaving.set_result(None)

    # What the relay asks for.

    def open(self, headers: Headers) -> None:
        """Answer 101 with *headers*; from here on the connection is no longer HTTP's."""
        self._request.started = True
        lines = b"".join([b"%b: %b\r\n" % line for line in headers])
        self._edge.write(b"HTTP/1.1 101 Switching Protocols\r\n%b\r\n" % lines)

    async def read(self) -> bytes:
        """Return what the browser sent; ``b""`` when it is gone."""
        while not self._unread:
            if self._gone:
                return b""
            self._waiter = self._edge.loop.create_future()
            await self._waiter
        data = b"".join(self._unread)
        self._unread.clear()
        self._unread_bytes = 0
        self._edge.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Send *data* at once; return when the browser takes more, or is gone."""
        self._edge.write(data)
        await self._edge.wait_drained()

    def close(self, last: bytes = b"") -> None:
        """Send *last* and close; what the browser still sends is read and dropped."""
        if last:
            self._edge.write(last)
        # A close with unread data becomes a reset, which would eat the last word.
        self._request.body_complete = False
        self._end()

    def abort(self) -> None:
        """Close with a reset: what was sent must not look whole."""
        self._edge.abort()
        self._end()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._unread.clear()
            self._request.replied = True
            self._edge.finish(self._request)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
