"""Heads are bounded: each limit has a client that ignores it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from launcher import http_limits
from launcher.http_limits import LimitedProtocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


async def _echo_path(
    scope: dict[str, Any], receive: object, send: Callable[..., Awaitable[None]]
) -> None:
    """Answer with the length of the target."""
    del receive
    body = str(len(scope["raw_path"])).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def _server() -> AsyncIterator[int]:
    config = uvicorn.Config(
        _echo_path,
        port=0,
        http=LimitedProtocol,
        lifespan="off",
        log_config=None,
        server_header=False,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag and no event
        await asyncio.sleep(0.005)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


async def _answer(port: int, *pieces: bytes) -> bytes:
    """Return all that the server says to *pieces* until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
        return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def _ask(*pieces: bytes) -> bytes:
    async def run() -> bytes:
        async with _server() as port:
            return await asyncio.wait_for(_answer(port, *pieces), 20)

    return asyncio.run(run())


_GET = b"GET / HTTP/1.1\r\nHost: a\r\n"


def test_ordinary_requests_pass() -> None:
    """Two on one connection, the second with a head of 16 KiB."""
    large = b"X-Large: " + b"x" * 16_000 + b"\r\n"
    said = _ask(_GET + b"\r\n", _GET + large + b"Connection: close\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert b"server:" not in said.lower()


@pytest.mark.parametrize(
    "pieces",
    [
        (_GET + b"X-Large: " + b"x" * 40_000 + b"\r\n\r\n",),
        (_GET + b"X-Large: ", *[b"x" * 8_000] * 5),
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",),
        (_GET + b"".join(b"X-%d: y\r\n" % n for n in range(101)) + b"\r\n",),
    ],
    ids=["large", "without-end", "target", "many-fields"],
)
def test_a_head_beyond_the_limits_is_431(pieces: tuple[bytes, ...]) -> None:
    """Too large, never ending, or of too many fields: refused, and the connection ends."""
    assert _ask(*pieces).startswith(b"HTTP/1.1 431 ")


def test_a_slow_head_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a head, and then nothing."""
    monkeypatch.setattr(http_limits, "HEAD_WITHIN_S", 0.1)
    assert _ask(_GET).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("pieces", [(), (b"\r\n\r\n",)], ids=["silent", "blank"])
def test_a_silent_client_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...]
) -> None:
    """No byte of a request at all: nothing to answer."""
    monkeypatch.setattr(http_limits, "HEAD_WITHIN_S", 0.1)
    assert _ask(*pieces) == b""


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Content-Length: +3\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ],
)
def test_ambiguous_framing_is_400(framing: bytes) -> None:
    """What two readers could cut differently is refused, and nothing behind it is a request."""
    request = b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n0\r\n\r\n" + _GET + b"\r\n"
    said = _ask(request)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
