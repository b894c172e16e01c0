"""The parsers at both sockets: how bytes are cut never changes what they mean.

What a browser's connection made of a stream in one piece, it makes of it byte by byte; what an
upstream's reply is when it comes whole, it is in any pieces, and where a strict parser of another
make accepts it, both read the same.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import h11
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from bff.problems import Unavailable
from bff.proxy.connection import UpstreamConnection
from bff.proxy.edge import StrictHttpProtocol
from bff.proxy.exchange import Exchange, ReplyAborted, StaleConnection, TimeLimits
from tests.support.mutations import corpus, cuts, mutated

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from bff.proxy.gateway import Scope
    from bff.proxy.pool import Pool
    from bff.proxy.relay import Receive, Send

fuzz = settings.get_profile("fuzz")
REQUESTS, REPLIES = corpus("requests"), corpus("replies")
SALT = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b":", b"\x00", b"\xff", b"0\r\n\r\n"),
    *(b"Content-Length: 1\r\n", b"Content-Length: 0\r\n", b"content-length:1\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"chunked"),
    *(b"Connection: close\r\n", b"Connection: upgrade\r\n", b"Host: b\r\n", b"HTTP/1.0"),
    *(b"5\r\nabcde\r\n", b"fffffffffffffffff", b"-1", b"+1", b"0x1", b",", b"1, 1"),
)
places = st.lists(st.integers(0, 1000), max_size=6)


class Socket:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        """Keep *data*."""
        self.written += data

    def close(self) -> None:
        """Note the end."""
        self.closed = True

    abort = write_eof = close

    def can_write_eof(self) -> bool:
        """Tell what sockets tell."""
        return True

    def is_closing(self) -> bool:
        """Tell whether it ended."""
        return self.closed

    def pause_reading(self) -> None:
        """Nothing waits here."""

    resume_reading = pause_reading

    def get_extra_info(self, name: str) -> object:
        """Tell of both ends."""
        return ("127.0.0.1", 1) if name in {"peername", "sockname"} else None


class Shop:
    """The browser's edge before an application that notes what it is asked and says ok."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        config = uvicorn.Config(
            self._app,
            http=cast("Any", StrictHttpProtocol),
            interface="asgi3",
            log_config=None,
            lifespan="off",
            proxy_headers=False,
        )
        config.load()
        self._config = config

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        self.asked.append((scope["method"], scope["raw_target"], tuple(scope["headers"]), body))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok", "more_body": False})

    async def take(self, pieces: list[bytes]) -> tuple[list[tuple[object, ...]], list[bytes], bool]:
        """Return what the application was asked, the replies that said so, and whether it closed.

        A refusal is not among them: behind a reply that is still owed, the end alone tells it.
        """
        self.asked = []
        state = ServerState()
        edge = StrictHttpProtocol(self._config, state, {}, asyncio.get_running_loop())
        socket = Socket()
        edge.connection_made(cast("asyncio.Transport", socket))
        for piece in pieces:
            edge.get_buffer(len(piece))[: len(piece)] = piece
            edge.buffer_updated(len(piece))
            await settle()
        edge.connection_lost(None)
        await settle()
        assert not state.tasks
        lines = [line for line in socket.written.split(b"\r\n") if line == b"HTTP/1.1 200 OK"]
        return self.asked, lines, socket.closed


async def settle() -> None:
    """Let everything that can run do so."""
    for _ in range(8):
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Return a function that runs something in one loop for all examples."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.mark.rule("S-069", "S-070", "S-071", "S-072", "S-075")
def test_edge_reads_a_stream_alike_however_it_is_cut(
    run: Callable[[Coroutine[Any, Any, Any]], Any],
) -> None:
    """The same requests, the same answers, the same end; and never two bodies' lengths."""
    shop = Shop()

    @settings(fuzz)
    @given(data=mutated(REQUESTS, SALT), at=places)
    def read(data: bytes, at: list[int]) -> None:
        whole = run(shop.take([data]))
        assert run(shop.take(cuts(data, at))) == whole
        assert run(shop.take([data])) == whole  # heads that were read before
        for _method, target, headers, _body in whole[0]:
            said = [name for name, _ in headers]
            assert said.count(b"host") <= 1
            assert said.count(b"content-length") + said.count(b"transfer-encoding") <= 1
            assert target.startswith(b"/") or target == b"*"

    read()


class Keeper:
    """Stands where a connection's pool does."""

    def __init__(self) -> None:
        self.kept = 0

    def keep(self, _connection: UpstreamConnection) -> None:
        """Count."""
        self.kept += 1

    def lost(self, _connection: UpstreamConnection) -> None:
        """Nothing is kept here."""


async def outcome(pieces: list[bytes]) -> tuple[object, ...]:
    """Return what a reply in *pieces*, after which the upstream closes, is to its reader."""
    keeper, socket = Keeper(), Socket()
    buffer = memoryview(bytearray(4096))
    connection = UpstreamConnection(buffer, cast("Pool", keeper))
    connection.connection_made(cast("asyncio.Transport", socket))
    exchange = connection.begin(b"GET / HTTP/1.1\r\n\r\n", TimeLimits(), is_head_request=False)
    for piece in pieces:
        buffer[: len(piece)] = piece
        connection.buffer_updated(len(piece))
        if socket.closed:
            break
    connection.connection_lost(None)
    return await reading(exchange)


async def reading(exchange: Exchange) -> tuple[object, ...]:
    """Return status, headers, body and how it ended."""
    try:
        await exchange.head()
    except (Unavailable, StaleConnection) as error:
        return (type(error).__name__,)
    body, end = b"", "whole"
    try:
        while piece := await exchange.read():
            body += piece
    except ReplyAborted:
        end = "aborted"
    return exchange.status, tuple(exchange.headers), body, end


def strictly(data: bytes) -> tuple[int, bytes] | None:
    """Return status and body as h11 reads them, or None where it does not accept *data*."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    client.receive_data(b"")
    status, body = 0, b""
    try:
        while True:
            event = client.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, body
            elif not isinstance(event, h11.InformationalResponse):
                return None  # it wants more, or the end came too early
    except h11.RemoteProtocolError:
        return None


@pytest.mark.rule("S-073", "F-40")
def test_reply_is_read_alike_however_it_comes(
    run: Callable[[Coroutine[Any, Any, Any]], Any],
) -> None:
    """In any pieces; and as another parser reads it, where both take it for whole."""

    @settings(fuzz)
    @given(data=mutated(REPLIES, SALT), at=places)
    def read(data: bytes, at: list[int]) -> None:
        whole = run(outcome([data]))
        in_pieces = run(outcome(cuts(data, at)))
        assert in_pieces == whole
        theirs = strictly(data)
        if theirs is not None and whole[-1] == "whole":
            assert (whole[0], whole[2]) == theirs

    read()
