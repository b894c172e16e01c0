"""How long an upstream may take: to accept, to begin, between two bytes, and in all."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from bff.proxy.exchange import TimeLimits
from tests.support.served import Desk, Served, ask, request, route

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.wire import ScriptedUpstream, Wire

    Serve = Callable[..., Served]

LONG = 60.0
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"


def drip(upstream: ScriptedUpstream, head: bytes) -> threading.Event:
    """Let *upstream* answer *head* and then a byte now and then; return what is set at its end."""
    cut = threading.Event()

    def serve(wire: Wire) -> None:
        upstream.take(wire)
        try:
            wire.send(head)
            while not cut.wait(0.05):
                wire.send(b"x")
        finally:
            cut.set()

    upstream.serve = serve
    return cut


def test_address_that_accepts_nothing_is_504(serve: Serve, desk: Desk) -> None:
    """A full backlog: connecting takes as long as its own limit says, whatever the others are."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with socket.create_connection(listener.getsockname()):
            served = serve(route("/full", url, times=TimeLimits(0.3, LONG, LONG)))
            reply = ask(served, request("GET", "/full/x", ticket=desk.sign_in()))
    assert (reply.status, json.loads(reply.body)["code"]) == (504, "upstream_timeout")


def test_first_byte_has_its_own_limit(serve: Serve, desk: Desk, upstream: ScriptedUpstream) -> None:
    """A body may then be as slow as the idle limit lets it."""
    hold = threading.Event()
    upstream.serve = lambda wire: (upstream.take(wire), hold.wait(20), None)[2]
    served = serve(times=TimeLimits(LONG, 0.3, LONG))
    assert ask(served, request(ticket=desk.sign_in())).status == 504
    hold.set()


@pytest.mark.rule("F-40")
def test_body_that_stands_still_is_cut(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Between two bytes: too late for a 504, so that the browser sees an abort."""
    hold = threading.Event()
    upstream.serve = lambda wire: (
        upstream.take(wire),
        wire.sock.send(LENGTH),
        hold.wait(20),
        None,
    )[3]
    served = serve(times=TimeLimits(LONG, LONG, 0.3))
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        with pytest.raises((EOFError, ConnectionError)):
            wire.message()
    hold.set()
    served.stop()
    assert served.lines()[0]["hint"] == "idle within the body"


@pytest.mark.rule("B-31", "F-40")
def test_dripping_body_is_cut_at_the_total(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Every byte comes in time, and the whole never does."""
    cut = drip(upstream, LENGTH)
    served = serve(times=TimeLimits(LONG, LONG, LONG, total_s=2))
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        with pytest.raises((EOFError, ConnectionError)):
            wire.message()
    assert cut.wait(10)
    served.stop()
    assert served.lines()[0]["hint"] == "total time"


def test_event_stream_is_exempt_from_the_total(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Only a limit for streams ends a stream."""
    cut = drip(upstream, EVENTS)
    served = serve(times=TimeLimits(LONG, LONG, 0.1, total_s=1))
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"\r\n\r\n")
        for _ in range(30):  # which take 1.5 s
            assert wire.until(b"x")
        assert not cut.is_set()


def test_event_stream_has_a_limit_where_one_is_set(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """It is cut, and its `EventSource` comes back."""
    cut = drip(upstream, EVENTS)
    served = serve(times=TimeLimits(LONG, LONG, LONG, stream_total_s=1))
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"\r\n\r\n")
        assert cut.wait(10)
