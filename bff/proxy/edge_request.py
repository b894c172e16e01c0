"""One request at the edge: ASGI on one side, the connection on the other.

Spec: ASGI 3 HTTP connection scope 2.3; RFC 9112 §6 to §9.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from bff.proxy.edge import StrictHttpProtocol

_UNREAD_MAX: Final = 64 * 1024
_CHUNKED: Final = -1
_UNTIL_CLOSE: Final = -2
_BODILESS: Final = frozenset({204, 304})
# Ours to say: they depend on this connection.
_FRAMING: Final = frozenset({b"connection", b"content-length", b"keep-alive", b"transfer-encoding"})
_READ: Final = frozenset({b"content-type", b"date"})
_NOTED: Final = _FRAMING | _READ
_ENDLESS: Final = b"text/event-stream"


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


_STATUS_LINES: Final = {status: _status_line(status) for status in range(200, 600)}


class BrokenReply(Exception):  # noqa: N818 - a bug of the application, told to its own log
    """The application broke the ASGI or HTTP rules of a reply."""


class EdgeRequest:
    """A request under way and the framing of its reply."""

    # What most requests never change costs them nothing here.
    _buffered = 0
    _end_told = False
    _waiter: asyncio.Future[None] | None = None
    _framing = 0
    _is_bodiless = False
    _is_endless = False
    _head = b""
    task: asyncio.Task[None] | None = None
    expects_continue = False
    body_complete = False
    disconnected = False
    started = False
    replied = False

    def __init__(
        self, edge: StrictHttpProtocol, scope: MutableMapping[str, Any], *, keep_alive: bool
    ) -> None:
        self._edge = edge
        self.scope = scope
        self._body: list[bytes] = []
        self.keep_alive = keep_alive

    # What the connection tells.

    def feed(self, data: bytes) -> None:
        """Take a piece of the body; stop the browser where nobody reads."""
        if self.replied:
            return
        self._body.append(data)
        self._buffered += len(data)
        if self._buffered >= _UNREAD_MAX:
            self._edge.pause_reading()
        self._wake()

    def end_body(self) -> None:
        """Take the body's end."""
        self.body_complete = True
        self._wake()

    def leave(self) -> None:
        """Let this be the last reply of its connection; end it now if it has no end.

        Nobody would hold a stopping worker up for longer than a page that listens to events; its
        browser comes back by itself, to another worker.
        """
        self.keep_alive = False
        if self._is_endless:
            self.disconnect()

    def disconnect(self) -> None:
        """Note that the browser is gone."""
        self.disconnected = True
        self._wake()

    @property
    def awaits_body(self) -> bool:
        """Whether the application waits for the browser, not the browser for it."""
        return not self.body_complete and self._waiter is not None and not self._waiter.done()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ASGI

    async def receive(self) -> dict[str, Any]:
        """Return the next piece of the body, its end once, and then wait for the disconnect."""
        if self.expects_continue and not self.started:
            self.expects_continue = False
            self._edge.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self._body or (self.body_complete and not self._end_told)):
            if self.disconnected or self.replied:
                return {"type": "http.disconnect"}
            self._edge.resume_reading()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self._buffered = 0
        self._end_told = self.body_complete
        return {"type": "http.request", "body": body, "more_body": not self.body_complete}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Write the reply's head or a piece of its body, when the browser takes it."""
        if self._edge.drained is not None:
            await self._edge.wait_drained()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            if self.started:
                raise BrokenReply("a second head")
            self._start(message["status"], message.get("headers", ()))
            if self._is_endless and self._edge.leaving:
                self.disconnect()
            if "body_follows" not in message:
                # If no piece of the body comes in this turn of the loop, the head goes alone, so
                # that a stream begins when its source begins it.
                asyncio.get_running_loop().call_soon(self._flush)
        elif message["type"] == "http.response.body":
            if not self.started or self.replied:
                raise BrokenReply("a body out of place")
            self._send_body(message.get("body", b""), more=message.get("more_body", False))

    def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.started = True
        if not self.body_complete:
            self.keep_alive = False  # what is left of the body must not be read as a request
        lines = [_STATUS_LINES[status]]
        length: bytes | None = None
        dated = False
        for line in headers:
            name = line[0]
            if name not in _NOTED:
                lines.append(b"%b: %b\r\n" % line)
            elif name in _READ:
                lines.append(b"%b: %b\r\n" % line)
                dated = dated or name == b"date"
                self._is_endless = self._is_endless or line[1].startswith(_ENDLESS)
            elif name == b"content-length":
                length = line[1]
            elif name == b"connection" and line[1].lower() == b"close":
                self.keep_alive = False
        if not dated:
            lines.extend([b"%b: %b\r\n" % line for line in self._edge.default_headers])
        self._frame(status, length, lines)
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
            raise BrokenReply("a line break in a header")
        # Held back for the body's first piece: one write, one packet.
        self._head = head + b"\r\n"

    def _flush(self) -> None:
        head, self._head = self._head, b""
        if head:
            self._edge.write(head)

    def _write(self, data: bytes) -> None:
        if self._head:
            data = self._head + data
            self._head = b""
        self._edge.write(data)

    def _frame(self, status: int, length: bytes | None, lines: list[bytes]) -> None:
        """Decide how the body's end will be told (RFC 9112 §6.3)."""
        if length is not None and status != HTTPStatus.NO_CONTENT:
            lines.append(b"content-length: %b\r\n" % length)
        if status in _BODILESS or self.scope["method"] == "HEAD":
            self._is_bodiless = True
        elif length is not None:
            self._framing = int(length)
        elif self.scope["http_version"] == "1.0":
            self._framing = _UNTIL_CLOSE
            self.keep_alive = False
        else:
            self._framing = _CHUNKED
            lines.append(b"transfer-encoding: chunked\r\n")

    def _send_body(self, body: bytes, *, more: bool) -> None:
        framing = self._framing
        if framing == _CHUNKED:
            if body:
                body = b"%x\r\n%b\r\n" % (len(body), body)
            if not more:
                body += b"0\r\n\r\n"
        elif self._is_bodiless:
            body = b""
        elif framing != _UNTIL_CLOSE:
            self._framing = framing = framing - len(body)
            if framing < 0 or (framing and not more):
                raise BrokenReply("a body of another length than its content-length")
        if body or (self._head and not more):
            self._write(body)
        if not more:
            self.replied = True
            self._edge.finish(self)

    @property
    def ends_by_close(self) -> bool:
        """Whether a proper close would look like the reply's end."""
        return self._framing == _UNTIL_CLOSE
