"""F-44, F-47: several workers of one node: one is killed, or all are replaced under load."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.support.figures import show
from tests.support.nodes import Nodes, running_nodes
from tests.support.upstream import Answer
from tests.support.volley import ask
from tests.support.worker_processes import children_of, holder_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.stores import Store
    from tests.support.upstream import Received

    Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]

WORKERS = 3
HELD_EACH = 3
HELD_MAX = 500
CALLERS = 8
PAUSE_S = 0.02
PATIENCE_S = 200


@pytest.fixture
def nodes(tmp_path: Path, valkey: Store) -> Iterator[Nodes]:
    """One node of three workers over an empty Valkey."""
    valkey.flush()
    with running_nodes(tmp_path, valkey, count=1, workers=WORKERS) as nodes:
        yield nodes


def workers_of(nodes: Nodes) -> set[int]:
    """Return the process ids of the node's workers."""
    return children_of(nodes.parties[0].program.pid)


@dataclass
class Traffic:
    """Fast calls, one after another and each on a connection of its own."""

    port: int
    ticket: str
    statuses: list[int] = field(default_factory=list)
    broken_begun_at: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self) -> None:
        """Call until it is over; note what came, and when a call that broke had begun."""
        loop = asyncio.get_running_loop()
        while not self.over.is_set():
            begun_at = loop.time()
            try:
                self.statuses.append((await ask(self.port, "/api/x", ticket=self.ticket)).status)
            except OSError:
                self.broken_begun_at.append(begun_at)
            await asyncio.sleep(PAUSE_S)  # workers that start need the processor, too

    async def answered(self, more: int) -> None:
        """Return when *more* calls have been answered from now on."""
        wanted = len(self.statuses) + more
        async with asyncio.timeout(PATIENCE_S):
            while len(self.statuses) < wanted:  # noqa: ASYNC110 - a count, not an event
                await asyncio.sleep(0.01)


class Upstream:
    """Holds what asks for `/held` until it is let go."""

    def __init__(self) -> None:
        self.go, self.arrived = threading.Event(), threading.Semaphore(0)

    def answer(self, received: Received) -> Answer:
        """Answer, at once or late."""
        if received.target == b"/held":
            self.arrived.release()
            self.go.wait(60)
        return Answer()


@pytest.mark.timeout(480)
@pytest.mark.rule("F-47")
def test_killed_worker_takes_only_its_own_calls_along(nodes: Nodes) -> None:
    """Calls held by the other workers end well, new ones are served, and a new worker comes."""
    upstream = Upstream()
    nodes.upstream.answer = upstream.answer
    ticket, port = nodes.sign_in()[0].encode(), nodes.ports[0]

    async def story() -> tuple[dict[str, int], Traffic]:
        traffic = Traffic(port, ticket)
        callers = [asyncio.create_task(traffic.call()) for _ in range(CALLERS)]
        await traffic.answered(50)
        before = workers_of(nodes)
        links: list[Link] = []
        holders: list[int | None] = []
        # Whichever worker is awake takes a connection: until each of them holds some.
        while min(holders.count(worker) for worker in before) < HELD_EACH:
            links.append(await asyncio.open_connection("127.0.0.1", port))
            links[-1][1].write(_held(ticket))
            assert await asyncio.to_thread(upstream.arrived.acquire, timeout=PATIENCE_S)
            client_port = links[-1][1].get_extra_info("sockname")[1]
            holders.append(holder_of(port, client_port, before))
            assert len(links) < HELD_MAX
        victim = max(before, key=holders.count)
        os.kill(victim, signal.SIGKILL)
        killed_at = asyncio.get_running_loop().time()
        await traffic.answered(200)
        upstream.go.set()
        heads = [await _head(reader) for reader, _ in links]
        for _, writer in links:
            writer.close()
        while len(workers_of(nodes) - {victim}) < WORKERS:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
        await traffic.answered(50)
        traffic.over.set()
        await asyncio.gather(*callers)
        lost = [holder for holder, head in zip(holders, heads, strict=True) if b" 200 " not in head]
        assert lost == [victim] * holders.count(victim)
        assert len(lost) < len(links)
        assert all(begun_at <= killed_at for begun_at in traffic.broken_begun_at)
        return {"held": len(links), "by it": len(lost)}, traffic

    held, traffic = asyncio.run(story())
    assert set(traffic.statuses) == {200}
    assert len(traffic.broken_begun_at) <= CALLERS
    show(
        f"one of {WORKERS} workers killed: {held['by it']} of {held['held']} held calls were its"
        f" own and broke, {len(traffic.broken_begun_at)} of"
        f" {len(traffic.statuses) + len(traffic.broken_begun_at)} fast ones with them"
    )


@pytest.mark.timeout(480)
@pytest.mark.rule("F-44")
def test_workers_are_replaced_one_by_one_and_no_call_fails(nodes: Nodes) -> None:
    """SIGHUP to the node: every worker is another process afterwards."""
    ticket, port = nodes.sign_in()[0].encode(), nodes.ports[0]

    async def story() -> Traffic:
        traffic = Traffic(port, ticket)
        callers = [asyncio.create_task(traffic.call()) for _ in range(CALLERS)]
        await traffic.answered(20)
        before = workers_of(nodes)
        os.kill(nodes.parties[0].program.pid, signal.SIGHUP)
        async with asyncio.timeout(PATIENCE_S):
            after = workers_of(nodes)
            while len(after) < WORKERS or after & before:
                await asyncio.sleep(0.05)
                after = workers_of(nodes)
        await traffic.answered(50)
        traffic.over.set()
        await asyncio.gather(*callers)
        return traffic

    traffic = asyncio.run(story())
    assert set(traffic.statuses) == {200}
    assert traffic.broken_begun_at == []
    show(f"{WORKERS} workers replaced under load: {len(traffic.statuses)} calls, 0 failed")


def _held(ticket: str) -> bytes:
    head = f"GET /api/held HTTP/1.1\r\nHost: localhost\r\nX-CSRF: 1\r\nCookie: session={ticket}\r\n"
    return f"{head}\r\n".encode()


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Return the reply's head, or nothing where the connection broke."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await reader.readuntil(b"\r\n\r\n")
    except (OSError, asyncio.IncompleteReadError):
        return b""
