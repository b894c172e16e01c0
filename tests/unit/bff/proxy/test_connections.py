"""Connections that are stale, left, endless, of another family or under TLS."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from bff.problems import Unavailable
from bff.proxy.connection import UpstreamConnection
from bff.proxy.exchange import TimeLimits
from bff.settings import UpstreamTls
from tests.support.authority import Authority
from tests.support.served import Desk, Served, ask, request, route
from tests.support.wire import MEGABYTE, OK, ScriptedUpstream, Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[..., Served]


@pytest.mark.parametrize(
    ("method", "body", "status", "sent"), [("GET", b"", 200, 3), ("POST", b"x", 502, 2)]
)
@pytest.mark.rule("F-41")
def test_stale_connection_is_retried_once_where_it_is_safe(
    serve: Serve,
    desk: Desk,
    upstream: ScriptedUpstream,
    method: str,
    body: bytes,
    status: int,
    sent: int,
) -> None:
    """F-41: a GET is sent again, a POST is not."""

    def serve_once(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(OK)
        if len(upstream.requests) == 1:
            upstream.take(wire)  # takes the next and closes without a word
        else:
            upstream.serve_ok(wire)

    upstream.serve = serve_once
    served, ticket = serve(), desk.sign_in()
    assert ask(served, request(ticket=ticket)).status == 200
    assert ask(served, request(method, ticket=ticket, body=body)).status == status
    assert len(upstream.requests) == sent


@pytest.mark.rule("F-39", "F-41")
def test_fresh_connection_that_closes_is_not_retried(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Only staleness is an excuse: the upstream may have acted on what it read."""
    upstream.serve = lambda wire: (upstream.take(wire), None)[1]
    assert ask(serve(), request(ticket=desk.sign_in())).status == 502
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.rule("S-073")
def test_injected_second_reply_answers_nobody(
    serve: Serve,
    desk: Desk,
    upstream: ScriptedUpstream,
    late: bool,  # noqa: FBT001
) -> None:
    """S-073: bytes that nobody asked for close the connection, at once or while it is idle."""
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    go, sent = threading.Event(), threading.Event()

    def inject(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(OK if late else OK + evil)
        if late:
            go.wait(10)
            with contextlib.suppress(OSError):
                wire.send(evil)
            sent.set()
        upstream.serve_ok(wire)

    upstream.serve = inject
    served, ticket = serve(), desk.sign_in()
    assert ask(served, request(ticket=ticket)).body == b"ok"
    if late:
        go.set()
        assert sent.wait(10)
        upstream.serve = upstream.serve_ok
    for _ in range(3):
        assert ask(served, request(ticket=ticket)).body == b"ok"


@pytest.mark.rule("F-42")
def test_gone_browser_frees_the_upstream(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """F-42: nobody works on for a reply that nobody waits for."""
    taken, freed = threading.Event(), threading.Event()

    def wait_for_end(wire: Wire) -> None:
        upstream.take(wire)
        taken.set()
        with contextlib.suppress(OSError):
            wire.to_end()
        freed.set()

    upstream.serve = wait_for_end
    served = serve()
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        assert taken.wait(10)
    assert freed.wait(10)
    served.stop()
    assert served.lines()[0]["status"] == 499


@pytest.mark.rule("F-42")
def test_browser_gone_within_its_body_never_looks_complete(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """A chunked upload that broke off gets no last chunk of our making."""
    begun, outcome = threading.Event(), []

    def listen(wire: Wire) -> None:
        wire.until(b"\r\n\r\n")
        begun.set()
        try:
            outcome.append(wire.to_end())
        except OSError:
            outcome.append(b"")
        done.set()

    done = threading.Event()
    upstream.serve = listen
    with serve().wire() as wire:
        wire.send(request("POST", "/api/x", "Transfer-Encoding: chunked", ticket=desk.sign_in()))
        wire.send(b"3\r\nabc\r\n")
        assert begun.wait(10)
    assert done.wait(10)
    assert b"0\r\n\r\n" not in outcome[0]


@pytest.mark.rule("F-40", "S-118")
def test_endless_reply_waits_for_its_reader(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """F-40: what nobody reads is not gathered in our memory."""
    sent = [0]
    stalled = threading.Event()

    def flood(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        wire.sock.settimeout(1.0)
        try:
            while sent[0] < 200 * MEGABYTE:
                sent[0] += wire.sock.send(b"x" * 65536)
        except TimeoutError:
            stalled.set()

    upstream.serve = flood
    with serve().wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"\r\n\r\n")
        assert stalled.wait(20)
    assert sent[0] < 30 * MEGABYTE  # two sockets' kernel buffers and ours


@pytest.mark.rule("F-40")
def test_endless_upload_waits_for_its_upstream(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """F-40: the browser is read as fast as the upstream reads."""
    hold = threading.Event()
    upstream.serve = lambda wire: (wire.until(b"\r\n\r\n"), hold.wait(20), None)[2]
    with serve(body_limit_bytes=1000 * MEGABYTE).wire() as wire:
        wire.send(request("PUT", "/api/x", "Content-Length: 900000000", ticket=desk.sign_in()))
        sent = 0
        wire.sock.settimeout(1.0)
        with contextlib.suppress(TimeoutError):
            while sent < 200 * MEGABYTE:
                sent += wire.sock.send(b"x" * 65536)
    hold.set()
    assert sent < 30 * MEGABYTE


def test_ipv6_upstream(serve: Serve, desk: Desk) -> None:
    """An address in brackets."""
    upstream = ScriptedUpstream(host="::1")
    served = serve(route("/six", upstream.url))
    assert ask(served, request("GET", "/six/x", ticket=desk.sign_in())).status == 200
    assert upstream.requests[0].header("host") == f"[::1]:{upstream.port}"
    upstream.close()


def test_tls_upstream_is_verified(serve: Serve, desk: Desk, tmp_path: Path) -> None:
    """A certificate of a known authority for the very name; anything else is 502."""
    authority = Authority(tmp_path)
    good = ScriptedUpstream(tls=authority.server("127.0.0.1"))
    misnamed = ScriptedUpstream(tls=authority.server("10.0.0.1"))
    (tmp_path / "other").mkdir()
    stranger = ScriptedUpstream(tls=Authority(tmp_path / "other").server("127.0.0.1"))
    tls = UpstreamTls(ca_file=authority.file)
    served = serve(
        *(route(f"/{n}", u.url, tls=tls) for n, u in enumerate((good, misnamed, stranger)))
    )
    ticket = desk.sign_in()
    statuses = [ask(served, request("GET", f"/{n}/x", ticket=ticket)).status for n in range(3)]
    assert statuses == [200, 502, 502]
    assert not misnamed.requests
    assert not stranger.requests
    for server in (good, misnamed, stranger):
        server.close()


@pytest.mark.rule("F-40")
def test_endless_trailers_of_a_reply_are_broken_off(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """What comes behind the last chunk is dropped, and therefore bounded."""

    def pour(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: ")
        with contextlib.suppress(OSError):
            wire.send(b"x" * 300_000)
            wire.to_end()  # nothing more comes, and nobody is to wait for it

    upstream.serve = pour
    with serve(timeout_s=60).wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"ok\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"0\r\n\r\n" not in wire.to_end()


def test_connection_that_is_lost_as_it_is_made_fails_its_exchange() -> None:
    """Nobody else would tell: it is not among those that are swept."""

    class Pool:
        """Nobody's."""

        def lost(self, _connection: UpstreamConnection) -> None:
            """Take it."""

    async def run() -> None:
        made = UpstreamConnection(memoryview(bytearray(16)), cast("Any", Pool()))
        made.connection_made(asyncio.Transport())
        made.connection_lost(None)
        exchange = made.begin(b"GET / HTTP/1.1\r\n\r\n", TimeLimits(), is_head_request=False)
        async with asyncio.timeout(30):
            with pytest.raises(Unavailable, match="upstream_unreachable"):
                await exchange.head()

    asyncio.run(run())
