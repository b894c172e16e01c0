"""One worker of all nodes refreshes a session; the others hear what came of it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bff.problems import Unavailable
from bff.tokens.lease import LEASE_S, Leases
from tests.support.fake_provider import TOKEN, FakeProvider, says
from tests.support.token_node import OLD, Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.sessions.model import Ticket, TokenSet
    from tests.support.upstream import Answer, Received


@pytest.mark.rule("F-29")
def test_a_lease_is_given_back_and_ends_by_itself(fake: FakeProvider, node: Node) -> None:
    """A dead node holds a session up for seconds, not for ever (F-29)."""
    ticket = node.sign_in(fake, left_s=-1)
    key = f"refresh:{{{ticket.digest}}}"
    node.ask(ticket)
    assert node.client.exists(key) == 0
    with Leases(node.client).hold(ticket) as held, Leases(node.client).hold(ticket) as second:
        assert (held.is_held, second.is_held) == (True, False)
        assert 0 < node.client.pttl(key) <= LEASE_S * 1000 <= 25_000
    assert node.client.exists(key) == 0


def test_a_waiter_on_another_node_hears_of_a_silent_provider_at_once(
    fake: FakeProvider, node_of: Callable[[], Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not ask once more, nor wait out its own patience: one call, two clear answers."""
    first, second = node_of(), node_of()
    ticket = first.sign_in(fake, left_s=-1)
    seen = first.tokens(ticket)
    asked, waits, go = threading.Event(), threading.Event(), threading.Event()
    load_tokens = second.store.load_tokens

    def looks_again(ticket: Ticket) -> TokenSet | None:
        waits.set()
        return load_tokens(ticket)

    def waits_then_fails(received: Received) -> Answer:
        asked.set()
        go.wait(20)
        return says(503, b"", Retry_After="7")(received)

    fake.misbehave(TOKEN, waits_then_fails)
    with ThreadPoolExecutor(2) as threads:
        holder = threads.submit(lambda: first.lifecycle.renew(ticket, seen).exception(20))
        assert asked.wait(20)
        monkeypatch.setattr(second.store, "load_tokens", looks_again)
        waiter = threads.submit(lambda: second.lifecycle.renew(ticket, seen).exception(20))
        assert waits.wait(20)
        go.set()
        outages = [holder.result(), waiter.result()]
    assert [outage.retry_after_s for outage in outages if isinstance(outage, Unavailable)] == [7, 7]
    assert fake.asked(TOKEN) == 1
    assert first.store.load_tokens(ticket) is not None


@pytest.mark.rule("F-30")
def test_a_lease_is_renewed_for_as_long_as_its_call_runs(fake: FakeProvider, node: Node) -> None:
    """A provider that is slow at every step outlasts no lease, so that nobody else refreshes."""
    ticket = node.sign_in(fake, left_s=-1)
    key = f"refresh:{{{ticket.digest}}}"
    with Leases(node.client, renewed_every_s=0.02).hold(ticket):
        for _time in range(3):
            node.client.pexpire(key, 5_000)
            while node.client.pttl(key) <= 5_000:
                assert node.client.exists(key) == 1
        with Leases(node.client).hold(ticket) as second:
            assert not second.is_held
    assert node.client.exists(key) == 0


def test_a_lost_lease_is_not_renewed(fake: FakeProvider, node: Node) -> None:
    """What somebody else holds by now ends when theirs does."""
    ticket = node.sign_in(fake, left_s=-1)
    key = f"refresh:{{{ticket.digest}}}"
    before = set(threading.enumerate())
    with Leases(node.client, renewed_every_s=0.02).hold(ticket):
        node.client.set(key, "somebody else", px=5_000)
        [renewing] = set(threading.enumerate()) - before
        renewing.join(20)
        assert not renewing.is_alive()
        assert 0 < node.client.pttl(key) <= 5_000


def test_only_the_holder_gives_a_lease_back(fake: FakeProvider, node: Node) -> None:
    """A worker whose lease ran out does not take the next one's away."""
    ticket = node.sign_in(fake, left_s=-1)
    key = f"refresh:{{{ticket.digest}}}"
    with Leases(node.client).hold(ticket):
        node.client.set(key, "somebody else")
    assert node.client.get(key) == b"somebody else"


def test_a_caller_with_a_valid_token_does_not_wait_for_another_node(
    fake: FakeProvider, node: Node
) -> None:
    """While somebody else refreshes ahead of time, the old token is good."""
    ticket = node.sign_in(fake, left_s=5)
    node.client.set(f"refresh:{{{ticket.digest}}}", "another node", ex=15)
    assert node.ask(ticket) == OLD
    assert fake.asked(TOKEN) == 0


@pytest.mark.rule("F-43")
def test_a_caller_whose_token_was_refused_waits_for_another_nodes(
    fake: FakeProvider, node: Node
) -> None:
    """It insists on another token, which the other node is about to store (F-43)."""
    ticket = node.sign_in(fake, left_s=45)
    seen = node.tokens(ticket)
    node.client.set(f"refresh:{{{ticket.digest}}}", "another node", px=300)
    replaced = asyncio.run(node.lifecycle.replacement_for(ticket, seen))
    assert replaced is not None
    assert replaced.access_tokens[""].value != OLD
