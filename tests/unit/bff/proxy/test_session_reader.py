"""The session read: fast, never mixed up, and an outage is never "not logged in"."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from typing import TYPE_CHECKING

import pytest

from bff.problems import Unavailable
from bff.proxy.session_reader import SessionReader
from tests.support.served import Desk
from tests.support.wire import ScriptedUpstream, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.sessions.model import Ticket, TokenSet
    from tests.support.stores import Store


def reader_of(
    desk: Desk,
    *,
    url: str | None = None,
    load_slowly: Callable[[Ticket], TokenSet | None] | None = None,
    touch: Callable[[Ticket], object] | None = None,
) -> SessionReader:
    """Return a reader whose long way round fails unless given."""
    return SessionReader(
        url or desk.url,
        desk.codec,
        load_slowly=load_slowly or _never,
        touch=touch or (lambda _ticket: None),
        idle_ttl_s=600,
    )


def _never(_ticket: Ticket) -> TokenSet | None:
    raise AssertionError("the long way round was taken")


def token_in(tokens: TokenSet | None) -> str | None:
    """Return the token's value."""
    token = tokens.access_token() if tokens else None
    return token.value if token else None


def test_concurrent_reads_share_one_connection(desk: Desk) -> None:
    """A hundred readers, one link, each the own session's token."""
    tickets = {f"token-number-{i:032d}": desk.sign_in(f"token-number-{i:032d}") for i in range(100)}
    before = desk.client.info("stats")["total_connections_received"]

    async def run() -> list[str | None]:
        reader = reader_of(desk)
        found = await asyncio.gather(*(reader.load(ticket) for ticket in tickets.values()))
        await reader.close()
        return [token_in(tokens) for tokens in found]

    assert asyncio.run(run()) == list(tickets)
    assert desk.client.info("stats")["total_connections_received"] - before == 1


@pytest.mark.rule("S-044")
def test_cancelled_read_never_gives_its_reply_to_another(desk: Desk) -> None:
    """S-044: thousands of reads, a third of them given up at any point, none mixed up."""
    chance = random.Random(7)
    tickets = {f"token-number-{i:032d}": desk.sign_in(f"token-number-{i:032d}") for i in range(20)}

    async def read(reader: SessionReader, token: str) -> None:
        assert token_in(await reader.load(tickets[token])) == token

    async def run() -> int:
        reader = reader_of(desk)
        cancelled = 0
        for _ in range(100):
            tasks = [
                asyncio.create_task(read(reader, chance.choice(list(tickets)))) for _ in range(30)
            ]
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            for task in chance.sample(tasks, 10):
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                assert outcome is None or isinstance(outcome, asyncio.CancelledError)
                cancelled += outcome is not None
        await reader.close()
        return cancelled

    assert asyncio.run(run()) > 100


@pytest.mark.rule("F-02", "F-03")
def test_restarted_server_is_found_again_at_once(durable_store: Store) -> None:
    """F-02, F-03: an outage says so, and the first request after it works."""
    desk = Desk(durable_store.url)
    ticket = desk.sign_in()

    async def run() -> None:
        reader = reader_of(desk)
        assert await reader.load(ticket)
        durable_store.program.kill()
        with pytest.raises(Unavailable) as outage:
            await reader.load(ticket)
        assert outage.value.problem.code == "store_unavailable"
        assert outage.value.retry_after_s >= 1
        await asyncio.to_thread(durable_store.start)
        assert token_in(await reader.load(ticket))
        await asyncio.to_thread(durable_store.program.kill)
        await asyncio.to_thread(durable_store.start)
        assert token_in(await reader.load(ticket)), "the dead link was noticed only on use"
        await reader.close()

    asyncio.run(run())


