"""The limits that uvicorn's llhttp protocol lacks: how long and how large a request's head may be.

Without them one client that sends a byte a minute holds a connection for ever, and one header
without an end fills the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

HEAD_WITHIN_S = 15.0
HEAD_LIMIT_BYTES = 32_768
FIELDS_MAX = 100


class _HeadTooLargeError(Exception):
    """Stops the parser; answered with 431."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection of a client whose heads are bounded in time, size and number of fields."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _unfinished_bytes = 0
    _in_head = False
    _status = 400

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse a head that has grown too large without an end."""
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head:
            self._unfinished_bytes += len(data)
            if self._unfinished_bytes > HEAD_LIMIT_BYTES:
                self._refuse(431, "The request's head is too large.")
        elif self.timeout_keep_alive_task is None and self._is_idle():
            self._arm()  # blank lines between requests are no reason to wait for ever

    def on_message_begin(self) -> None:
        """Start to count."""
        self._in_head = True
        self._head_bytes = self._unfinished_bytes = 0
        self._arm()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count the target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count one field."""
        self._count(len(name) + len(value) + 4)
        if len(self.headers) >= FIELDS_MAX:
            self._status = 431
            raise _HeadTooLargeError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop to count; trailers are not of the head and never reach the application."""
        self._in_head = False
        self._disarm()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser, or a limit above, refused; the connection ends."""
        if self.transport.is_closing():
            return
        self._refuse(self._status, msg)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_LIMIT_BYTES:
            self._status = 431
            raise _HeadTooLargeError

    def _arm(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_WITHIN_S, self._too_slow)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self._in_head and self._is_idle():
            self._refuse(408, "The request took too long to arrive.")
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str) -> None:
        body = message.encode("ascii")
        lines = [
            STATUS_LINE[status],
            b"content-type: text/plain; charset=utf-8\r\n",
            b"cache-control: no-store\r\n",
            b"content-length: %d\r\n" % len(body),
            b"connection: close\r\n\r\n",
            body,
        ]
        self.transport.write(b"".join(lines))
        self.transport.close()
