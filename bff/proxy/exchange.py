"""One request and its reply on one upstream connection, as the relay sees it.

An exchange outlives neither its request nor its connection's next one: a reply can only ever be
read through the exchange that asked for it.

Spec: RFC 9112 §6 (where a body ends), §9 (connections).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bff.problems import UPSTREAM_TIMEOUT, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.proxy.connection import UpstreamConnection
    from bff.proxy.headers import Headers
    from bff.proxy.pool import Pool

SWEEP_INTERVAL_S: Final = 0.25
_BUFFERED_MAX: Final = 256 * 1024
_LARGE: Final = 16 * 1024


class ReplyAborted(Exception):  # noqa: N818 - an outcome of the upstream's, not an error of ours
    """The reply ended before its end; whoever reads it must see an abort, never a clean end."""


class ClientGone(Exception):  # noqa: N818 - an outcome of the browser's, not an error of ours
    """Nobody waits for the reply any more."""


class StaleConnection(Exception):  # noqa: N818 - an outcome, mended by one retry where that is safe
    """A kept connection was closed before a single byte of the reply came."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long an upstream may take, in seconds, to within a quarter of one.

    Attributes:
        connect_s: to accept the connection, TLS included.
        first_byte_s: until the reply's head, once everything was sent that there is to send.
        idle_s: without a byte within the body, an event stream's apart.
        total_s: from the first byte sent to the last received; None for no limit.
        stream_total_s: the same for what has no end of its own: event streams and WebSockets.
    """

    connect_s: float = 5.0
    first_byte_s: float = 30.0
    idle_s: float = 30.0
    total_s: float | None = None
    stream_total_s: float | None = None


class Exchange:
    """A request under way. `head`, then `read` until it returns ``b""``."""

    # What most exchanges never change costs them nothing here.
    _buffered = 0
    _error: Exception | None = None
    _waiter: asyncio.Future[None] | None = None
    _sweeps = 0
    _quiet_sweeps = 0
    status = 0
    headers: Headers
    started = False
    complete = False
    request_complete = True
    awaits_client = False
    paused = False
    may_upgrade = False
    is_tunnel = False
    on_slow: Callable[[Exchange], None] | None = None

    def __init__(
        self, connection: UpstreamConnection, limits: TimeLimits, *, is_head_request: bool
    ) -> None:
        self._connection = connection
        self._limits = limits
        self._chunks: list[bytes] = []
        self.is_head_request = is_head_request

    @property
    def pool(self) -> Pool:
        """The address that it was sent to."""
        return self._connection.pool

    async def head(self) -> int:
        """Return the status once the reply's head is there.

        Raises:
            Unavailable: ``upstream_unreachable``, ``upstream_bad_reply``, ``upstream_timeout``.
            StaleConnection: see there.
            ClientGone: see there.
        """
        while not self.started:
            if self._error is not None:
                raise self._error
            await self._wait()
        return self.status

    async def read(self) -> bytes:
        """Return what has come of the body, waiting for more where nothing has; ``b""`` at its end.

        Raises:
            ReplyAborted: the upstream broke off.
            Unavailable: ``upstream_timeout``.
            ClientGone: see there.
        """
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self.complete:
                return b""
            await self._wait()
        return self.take()

    def take(self) -> bytes:
        """Return what has come of the body so far, perhaps nothing, without waiting.

        Small chunks come joined; a large one comes alone, for to join it would be to copy it.
        """
        chunks = self._chunks
        if not chunks:
            return b""
        if len(chunks) == 1:
            body = chunks[0]
            chunks.clear()
        elif len(chunks[0]) >= _LARGE:
            body = chunks.pop(0)
        else:
            body = b"".join(chunks)
            chunks.clear()
        self._buffered -= len(body)
        if self.paused and not chunks:
            self.paused = False
            self._connection.resume_reading()
        return body

    @property
    def exhausted(self) -> bool:
        """Whether the whole reply came and was read."""
        return self.complete and not self._chunks

    async def write(self, data: bytes) -> None:
        """Send more of the request's body; return when the connection takes more.

        A reply that is complete, or an upstream that is gone, takes no more: the data is dropped
        and `head` or `read` tells what happened.
        """
        await self._connection.write(self, data)

    def close(self) -> None:
        """Give up what is left of the exchange. Harmless after its end."""
        self._connection.leave(self)

    def hang_up(self, last: bytes = b"") -> None:
        """End a tunnel: send *last*, and close once everything is sent."""
        self._connection.hang_up(self, last)

    def fail(self, error: Exception) -> None:
        """End the exchange with *error* for its reader, and its connection with it."""
        if self.complete or self._error is not None:
            return
        self._error = error
        self._wake()
        self._connection.leave(self)

    # What the connection tells.

    def start(self, status: int, headers: Headers) -> None:
        """Take the reply's head."""
        self.status = status
        self.headers = headers
        self.started = True
        self._quiet_sweeps = 0
        self._wake()

    def feed(self, data: bytes) -> None:
        """Take a piece of the body; stop the upstream where nobody reads."""
        self._chunks.append(data)
        self._buffered += len(data)
        self._quiet_sweeps = 0
        if self._buffered >= _BUFFERED_MAX and not self.paused:
            self.paused = True
            self._connection.pause_reading()
        self._wake()

    def finish(self) -> None:
        """Take the reply's end."""
        self.complete = True
        self._wake()

    def switch(self, status: int, headers: Headers) -> None:
        """Take the head after which the connection carries bytes both ways until it closes."""
        self.is_tunnel = True
        self.start(status, headers)

    def sweep(self) -> None:
        """Count a quarter of a second, and end what took too long."""
        self._sweeps += 1
        on_slow, self.on_slow = self.on_slow, None
        if on_slow is not None:
            on_slow(self)
        limits = self._limits
        if self.is_tunnel:
            return  # its relay ends it, with a word to both sides
        endless = self.is_event_stream
        total_s = limits.stream_total_s if endless else limits.total_s
        if total_s is not None and self._sweeps * SWEEP_INTERVAL_S > total_s:
            self.fail(Unavailable(UPSTREAM_TIMEOUT, hint="total time"))
        if endless or self.paused or self.awaits_client:
            return  # the silence is the browser's, or a stream's nature
        self._quiet_sweeps += 1
        limit_s = limits.idle_s if self.started else limits.first_byte_s
        if self._quiet_sweeps * SWEEP_INTERVAL_S > limit_s:
            hint = "idle within the body" if self.started else "no first byte"
            self.fail(Unavailable(UPSTREAM_TIMEOUT, hint=hint))

    @property
    def is_event_stream(self) -> bool:
        """Return whether the reply is a stream of events, quiet by nature; its reader ends it."""
        if self.started:
            for name, value in self.headers:
                if name == b"content-type" and value.lower().startswith(b"text/event-stream"):
                    return True
        return False

    def progress(self) -> None:
        """Note that the upstream took something of the request."""
        self._quiet_sweeps = 0

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        await waiter
