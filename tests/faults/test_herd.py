"""F-27, F-29, F-31: a herd at a token's expiry, over two nodes, costs the provider one call.

Each node is a process of its own; they share a Valkey and nothing else.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.fake_provider import TOKEN
from tests.support.figures import show
from tests.support.nodes import Nodes, running_nodes
from tests.support.upstream import Answer
from tests.support.volley import Reply, ask, volley

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bff.sessions.model import Ticket
    from tests.support.stores import Store
    from tests.support.upstream import Received

EACH = 75
LEASE_ENDS_WITHIN_S = 25
PATIENCE_S = 1.5


@pytest.fixture
def nodes(tmp_path: Path, valkey: Store) -> Iterator[Nodes]:
    """Two nodes over an empty Valkey."""
    valkey.flush()
    with running_nodes(tmp_path, valkey) as nodes:
        yield nodes


class Held:
    """A provider's act that waits for the test: before or after what was asked is done."""

    def __init__(self, nodes: Nodes) -> None:
        self.asked, self.go = threading.Semaphore(0), threading.Event()
        self._provider = nodes.provider

    def then_answers(self, received: Received) -> Answer:
        """Wait, then answer rightly."""
        self._wait()
        return self._provider.answers_rightly(received)

    def rotates_then_hangs(self, received: Received) -> Answer:
        """Do what was asked, and say nothing."""
        self._provider.answers_rightly(received)
        self._wait()
        return Answer(raw=b"")

    def hangs(self, _received: Received) -> Answer:
        """Do nothing and say nothing."""
        self._wait()
        return Answer(raw=b"")

    def _wait(self) -> None:
        self.asked.release()
        self.go.wait(20)


def release_when_all_wait(nodes: Nodes, held: Held, waiting: int) -> None:
    """Let the provider answer once *waiting* calls queue for it, or its patience is at an end."""
    held.asked.acquire(timeout=10)
    deadline = time.monotonic() + PATIENCE_S
    while nodes.waiters() < waiting and time.monotonic() < deadline:
        time.sleep(0.02)
    held.go.set()


def bearers(nodes: Nodes) -> set[str]:
    """Return every token that the upstream was shown."""
    return {received.values("Authorization")[0] for received in nodes.upstream.received}


@pytest.mark.rule("B-34", "F-31")
def test_herd_at_expiry_costs_one_call(nodes: Nodes) -> None:
    """Two nodes, 75 calls each, one token at its end: one refresh, every call served with it."""
    ticket, _tokens = nodes.sign_in(left_s=-1)
    held = Held(nodes)
    nodes.provider.misbehave(TOKEN, held.then_answers)
    releasing = threading.Thread(target=release_when_all_wait, args=(nodes, held, 2 * EACH))
    releasing.start()
    replies = asyncio.run(volley(nodes.ports, EACH, "/api/x", ticket=ticket.encode()))
    releasing.join()
    assert [reply.status for reply in replies] == [200] * 2 * EACH
    assert nodes.provider.asked(TOKEN) == 1
    after = nodes.tokens(ticket)
    assert after is not None
    assert after.generation == 2
    assert bearers(nodes) == {f"Bearer {after.access_tokens[''].value}"}
    show(f"P-4: {len(replies)} calls on two nodes at expiry, 1 token call")


@pytest.mark.rule("F-27")
def test_herd_survives_a_reply_lost_after_rotation(nodes: Nodes) -> None:
    """The provider rotated and its reply was lost: one retry within its grace, nobody notices."""
    ticket, before = nodes.sign_in(left_s=-1)
    nodes.provider.misbehave(TOKEN, nodes.provider.loses_its_reply)
    replies = asyncio.run(volley(nodes.ports, EACH, "/api/x", ticket=ticket.encode()))
    assert [reply.status for reply in replies] == [200] * 2 * EACH
    assert nodes.provider.asked(TOKEN) == 2
    after = nodes.tokens(ticket)
    assert after is not None
    assert nodes.provider.successors == {before.refresh_token: after.refresh_token}


@pytest.mark.rule("F-29")
def test_refreshing_node_is_killed(nodes: Nodes) -> None:
    """Killed before or after the provider rotated: 503 until its lease ends, then as before."""
    held = Held(nodes)
    nodes.provider.misbehave(TOKEN, held.rotates_then_hangs, held.hangs)
    # Two devices of one person: one refresh is under way at the provider, one is done there.
    tickets = [nodes.sign_in(left_s=-1)[0] for _device in range(2)]
    asyncio.run(_ask_until_killed(nodes, held, [ticket.encode() for ticket in tickets]))
    killed_at = time.monotonic()
    held.go.set()
    replies = _until_served(nodes, [ticket.encode() for ticket in tickets], killed_at)
    refused = [reply for reply in replies if reply.status != 200]
    assert refused, "the lease of the dead node held nothing up"
    for reply in refused:
        assert reply.status == 503
        assert int(reply.header("Retry-After") or "") > 0
        assert reply.header("Set-Cookie") is None
    assert [generation_of(nodes, ticket) for ticket in tickets] == [2, 2]
    # Two calls died with the node; then one a session.
    assert nodes.provider.asked(TOKEN) == 4
    assert len(nodes.provider.successors) == 2


def generation_of(nodes: Nodes, ticket: Ticket) -> int:
    """Return the stored generation; the session must live."""
    tokens = nodes.tokens(ticket)
    assert tokens is not None
    return tokens.generation


async def _ask_until_killed(nodes: Nodes, held: Held, tickets: list[str]) -> None:
    """Let the first node begin to refresh each of *tickets*, then kill it."""
    calls = [asyncio.create_task(ask(nodes.ports[0], "/api/x", ticket=one)) for one in tickets]
    for _ticket in tickets:
        assert await asyncio.to_thread(held.asked.acquire, timeout=10)
    nodes.parties[0].program.kill()
    await asyncio.gather(*calls, return_exceptions=True)


def _until_served(nodes: Nodes, tickets: list[str], killed_at: float) -> list[Reply]:
    """Return the second node's answers up to the first volley that is wholly served."""

    async def both() -> list[Reply]:
        volleys = [volley([nodes.ports[1]], 25, "/api/x", ticket=ticket) for ticket in tickets]
        return [reply for replies in await asyncio.gather(*volleys) for reply in replies]

    seen: list[Reply] = []
    while True:
        replies = asyncio.run(both())
        seen += replies
        passed_s = time.monotonic() - killed_at
        if all(reply.status == 200 for reply in replies):
            show(f"P-4: all served {passed_s:.1f} s after the refreshing node was killed")
            return seen
        assert passed_s < LEASE_ENDS_WITHIN_S
