"""A worker that stops: what it has been sent is answered, and then no more."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.served import Desk, Served, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.wire import ScriptedUpstream, Wire

    Serve = Callable[..., Served]


@pytest.mark.rule("F-44")
def test_call_that_was_sent_as_the_worker_stops_is_answered(serve: Serve, desk: Desk) -> None:
    """The connection is idle when the word comes; the call is on its way already (F-44)."""
    served = serve()
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        assert wire.message().status == 200
        served.tell_to_leave()
        wire.send(request(ticket=desk.sign_in()))
        last = wire.message()
        assert (last.status, last.header("connection")) == (200, "close")
        assert wire.receive() == b""


@pytest.mark.rule("F-44")
def test_stream_of_events_does_not_hold_the_worker_up(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """It would be cut at the end of the grace anyway; the browser asks another worker at once."""
    freed = upstream.stream_events()
    served = serve()
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"data: 1\n\n")
        served.tell_to_leave()
        assert b"0\r\n\r\n" not in wire.to_end()
        assert freed.wait(20)


@pytest.mark.rule("F-44")
def test_slow_download_is_still_whole_when_the_worker_stops(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Only what has no end is ended."""
    go_on = threading.Event()

    def download(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nfirst")
        go_on.wait(20)
        wire.send(b"second")

    upstream.serve = download
    served = serve()
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"first")
        served.tell_to_leave()
        go_on.set()
        assert wire.to_end().endswith(b"second\r\n0\r\n\r\n")


@pytest.mark.rule("F-44")
def test_idle_connection_is_closed_soon_after(serve: Serve) -> None:
    """Nobody holds a stopping worker up by saying nothing."""
    served = serve()
    with served.wire() as wire:
        wire.send(request())
        assert wire.message().status == 401
        wire.send(b"OPTIONS * HTTP/1.1\r\nHost: app.example.com\r\n")  # no end, never one
        served.tell_to_leave()
        assert wire.receive() == b""
