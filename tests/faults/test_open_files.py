"""F-47: a worker that could run out of open files says so in time."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support import needs, parties
from tests.support.programs import answers
from tests.support.wire import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.parties import Party
    from tests.support.stores import Store

FILES = 400
PROVIDER = {"name": "sso", "issuer": "http://127.0.0.1:9", "client_id": "c", "client_secret": "s"}
CALL = b"GET /api/x HTTP/1.1\r\nHost: localhost\r\nX-CSRF: 1\r\n\r\n"


@pytest.fixture
def frugal(tmp_path: Path, valkey: Store) -> Iterator[Party]:
    """A gateway that the system lets have 400 open files."""
    party = parties.bff(
        tmp_path / "bff",
        redis_url=valkey.url,
        providers=[PROVIDER],
        routes=[{"path": "/api", "upstream": "http://127.0.0.1:9"}],
        limits={"connections_per_address": 10 * FILES},
    )
    limiter = needs.program("prlimit", package="util-linux")
    party.program.command = [limiter, f"--nofile={FILES}:{FILES}", *party.program.command]
    party.start("/livez")
    yield party
    party.program.stop()


@pytest.mark.rule("F-47")
def test_open_files_never_run_out(frugal: Party) -> None:
    """Silent connections beyond the room: 503 for the next ones, /livez alive, then as before."""
    port = int(frugal.settings["port"])
    with contextlib.ExitStack() as stack:
        for _ in range(2 * FILES):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        with connect(port) as wire:
            wire.send(CALL)
            refused = wire.message()
        assert refused.status == 503
        assert json.loads(refused.body)["code"] == "too_many_connections"
        assert answers(f"{frugal.url}/livez")
    frugal.program.wait_until(lambda: _status(port) == 401)
    assert "Too many open files" not in frugal.program.log()


def _status(port: int) -> int:
    """Return the status of a call without a session; 0 where there is no answer."""
    with contextlib.suppress(OSError, EOFError), connect(port) as wire:
        wire.send(CALL)
        return wire.message().status
    return 0
