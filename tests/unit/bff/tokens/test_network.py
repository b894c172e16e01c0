"""Connections to providers end in time, and outlive a DNS that does not answer."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import httpx2
import pytest

from bff.tokens import network
from bff.tokens.network import Names
from bff.tokens.wire import BoundedTransport
from tests.support.fake_provider import DISCOVERY, FakeProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 20
BEAT_S = 0.02
TOTAL_S = 0.5


@contextmanager
def dripping(first: bytes, drip: bytes) -> Iterator[str]:
    """A server that sends *first* and then *drip*, again and again; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            link, _peer = server.accept()
            with link:
                link.recv(65536)
                link.sendall(first)
                try:
                    while not over.wait(BEAT_S):
                        link.sendall(drip)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        over.set()
        thread.join(PATIENCE_S)


@pytest.mark.rule("F-22", "F-33", "F-40")
@pytest.mark.parametrize(
    ("first", "drip"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"H", b"T"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nz\r\n"),
    ],
    ids=["a long header", "many headers", "the first line", "a body", "chunks"],
)
def test_a_reply_that_drips_is_cut(first: bytes, drip: bytes) -> None:
    """Each byte comes in time and the reply never ends: one deadline is over all of it."""
    transport = BoundedTransport(total_s=TOTAL_S)
    timeout = httpx2.Timeout(PATIENCE_S)
    with (
        dripping(first, drip) as url,
        httpx2.Client(transport=transport, timeout=timeout) as client,
        pytest.raises((httpx2.TimeoutException, httpx2.RemoteProtocolError)),
    ):
        client.get(url)


def test_the_next_call_has_a_deadline_of_its_own(
    fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on the connection of the one before: each may take as long as all of them together."""
    transport = BoundedTransport(total_s=PATIENCE_S)
    slept_s = itertools.count(0, PATIENCE_S * 0.6)
    with httpx2.Client(transport=transport, timeout=PATIENCE_S) as client:
        for late_s in itertools.islice(slept_s, 4):
            clock = SimpleNamespace(monotonic=lambda late_s=late_s: time.monotonic() + late_s)
            monkeypatch.setattr(network, "time", clock)
            assert client.get(fake.issuer + DISCOVERY).status_code == 200


def failing(_host: str, _port: int) -> list[str]:
    """Know no name."""
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.mark.rule("F-37")
@pytest.mark.parametrize("fate", ["fails", "hangs"])
def test_the_last_good_address_serves_while_dns_does_not(
    fake: FakeProvider, monkeypatch: pytest.MonkeyPatch, fate: str
) -> None:
    """It was looked up once; then DNS is away, and sign-in goes on."""
    hang, turns = threading.Event(), itertools.count()

    def hanging(host: str, port: int) -> list[str]:
        hang.wait(PATIENCE_S)
        return failing(host, port)

    away = failing if fate == "fails" else hanging

    def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if next(turns) == 0 else away(host, port)

    names = Names(resolve, patience_s=PATIENCE_S)
    url = fake.issuer.replace("127.0.0.1", "provider.example") + DISCOVERY
    for _turn in range(3):
        # A transport of its own each: no kept connection does the work.
        transport = BoundedTransport(names=names)
        with httpx2.Client(transport=transport, timeout=PATIENCE_S) as client:
            assert client.get(url).status_code == 200
        if fate == "hangs":
            monkeypatch.setattr(names, "_patience_s", 0.1)
    hang.set()
    assert next(turns) > 1


@pytest.mark.rule("F-37")
def test_a_name_that_never_was_is_an_outage() -> None:
    """No address, no answer: the same as nobody at home."""
    transport = BoundedTransport(names=Names(failing))
    with (
        httpx2.Client(transport=transport, timeout=PATIENCE_S) as client,
        pytest.raises(httpx2.ConnectError),
    ):
        client.get("https://provider.example/")


@pytest.mark.rule("F-37")
def test_a_name_follows_its_addresses(fake: FakeProvider) -> None:
    """The first that takes a connection serves; a change is followed at the next one."""
    found: list[list[str]] = [["127.0.0.9", "127.0.0.1"], ["127.0.0.1"]]
    names = Names(lambda _host, _port: found.pop(0))
    url = fake.issuer.replace("127.0.0.1", "provider.example") + DISCOVERY
    for _turn in range(2):
        transport = BoundedTransport(names=names)
        with httpx2.Client(transport=transport, timeout=PATIENCE_S) as client:
            assert client.get(url).status_code == 200
    assert found == []


def test_one_lookup_at_a_time_for_a_name() -> None:
    """A herd does not become a herd of lookups."""
    go, began, asked = threading.Event(), threading.Event(), itertools.count()

    def slow(_host: str, _port: int) -> list[str]:
        next(asked)
        began.set()
        go.wait(PATIENCE_S)
        return ["192.0.2.1"]

    names = Names(slow, patience_s=0.01)
    for _caller in range(5):
        with pytest.raises(OSError, match="looked up"):
            names.addresses_of("provider.example", 443)
    assert began.wait(PATIENCE_S)
    go.set()
    assert next(asked) == 1
