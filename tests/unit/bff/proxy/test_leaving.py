"""A worker that stops: what it has been sent is answered, and then no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.served import Desk, Served, request

if TYPE_CHECKING:
    from collections.abc import Callable

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
def test_idle_connection_is_closed_soon_after(serve: Serve) -> None:
    """Nobody holds a stopping worker up by saying nothing."""
    served = serve()
    with served.wire() as wire:
        wire.send(request())
        assert wire.message().status == 401
        wire.send(b"OPTIONS * HTTP/1.1\r\nHost: app.example.com\r\n")  # no end, never one
        served.tell_to_leave()
        assert wire.receive() == b""
