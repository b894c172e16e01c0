"""A container is healthy when what it runs is alive."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from launcher.probe import is_healthy
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Party(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        """Answer `/livez` alone."""
        self.send_response(self.status if self.path == "/livez" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def party() -> Iterator[tuple[type[_Party], dict[str, str]]]:
    """A party that is alive, and the environment of its container."""

    class Party(_Party):
        pass

    with HTTPServer(("127.0.0.1", 0), Party) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        ports = {"SSO_PORT": str(server.server_port)}
        ports |= {name: str(free_port()) for name in ("BFF_PORT", "WORKBENCH_PORT")}
        yield Party, ports
        server.shutdown()
        thread.join()


def test_one_living_party_is_healthy(party: tuple[type[_Party], dict[str, str]]) -> None:
    """The other two run in containers of their own."""
    assert is_healthy(party[1])


def test_a_failing_party_is_not(party: tuple[type[_Party], dict[str, str]]) -> None:
    """It listens, and says that it is not well."""
    party[0].status = 500
    assert not is_healthy(party[1])


def test_nothing_at_all_is_not() -> None:
    """No port listens: whatever should run here does not."""
    ports = {name: str(free_port()) for name in ("BFF_PORT", "SSO_PORT", "WORKBENCH_PORT")}
    assert not is_healthy(ports)
