"""An upstream that takes its time: slow answers, event streams, and a sink for uploads.

``python -m bench.slow_upstream PORT`` answers

* ``/slow``: 200 after one second;
* ``/events``: ``text/event-stream``, one event at once and one every 15 s until the peer goes;
* ``/sink``: reads the whole body and answers with its length;
* anything else: 200 at once.

It stands behind the strict upstream, which has looked for cookies and tokens already.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

_SLOW_S = 1.0
_EVENT_EVERY_S = 15.0
_EVENT = b"event: tick\ndata: {}\n\n"
_CHUNK = 262_144


def parse_head(head: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the path and the headers (names in lower case) of a request's head."""
    first, *lines = head.split(b"\r\n")
    pairs = (line.split(b":", 1) for line in lines if b":" in line)
    return first.split(b" ")[1], {name.lower(): value.strip() for name, value in pairs}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection until it ends."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            path, headers = parse_head(await reader.readuntil(b"\r\n\r\n"))
            received = await _drain_body(reader, headers)
            if path.endswith(b"/events"):
                await _stream_events(writer)
            else:
                if path.endswith(b"/slow"):
                    await asyncio.sleep(_SLOW_S)
                _answer(writer, b"200 OK", b"%d" % received)
            await writer.drain()
    writer.close()


async def _stream_events(writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    while True:
        writer.write(b"%x\r\n%b\r\n" % (len(_EVENT), _EVENT))
        await writer.drain()
        await asyncio.sleep(_EVENT_EVERY_S)


async def _drain_body(reader: asyncio.StreamReader, headers: dict[bytes, bytes]) -> int:
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return await _drain_chunks(reader)
    left = length = int(headers.get(b"content-length", b"0"))
    while left:
        piece = await reader.read(min(left, _CHUNK))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
    return length


async def _drain_chunks(reader: asyncio.StreamReader) -> int:
    received = 0
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
        received += size
    await reader.readuntil(b"\r\n")
    return received


def _answer(writer: asyncio.StreamWriter, status: bytes, body: bytes) -> None:
    writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


async def main() -> None:
    """Serve on the loopback port of the first argument until stopped."""
    server = await asyncio.start_server(
        serve, "127.0.0.1", int(sys.argv[1]), backlog=4096, limit=_CHUNK
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
