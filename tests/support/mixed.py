"""Many kinds of calls by several people at once: an upstream that says whose they are, and callers.

Both are small asyncio programs: a million calls must not spend their time in the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_LARGE: Final = b"x" * 40_000
_KINDS: Final = (
    *("whose",) * 12, *("echo",) * 4, *("chunked",) * 2, *("large",) * 2, "slow", "head", "broken",
    *("leave_early", "leave_halfway", "anonymous", "forged"),
)  # fmt: skip
_PATIENCE_S: Final = 30.0


class WhoseUpstream:
    """Answers every call with the name of the person whose token it carries.

    Attributes:
        open_connections: how many there are just now.
    """

    def __init__(self, whose: Callable[[str], str | None]) -> None:
        """*whose* names the person of an access token."""
        self._whose = whose
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self.open_connections = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(30)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_connections += 1
        try:
            while await self._answer(reader, writer):
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the gateway let go
        finally:
            self.open_connections -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _version = lines[0].split(" ")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:-2])
        token = next(
            line[22:] for line in lines if line.lower().startswith("authorization: bearer ")
        )
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        kind = target.rpartition("/")[2].partition("?")[0]
        said = {"sub": self._whose(token), "number": headers.get("x-number"), "size": len(body)}
        text = json.dumps(said).encode()
        if kind == "slow":
            await asyncio.sleep(0.02)
        if kind == "broken":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + text)
            return False
        if kind in {"large", "leave_halfway"}:
            text += _LARGE
        if kind == "chunked":
            pieces = [text[:5], text[5:]]
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
            writer.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
            )
            return True
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text))
        writer.write(b"" if method == "HEAD" else text)
        return True


@dataclass
class Tally:
    """What came of the calls: each kind's outcomes, and every answer that was somebody else's."""

    outcomes: Counter[str] = field(default_factory=Counter)
    mixed_up: list[str] = field(default_factory=list)

    def note(self, kind: str, outcome: object) -> None:
        """Count one."""
        self.outcomes[f"{kind}: {outcome}"] += 1


class Caller:
    """One browser tab after the other, on one connection for as long as it lasts."""

    def __init__(self, port: int, people: dict[str, str], tally: Tally, seed: int) -> None:
        """Call as any of *people*: names by their tickets."""
        self._port = port
        self._people = list(people.items())
        self._tally = tally
        self._random = random.Random(seed)
        self._seed = seed
        self._count = 0
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def call(self, count: int) -> None:
        """Make *count* calls."""
        for _ in range(count):
            async with asyncio.timeout(_PATIENCE_S):
                await self._call()
        await self._leave()

    async def _call(self) -> None:
        kind = self._random.choice(_KINDS)
        ticket, sub = self._random.choice(self._people)
        self._count += 1
        number = f"{self._seed}-{self._count}"
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._request(kind, ticket, number))
        if kind == "leave_early":
            await self._leave()
            self._tally.note(kind, "left")
            return
        try:
            status, body = await self._reply(kind)
        except (OSError, asyncio.IncompleteReadError):
            await self._leave()
            self._tally.note(kind, "cut")
            return
        self._tally.note(kind, status)
        if status == 200 and body:
            said = json.loads(body.rstrip(b"x"))
            if (said["sub"], said["number"]) != (sub, number):
                self._tally.mixed_up.append(f"{sub} {number}: {said}")

    def _request(self, kind: str, ticket: str, number: str) -> bytes:
        method = {"echo": "POST", "head": "HEAD"}.get(kind, "GET")
        body = b"y" * self._random.randrange(1, 3000) if kind == "echo" else b""
        cookie = f"Cookie: session={ticket}\r\n"
        if kind == "anonymous":
            cookie = ""
        elif kind == "forged":
            cookie = f"Cookie: session={ticket[:-4]}AAAA\r\n"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = f"{method} /api/{kind} HTTP/1.1\r\nHost: localhost\r\nX-CSRF: 1\r\n"
        return f"{head}{cookie}X-Number: {number}\r\n{length}\r\n".encode() + body

    async def _reply(self, kind: str) -> tuple[int, bytes]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        if kind == "head":
            return status, b""
        lowered = head.lower()
        if b"\r\ntransfer-encoding: chunked" in lowered:
            return status, await self._chunks()
        length = int(lowered.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
        if kind == "leave_halfway" and status == 200:
            await self._reader.readexactly(length // 2)
            await self._leave()
            return status, b""
        body = await self._reader.readexactly(length)
        if b"\r\nconnection: close" in lowered:
            await self._leave()
        return status, body

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return body

    async def _leave(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
            self._writer = None