@pytest.mark.rule("F-04")
def test_frozen_server_is_given_up_in_time(durable_store: Store) -> None:
    """F-04: a server that accepts and never answers costs a bounded wait, shared by all."""
    desk = Desk(durable_store.url)
    ticket = desk.sign_in()

    async def run() -> None:
        reader = reader_of(desk)
        assert await reader.load(ticket)
        durable_store.program.pause()
        outcomes = await asyncio.gather(
            *(reader.load(ticket) for _ in range(50)), return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        durable_store.program.resume()
        assert token_in(await reader.load(ticket))
        await reader.close()

    asyncio.run(run())


@pytest.mark.rule("F-12")
@pytest.mark.parametrize("reply", [b"-LOADING wait\r\n", b"-NOAUTH who\r\n", b"-MASTERDOWN x\r\n"])
def test_reply_of_a_server_that_cannot_serve_is_an_outage(desk: Desk, reply: bytes) -> None:
    """F-12: it lives, but it says that it cannot answer now."""
    server = scripted(reply)

    async def run() -> None:
        reader = reader_of(desk, url=f"redis://127.0.0.1:{server.port}")
        with pytest.raises(Unavailable):
            await reader.load(desk.sign_in())
        await reader.close()

    asyncio.run(run())
    server.close()


@pytest.mark.rule("F-07")
@pytest.mark.parametrize("reply", [b"-MOVED 1 10.0.0.1:6379\r\n", b"-ERR odd\r\n", b":1\r\n"])
def test_unusual_reply_goes_the_long_way_round(desk: Desk, reply: bytes) -> None:
    """F-07: the store's own client knows clusters and the rest."""
    server, ticket = scripted(reply), desk.sign_in()

    async def run() -> str | None:
        reader = reader_of(
            desk, url=f"redis://127.0.0.1:{server.port}", load_slowly=desk.store.load_tokens
        )
        try:
            return token_in(await reader.load(ticket))
        finally:
            await reader.close()

    assert asyncio.run(run())
    server.close()


def test_reply_out_of_step_ends_the_link(desk: Desk) -> None:
    """Two replies to one question: nothing that comes later on this link is trusted."""
    server = scripted(b":-2\r\n$-1\r\n$-1\r\n")

    async def run() -> None:
        reader = reader_of(desk, url=f"redis://127.0.0.1:{server.port}")
        assert await reader.load(desk.sign_in()) is None
        assert await reader.load(desk.sign_in()) is None
        await reader.close()

    asyncio.run(run())
    assert server.connections == 2
    server.close()


def test_credentials_and_database_are_sent_first(desk: Desk) -> None:
    """What the address says, before the first question."""
    heard: list[bytes] = []

    def serve(wire: Wire) -> None:
        for _ in range(2):
            heard.append(wire.receive())
            wire.send(b"+OK\r\n")
        heard.append(wire.receive())
        wire.send(b":-2\r\n$-1\r\n")
        wire.receive()

    server = ScriptedUpstream()
    server.serve = serve

    async def run() -> None:
        reader = reader_of(desk, url=f"redis://user:p%40ss@127.0.0.1:{server.port}/2")
        assert await reader.load(desk.sign_in()) is None
        await reader.close()

    asyncio.run(run())
    server.close()
    assert heard[0] == b"*3\r\n$4\r\nAUTH\r\n$4\r\nuser\r\n$4\r\np@ss\r\n"
    assert heard[1] == b"*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n"
    assert heard[2].startswith(b"*2\r\n$4\r\nPTTL\r\n")


def test_idle_expiry_slides_once_in_its_interval(desk: Desk) -> None:
    """Many reads, one touch a session that needs it; a failing touch fails nobody."""
    touched: list[str] = []
    done = threading.Event()

    def touch(ticket: Ticket) -> None:
        touched.append(ticket.digest)
        done.set()
        raise OSError("not now")

    first, second, new = desk.sign_in(), desk.sign_in(), desk.sign_in()
    for ticket in (first, second):
        desk.client.pexpire(ticket.key, 530_000)

    async def run() -> None:
        reader = reader_of(desk, touch=touch)
        for _ in range(20):
            assert await reader.load(first)
            assert await reader.load(new)
        assert await reader.load(second)
        await reader.close()

    asyncio.run(run())
    assert sorted(touched) == sorted([first.digest, second.digest])


def test_touch_really_slides(desk: Desk) -> None:
    """The store's touch moves the key's expiry."""
    ticket = desk.sign_in()
    desk.client.pexpire(ticket.key, 50_000)
    desk.client.hset(ticket.key, "s", int(time.time() * 1000) - 120_000)

    async def run() -> None:
        reader = reader_of(desk, touch=desk.store.touch)
        assert await reader.load(ticket)
        await reader.close()

    asyncio.run(run())
    assert int(desk.client.pttl(ticket.key)) > 500_000


def test_sentinel_and_cluster_go_the_long_way_round(desk: Desk) -> None:
    """One link would know one node."""
    ticket = desk.sign_in()

    async def run() -> str | None:
        reader = reader_of(
            desk, url="redis+cluster://127.0.0.1:1", load_slowly=desk.store.load_tokens
        )
        try:
            return token_in(await reader.load(ticket))
        finally:
            await reader.close()

    assert asyncio.run(run())


def scripted(reply: bytes) -> ScriptedUpstream:
    """Return a server that answers every command with *reply*."""

    def serve(wire: Wire) -> None:
        while wire.receive():
            wire.send(reply if reply.startswith(b":-2") else b":1000\r\n" + reply)

    server = ScriptedUpstream()
    server.serve = serve
    return server
