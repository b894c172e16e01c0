"""The stream that tells a page what happens to its session."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from bff.proxy.access_log import AccessLog
from bff.proxy.session_events import SessionEvents
from bff.proxy.session_reader import SessionReader
from bff.sessions.connect import connect
from bff.sessions.scripts import CHANGES
from bff.sessions.step_ups import StepUps
from bff.sessions.store import SessionStore
from bff.sessions.watch import SessionWatch
from httpkit.metrics import HttpMetrics
from tests.support.served import COOKIE, PUBLIC_URL, Desk
from tests.support.stores import Store, valkey_binary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping
    from pathlib import Path

    from bff.sessions.model import Ticket

WITHIN_S = 30.0


class Listener:
    """One request to the stream, and what has come of it."""

    def __init__(self, headers: list[tuple[bytes, bytes]], method: str = "GET") -> None:
        self.scope = {"type": "http", "method": method, "headers": headers}
        self.status = 0
        self.document: dict[str, Any] = {}
        self.finished = asyncio.Event()
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        """Wait until the browser goes away."""
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take what the stream says."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        for line in message["body"].decode().splitlines():
            if line.startswith("data: "):
                self._events.put_nowait(json.loads(line.removeprefix("data: ")))
            elif line.startswith("{"):
                self.document = json.loads(line)
        if not message["more_body"]:
            self.finished.set()

    async def event(self) -> dict[str, Any]:
        """Return the next event."""
        return await asyncio.wait_for(self._events.get(), WITHIN_S)

    def leave(self) -> None:
        """Close the browser's side."""
        self._gone.set()


def own_page(ticket: Ticket | None, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an `EventSource` on our own page."""
    cookie = [(b"cookie", f"{COOKIE.name}={ticket.encode()}".encode())] if ticket else []
    return [(b"sec-fetch-site", b"same-origin"), *cookie, *more]


@asynccontextmanager
async def node(desk: Desk) -> AsyncIterator[SessionEvents]:
    """One worker's stream over the sessions of *desk*."""
    reader = SessionReader(
        desk.url,
        desk.codec,
        load_slowly=desk.store.load_tokens,
        touch=desk.store.touch,
        idle_ttl_s=600,
    )
    watch = SessionWatch(desk.client, expires_in_ms=desk.store.expires_in_ms)
    log = AccessLog(HttpMetrics(CollectorRegistry()), write=lambda _line: None)
    events = SessionEvents(
        public_url=PUBLIC_URL,
        login_url="/bff/login",
        cookie=COOKIE,
        reader=reader,
        watch=watch,
        expires_in_ms=desk.store.expires_in_ms,
        access_log=log,
    )
    try:
        yield events
    finally:
        watch.close()
        events.close()
        await reader.close()
        log.close()


@asynccontextmanager
async def listening(desk: Desk, ticket: Ticket) -> AsyncIterator[Listener]:
    """A page that listens and has been told that its session is active."""
    async with node(desk) as events:
        listener = Listener(own_page(ticket))
        serving = asyncio.create_task(events.serve(listener.scope, listener.receive, listener.send))
        try:
            assert (await listener.event())["state"] == "active"
            yield listener
        finally:
            listener.leave()
            await asyncio.wait_for(serving, WITHIN_S)


def test_stream_ends_when_the_session_is_ended_on_another_node(desk: Desk) -> None:
    """What one node deletes, the page that listens at another hears as its last event."""

    async def story() -> None:
        ticket = desk.sign_in()
        other = Desk(desk.url)
        async with listening(desk, ticket) as listener:
            await asyncio.to_thread(other.store.delete_by_digest, ticket.digest)
            assert (await listener.event())["state"] == "ended"
            await asyncio.wait_for(listener.finished.wait(), WITHIN_S)

    asyncio.run(story())


def test_stream_tells_that_a_service_wants_a_stronger_sign_in(desk: Desk) -> None:
    """Every page of the session hears it, on every node, with the address; the stream goes on."""
    login_url = "/bff/login?acr_values=gold+silver&max_age=0"

    async def story() -> None:
        ticket = desk.sign_in()
        other = StepUps(desk.client)
        async with listening(desk, ticket) as listener:
            other.tell(ticket, login_url)
            assert await listener.event() == {"state": "step_up", "login_url": login_url}
            assert not listener.finished.is_set()
        other.close()

    asyncio.run(story())


def test_stream_survives_what_others_say_on_its_channel(desk: Desk) -> None:
    """Bytes that are no text end neither the listener nor the stream."""

    async def story() -> None:
        ticket = desk.sign_in()
        async with listening(desk, ticket) as listener:
            await asyncio.to_thread(desk.client.publish, CHANGES, b"\xff\xfe \xff")
            await asyncio.to_thread(desk.store.delete_by_digest, ticket.digest)
            assert (await listener.event())["state"] == "ended"

    asyncio.run(story())


def test_stream_tells_a_refresh(desk: Desk) -> None:
    """A replaced token set is told, and the stream goes on."""

    async def story() -> None:
        ticket = desk.sign_in()
        async with listening(desk, ticket) as listener:
            tokens = desk.store.load_tokens(ticket)
            assert tokens is not None
            newer = msgspec.structs.replace(tokens, generation=tokens.generation + 1)
            await asyncio.to_thread(desk.store.replace_tokens, ticket, newer)
            assert (await listener.event())["state"] == "refreshed"
            assert not listener.finished.is_set()

    asyncio.run(story())


def test_stream_ends_when_the_session_runs_out(valkey_url: str) -> None:
    """Nobody deletes an idle session, and still the page hears of its end."""

    async def story() -> None:
        desk = Desk(valkey_url)
        desk.store = SessionStore(desk.client, desk.codec, idle_ttl_s=3, absolute_ttl_s=60)
        async with node(desk) as events:
            listener = Listener(own_page(desk.sign_in()))
            serving = asyncio.create_task(
                events.serve(listener.scope, listener.receive, listener.send)
            )
            assert (await listener.event())["state"] == "expiring"
            assert (await listener.event())["state"] == "ended"
            await asyncio.wait_for(serving, WITHIN_S)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("site", "status", "code"),
    [(b"cross-site", 403, "csrf_failed"), (b"same-origin", 401, "login_required")],
)
def test_stream_is_for_our_own_signed_in_page(
    desk: Desk, site: bytes, status: int, code: str
) -> None:
    """A foreign page is refused before its cookie is read, a stranger after."""

    async def story() -> None:
        ticket = desk.sign_in() if site == b"cross-site" else None
        headers = [(name, value) for name, value in own_page(ticket) if name == b"cookie"]
        async with node(desk) as events:
            listener = Listener([(b"sec-fetch-site", site), *headers])
            await events.serve(listener.scope, listener.receive, listener.send)
            assert (listener.status, listener.document["code"]) == (status, code)

    asyncio.run(story())


def test_outage_of_the_store_is_not_the_end_of_a_session(tmp_path: Path) -> None:
    """The stream stays open while Redis is away, and hears what was ended meanwhile."""
    store = Store(valkey_binary(), tmp_path / "store", durable=True)
    store.start()

    async def story() -> None:
        desk = Desk(store.url)
        ticket = desk.sign_in()
        async with listening(desk, ticket) as listener:
            store.program.stop()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.5):
                    await listener.event()
            await asyncio.to_thread(store.start)
            # Ended behind the channel's back, as while a link is down.
            other = connect(store.url)
            other.delete(ticket.key)
            other.close()
            assert (await listener.event())["state"] == "ended"

    try:
        asyncio.run(story())
    finally:
        store.program.stop()
