"""A browser's socket: written to under flow control, paused, and ended so that nobody is misled.

Spec: RFC 9112 §9.6 (closing without eating the answer).
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from httpkit.problems import MEDIA_TYPE, jittered_retry_s
from httpkit.request_ids import new_request_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from httpkit.problems import ProblemType


_LATER = frozenset({429, 503})


RAW_TARGET: Final = "raw_target"
"""Path and query as they came, in the scope: a query that is empty is not one that is not there."""


class EdgeSocket(asyncio.BufferedProtocol):
    """The part of a connection that knows nothing of HTTP but how to say a last word."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.socket: asyncio.Transport | None = None
        self.closing = False
        self.leaving = False  # the worker stops: one more answer, and no other
        self.sweeps = 0
        self.drained: asyncio.Future[None] | None = None
        self._reading = True

    def eof_received(self) -> bool:
        """Close with the browser."""
        return False

    def pause_writing(self) -> None:
        """Hold whoever writes."""
        if self.drained is None:
            self.drained = self.loop.create_future()
            self.sweeps = 0

    def resume_writing(self) -> None:
        """Let whoever writes go on."""
        drained, self.drained = self.drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def write(self, data: bytes) -> None:
        """Send *data*, unless the browser is gone."""
        if self.socket is not None:
            self.socket.write(data)

    async def wait_drained(self) -> None:
        """Return when the browser has taken enough of what was written, or is gone."""
        if self.drained is not None:
            await asyncio.shield(self.drained)

    def pause_reading(self) -> None:
        """Stop the browser."""
        if self._reading and self.socket is not None:
            self._reading = False
            self.socket.pause_reading()

    def resume_reading(self) -> None:
        """Let the browser go on."""
        if not self._reading and self.socket is not None:
            self._reading = True
            self.socket.resume_reading()

    def answer(self, problem: ProblemType) -> None:
        """Write *problem* without an application, and close."""
        request_id = new_request_id()
        document = problem.document(request_id=request_id)
        head = (
            f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n"
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(document)}\r\n"
            f"cache-control: no-store\r\nx-request-id: {request_id}\r\nconnection: close\r\n"
            f"{_later(problem)}\r\n"
        )
        self.write(head.encode("ascii") + document)
        self.linger()

    def linger(self) -> None:
        """Close our side, and read and drop what still comes: a reset would eat the answer."""
        self.closing = True
        self.sweeps = 0
        if self.socket is not None and self.socket.can_write_eof():
            self.socket.write_eof()
        EdgeSocket.resume_reading(self)

    def close(self) -> None:
        """Close when everything is written."""
        self.closing = True
        if self.socket is not None:
            self.socket.close()

    def abort(self) -> None:
        """Close with a reset, whatever is still to be written."""
        self.closing = True
        if self.socket is not None:
            self.socket.abort()


def _later(problem: ProblemType) -> str:
    """Return when to come back, where that helps."""
    return f"retry-after: {jittered_retry_s()}\r\n" if problem.status in _LATER else ""


def base_scope(transport: asyncio.BaseTransport) -> dict[str, Any]:
    """Return what the ASGI scopes of all requests on *transport* have in common."""
    peer = transport.get_extra_info("peername")
    here = transport.get_extra_info("sockname")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
        "client": (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None,
        "server": (str(here[0]), int(here[1])) if isinstance(here, tuple) else (here, None),
        "root_path": "",
    }


def peer_of(base: dict[str, Any]) -> str:
    """Return the address that a connection comes from; empty for a unix socket."""
    client = base["client"]
    return client[0] if client else ""


def request_scope(
    base: dict[str, Any],
    version: str,
    method: bytes,
    target: bytes,
    headers: Sequence[tuple[bytes, bytes]],
    state: dict[str, Any],
) -> dict[str, Any]:
    """Return the ASGI scope of one request."""
    path, _, query = target.partition(b"?")
    text = path.decode("latin-1")
    return {
        **base,
        "http_version": version,
        "method": method.decode("ascii"),
        "path": unquote(text) if "%" in text else text,
        "raw_path": path,
        "query_string": query,
        RAW_TARGET: target,
        "headers": headers,
        "state": state.copy(),
    }
