"""1,000 open event streams and 500 one-second calls: does a fast request still get an answer?"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench import load, procfs
from bench.figures import percentile
from bench.rows.client import head, status_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Contender, Run

_STREAMS = 1000
_SLOW_CALLS = 500
_FAST_CONNECTIONS = 4
_FAST_SECONDS = 5
_OPEN_WITHIN_S = 15.0
_AT_ONCE = 50
_SETTLE_S = 2.0
_KIB = 1024


@dataclass
class _Crowd:
    """The visitors who hold streams and wait for slow answers."""

    port: int
    cookies: Sequence[str]
    first_event_s: list[float] = field(default_factory=list)
    slow_answers: int = 0
    slow_bad: int = 0
    connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(
        default_factory=list
    )

    async def ask(self, path: str, number: int) -> asyncio.StreamReader:
        """Open a connection and send one call on it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.connections.append((reader, writer))
        cookie = self.cookies[number % len(self.cookies)] if self.cookies else ""
        writer.write(head("GET", path, self.port, cookie))
        return reader

    async def open_streams(self) -> None:
        """Open the event streams, as many as come within 15 s."""
        gate = asyncio.Semaphore(_AT_ONCE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OPEN_WITHIN_S):
                await asyncio.gather(*(self._open_stream(n, gate) for n in range(_STREAMS)))

    async def _open_stream(self, number: int, gate: asyncio.Semaphore) -> None:
        async with gate:
            started_at = time.perf_counter()
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader = await self.ask("/api/events", number)
                answer = await reader.readuntil(b"event: tick")
                if status_of(answer) == 200:
                    self.first_event_s.append(time.perf_counter() - started_at)

    async def call_slowly(self, number: int) -> None:
        """Make one-second calls, one after the other on one connection, until cancelled."""
        cookie = self.cookies[number % len(self.cookies)] if self.cookies else ""
        call = head("GET", "/api/slow", self.port, cookie)
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                self.connections.append((reader, writer))
                await self._call_again_and_again(reader, writer, call)
            self.slow_bad += 1
            await asyncio.sleep(1)

    async def _call_again_and_again(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: bytes
    ) -> None:
        while True:
            writer.write(call)
            answer = await reader.readuntil(b"\r\n\r\n")
            if status_of(answer) != 200:
                return
            await _skip_body(reader, answer)
            self.slow_answers += 1

    def leave(self) -> None:
        """Close every connection."""
        for _reader, writer in self.connections:
            writer.close()


async def _skip_body(reader: asyncio.StreamReader, answer: bytes) -> None:
    length = re.search(rb"content-length: *(\d+)", answer, re.IGNORECASE)
    if length:
        await reader.readexactly(int(length.group(1)))
    else:
        await reader.readuntil(b"0\r\n\r\n")


async def _through(contender: Contender, run: Run) -> dict[str, float | str]:
    target = contender.target
    crowd = _Crowd(target.port, target.cookies.read_text().splitlines())
    fast = load.Load(_FAST_SECONDS, _FAST_CONNECTIONS, run.others)
    alone = await asyncio.to_thread(load.shoot, target, "small", fast)
    before = procfs.memory_bytes(target.pid)
    await crowd.open_streams()
    with_streams = procfs.memory_bytes(target.pid)
    beside = await asyncio.to_thread(load.shoot, target, "small", fast)
    slow = [asyncio.create_task(crowd.call_slowly(n)) for n in range(_SLOW_CALLS)]
    await asyncio.sleep(_SETTLE_S)
    volley = await asyncio.to_thread(load.shoot, target, "small", fast)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    crowd.leave()
    opened = len(crowd.first_event_s)
    facts: dict[str, float | str] = {
        "event streams open": f"{opened} of {_STREAMS}",
        "slow calls answered": crowd.slow_answers,
        "slow calls failed": crowd.slow_bad,
        "fast requests answered": volley.requests,
        "fast requests failed": volley.bad_status + volley.broken,
        "fast p50 ms": volley.p50_us / 1000,
        "fast p99 ms": volley.p99_us / 1000,
        "fast p99 ms, alone": alone.p99_us / 1000,
        "fast p99 ms, beside the streams": beside.p99_us / 1000,
        "as many times the p99 alone, beside the streams": _times(beside, alone),
        "as many times the p99 alone, beside all": _times(volley, alone),
    }
    if opened:
        facts["first event, p99 ms"] = round(percentile(crowd.first_event_s, 0.99) * 1000, 1)
        facts["memory a stream, KiB"] = round((with_streams - before) / opened / _KIB, 1)
    return facts


def _times(crowded: load.Volley, alone: load.Volley) -> float:
    return round(crowded.p99_us / alone.p99_us, 2) if alone.p99_us else 0.0


def measure(run: Run, contenders: Sequence[Contender]) -> dict[str, dict[str, float | str]]:
    """Return what each contender's fast requests were like beside the crowd."""
    rows = {}
    for contender in contenders:
        run.say(f"streams: {contender.peer.title}")
        rows[f"streams and slow calls: {contender.peer.title}"] = asyncio.run(
            _through(contender, run)
        )
    return rows
