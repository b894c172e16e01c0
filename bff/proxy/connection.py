"""One connection to an upstream: bytes out, llhttp in, one exchange at a time.

Spec: RFC 9112 §6, §9; RFC 9110 §15.2 (1xx), §6.5 (trailers).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import httptools

from bff.problems import UPSTREAM_BAD_REPLY, UPSTREAM_UNREACHABLE, Unavailable
from bff.proxy.exchange import Exchange, ReplyAborted, StaleConnection, TimeLimits

if TYPE_CHECKING:
    from bff.proxy.headers import Headers
    from bff.proxy.pool import Pool

_HEAD_BYTES_MAX: Final = 128 * 1024
_HEADERS_MAX: Final = 256
_SWITCHING_PROTOCOLS: Final = 101
_FINAL_STATUS_MIN: Final = 200
_STATUS_MAX: Final = 599
_BODILESS: Final = frozenset({204, 304})


class _BadReply(Exception):  # noqa: N818 - leaves the parser's callbacks, never this module
    """The reply breaks a rule that llhttp does not hold."""


class UpstreamConnection(asyncio.BufferedProtocol):
    """Speaks HTTP/1.1 with one upstream.

    Reads into a buffer shared by all connections of the worker: the parser copies what it hands
    on, and no two reads overlap. (Large buffers of their own are given back to the system after
    each read, which costs more than the read.)
    """

    def __init__(self, buffer: memoryview, pool: Pool) -> None:
        """Belong to *pool*, which is told when another exchange may begin, and of the end."""
        self._buffer = buffer
        self.pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._transport: asyncio.Transport | None = None
        self._headers: Headers = []
        self._in_head = False
        self._head_bytes = 0
        self._until_close = False
        self._reusable = False
        self._drained: asyncio.Future[None] | None = None
        self.closed = False
        self.exchanges = 0
        self.idle_sweeps = 0

    # What the transport and the relay ask for.

    def begin(self, request: bytes, limits: TimeLimits, *, is_head_request: bool) -> Exchange:
        """Send *request* (head, and as much of the body as is there) and return its exchange."""
        exchange = Exchange(self, limits, is_head_request=is_head_request)
        self._exchange = exchange
        self._head_bytes = 0
        self._until_close = False
        self._reusable = False
        self.exchanges += 1
        self.idle_sweeps = 0
        if self.closed or self._transport is None:
            # Lost in the moment in which it was made: nobody else would ever tell.
            exchange.fail(Unavailable(UPSTREAM_UNREACHABLE, hint="closed at once"))
        else:
            self._transport.write(request)
        return exchange

    async def write(self, exchange: Exchange, data: bytes) -> None:
        """Send more of the body of *exchange*, if it is still the one under way."""
        if self._exchange is not exchange or self._transport is None:
            return
        self._transport.write(data)
        if self._drained is not None:
            await asyncio.shield(self._drained)
        exchange.progress()

    def leave(self, exchange: Exchange) -> None:
        """Forget *exchange*; what is left of its reply can only be dropped with the connection."""
        if self._exchange is exchange:
            self._exchange = None
            self.abort()

    def hang_up(self, exchange: Exchange, last: bytes) -> None:
        """Send *last* if *exchange* is still under way, and close when all is sent."""
        if self._exchange is exchange and self._transport is not None:
            self._exchange = None
            self.closed = True
            if last:
                self._transport.write(last)
            self._transport.close()

    def sweep(self) -> None:
        """Count a quarter of a second for the exchange under way."""
        if self._exchange is not None:
            self._exchange.sweep()
        else:
            self.idle_sweeps += 1

    def abort(self) -> None:
        """Drop the connection at once."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def pause_reading(self) -> None:
        """Stop the upstream."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Let the upstream go on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Lend the shared buffer for one read."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what came."""
        exchange = self._exchange
        if exchange is None:
            self.abort()  # nobody asked: whatever it is, it must not answer the next request
            return
        if exchange.is_tunnel:
            exchange.feed(bytes(self._buffer[:nbytes]))
            return
        self._head_bytes += nbytes  # of trailers and chunk heads, too: a body begins it anew
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except httptools.HttpParserUpgrade as switched:
            self._tunnel(exchange, bytes(self._buffer[switched.args[0] : nbytes]))
        except httptools.HttpParserError as error:
            self._fail(str(error.__context__ or error))
        else:
            if self._head_bytes > _HEAD_BYTES_MAX and not exchange.complete:
                self._fail("head or trailers too large")
        if exchange.complete and self._exchange is exchange:
            self._settle(exchange)

    def eof_received(self) -> bool:
        """Close with the upstream."""
        self.closed = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the exchange under way what the loss means for it."""
        self.closed = True
        self._transport = None
        self.pool.lost(self)
        self.resume_writing()
        exchange, self._exchange = self._exchange, None
        if exchange is None or exchange.complete:
            return
        if not exchange.started:
            unheard = self._head_bytes == 0
            if unheard and self.exchanges > 1:
                exchange.fail(StaleConnection())
            else:
                exchange.fail(Unavailable(UPSTREAM_UNREACHABLE, hint="closed without a reply"))
        elif self._until_close and exc is None:
            exchange.finish()
        else:
            exchange.fail(ReplyAborted("closed within the body"))

    def pause_writing(self) -> None:
        """Hold the sender of a body."""
        if self._drained is None:
            self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let the sender of a body go on."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # llhttp

    def on_message_begin(self) -> None:
        """Expect a head; one beyond the reply that was asked for is an injection."""
        if self._exchange is None or self._exchange.complete:
            raise _BadReply("a second reply")
        self._headers = []
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a line of the head; trailers are dropped."""
        if self._in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Hand the head on, unless it is an interim one."""
        self._in_head = False
        exchange = self._exchange
        if exchange is None:
            raise _BadReply("a reply to nobody")
        status = self._parser.get_status_code()
        if status == _SWITCHING_PROTOCOLS:
            if not exchange.may_upgrade or not self._parser.should_upgrade():
                raise _BadReply("unasked upgrade")
            exchange.switch(status, self._headers)
            self._until_close = True
            return
        if status < _FINAL_STATUS_MIN:
            return
        if status > _STATUS_MAX or len(self._headers) > _HEADERS_MAX:
            raise _BadReply("a status beyond 599, or too many headers")
        has_body = not exchange.is_head_request and status not in _BODILESS
        self._until_close = has_body and not _is_framed(self._headers)
        exchange.start(status, self._headers)
        if exchange.is_head_request:
            # llhttp does not know that this reply has no body whatever its head says.
            self._reusable = self._parser.should_keep_alive()
            exchange.finish()

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body on."""
        exchange = self._exchange
        if exchange is None or exchange.complete:
            raise _BadReply("a body where none may be")
        self._head_bytes = 0
        exchange.feed(body)

    def on_message_complete(self) -> None:
        """Note the end; only here does llhttp know whether the connection may be kept."""
        exchange = self._exchange
        if (
            exchange is not None
            and exchange.started
            and not (exchange.complete or exchange.is_tunnel)
        ):
            self._reusable = self._parser.should_keep_alive()
            exchange.finish()

    def _tunnel(self, exchange: Exchange, rest: bytes) -> None:
        """Hand on what came behind a 101 that was asked for."""
        if not exchange.is_tunnel:
            self._fail("unasked upgrade")
        elif rest:
            exchange.feed(rest)

    def _settle(self, exchange: Exchange) -> None:
        """Keep the connection for another exchange, or close it."""
        self._exchange = None
        if not (self._reusable and exchange.request_complete) or self.closed:
            self.abort()
            return
        if exchange.is_head_request:
            self._parser = httptools.HttpResponseParser(self)
        if exchange.paused:  # by a reader, just before the end; a kept connection must be heard
            exchange.paused = False
            self.resume_reading()
        self.pool.keep(self)

    def _fail(self, hint: str) -> None:
        exchange = self._exchange
        self._reusable = False
        if exchange is None or exchange.complete:
            return  # the reply is whole; only the connection is spoilt
        if exchange.started:
            exchange.fail(ReplyAborted(hint))
        else:
            exchange.fail(Unavailable(UPSTREAM_BAD_REPLY, hint=hint))


def _is_framed(headers: Headers) -> bool:
    """Return whether the head says where the body ends; if not, the connection's end does."""
    framed = False
    for name, value in headers:
        if name == b"content-length":
            framed = True
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked":
                raise _BadReply("a transfer coding other than chunked")
            framed = True
    return framed
