"""Between the browser and an exchange: bodies both ways, one piece at a time.

Neither side can fill our memory: the browser is read when the upstream takes more, the upstream
when the browser does.

Spec: ASGI 3 HTTP; RFC 9112 §7.1 (chunked), §8 (incomplete messages).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bff.problems import BODY_TOO_LARGE, UPSTREAM_BAD_REPLY, Refused, Unavailable
from bff.proxy.browser_head import CHUNKED
from bff.proxy.exchange import ClientGone, Exchange, ReplyAborted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from bff.proxy.call import Call
    from bff.proxy.headers import Headers
    from bff.proxy.redaction import TokenWatch

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NO_LENGTH = frozenset({204, 304})


class RequestBody:
    """How the browser's body is framed, and as much of it as has been read."""

    __slots__ = ("_limit_bytes", "_receive", "_seen_bytes", "complete", "kept", "length")

    def __init__(self, length: int | None, receive: Receive, limit_bytes: int) -> None:
        """Judge the declared *length*; nothing is read yet.

        Raises:
            Refused: ``body_too_large``.
        """
        if length is not None and length > limit_bytes:
            raise too_large(limit_bytes)
        self.length = length
        self.complete = not length
        # The whole body as it was sent, where it came in one piece; nothing is that too.
        self.kept: bytes | None = None if length else b""
        self._limit_bytes = limit_bytes
        self._receive = receive
        self._seen_bytes = 0

    @property
    def framing(self) -> bytes:
        """The header line that says where the body ends, for the upstream."""
        if self.length is None:
            return b""
        if self.length == CHUNKED:
            return b"transfer-encoding: chunked\r\n"
        return b"content-length: %d\r\n" % self.length

    async def read(self) -> bytes:
        """Return the next piece as it is sent to the upstream, the last chunk's end included.

        Raises:
            Refused: ``body_too_large``.
            ClientGone: the body will never be whole.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        data: bytes = message.get("body", b"")
        is_first = self._seen_bytes == 0
        self._seen_bytes += len(data)
        if self._seen_bytes > self._limit_bytes:
            raise too_large(self._limit_bytes)
        self.complete = not message.get("more_body", False)
        if self.length == CHUNKED:
            data = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            data += b"0\r\n\r\n" if self.complete else b""
        if is_first and self.complete:
            self.kept = data
        return data


class Caller:
    """The browser's end of one call: sends its body on, and notices when it goes away."""

    __slots__ = ("_body", "_receive", "_task")

    def __init__(self, receive: Receive, body: RequestBody) -> None:
        self._receive = receive
        self._body = body
        self._task: asyncio.Task[None] | None = None

    def watch(self, exchange: Exchange) -> None:
        """Fail *exchange* with `ClientGone` as soon as the browser goes away."""
        if self._task is None:
            self._task = asyncio.create_task(self._until_gone(exchange))

    def pump(self, exchange: Exchange) -> None:
        """Send the rest of the body to *exchange* while its reply may already be read."""
        exchange.request_complete = False
        self._task = asyncio.create_task(self._pump(exchange))

    def release(self) -> None:
        """Stop reading from the browser."""
        if self._task is not None:
            self._task.cancel()

    async def _pump(self, exchange: Exchange) -> None:
        body = self._body
        try:
            while not body.complete:
                exchange.awaits_client = True
                piece = await body.read()
                exchange.awaits_client = False
                await exchange.write(piece)
        except (Refused, ClientGone) as error:
            exchange.fail(error)
            return
        exchange.request_complete = True
        await self._until_gone(exchange)

    async def _until_gone(self, exchange: Exchange) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        exchange.fail(ClientGone())


async def stream_reply(
    exchange: Exchange, call: Call, send: Send, headers: Headers, watch: TokenWatch | None
) -> None:
    """Send the reply of *exchange* under *headers*, each piece as it comes.

    Raises:
        Unavailable: ``upstream_bad_reply``: a token in what came with the head; nothing was sent.
        ReplyAborted: within the body, which must not be ended cleanly.
        ClientGone: see there.
    """
    piece = exchange.take()
    if watch is not None and (watch.sees_in_headers(headers) or watch.sees_in_body(piece)):
        exchange.close()
        raise Unavailable(UPSTREAM_BAD_REPLY, hint="a token of the session in the reply")
    if exchange.status in _NO_LENGTH:
        headers = [line for line in headers if line[0] != b"content-length"]
    call.start(exchange.status)
    start = {"type": "http.response.start", "status": exchange.status, "headers": headers}
    if piece or exchange.exhausted:
        start["body_follows"] = True  # our own edge sends head and piece in one write
    await send(start)
    while not exchange.exhausted:
        if piece:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        try:
            piece = await exchange.read()
        except Unavailable as error:
            raise ReplyAborted(error.hint) from error
        if watch is not None and watch.sees_in_body(piece):
            exchange.close()
            raise ReplyAborted("a token of the session in the body")
    await send({"type": "http.response.body", "body": piece, "more_body": False})


def too_large(limit_bytes: int) -> Refused:
    """Return the outcome for a body beyond the route's limit."""
    return Refused(BODY_TOO_LARGE, detail=f"At most {limit_bytes} bytes are accepted here.")
