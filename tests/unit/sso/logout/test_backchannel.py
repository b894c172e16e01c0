"""Clients hear that a session ended: each once, soon, again where they were away."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select

from sso.logout.backchannel import EVENT
from sso.storage.grants import LogoutDelivery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sso.logout.backchannel import BackchannelLogout
    from tests.unit.sso.house import House


class Receiver:
    """A client's logout address that keeps what it was sent."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.tokens += parse_qs(body)["logout_token"]
                self.send_response(outer.status)
                if outer.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.server.server_port}/logout"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A client that listens."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


def backchannel(house: House) -> BackchannelLogout:
    """Return the deliverer of *house*."""
    found: BackchannelLogout = house.app.extensions["sso"].services.backchannel
    return found


def sign_out(house: House, receiver: Receiver) -> dict[str, Any]:
    """Sign in to a listening client, sign out, and return the ID token's claims."""
    house.client = house.new_client(first_party=True, backchannel_logout_uri=receiver.uri)
    browser = house.signed_in()
    claims = house.claims(house.tokens(browser)["id_token"])
    house.tokens(browser)
    browser.submit("/account", action="/sign-out")
    return claims


@pytest.mark.rule("A-56")
def test_a_sign_out_reaches_each_client_once(either_house: House, receiver: Receiver) -> None:
    """However many grants it has; with all that the specification asks for."""
    house = either_house
    of_session = sign_out(house, receiver)
    assert backchannel(house).deliver_due() == 1
    assert backchannel(house).deliver_due() == 0
    (token,) = receiver.tokens
    claims = house.claims(token)
    assert claims["sid"] == of_session["sid"]
    assert claims["sub"] == of_session["sub"]
    assert claims["aud"] == house.client.client_id
    assert claims["iss"] == of_session["iss"]
    assert claims["events"] == {EVENT: {}}
    assert 0 < claims["exp"] - claims["iat"] <= 120
    assert claims["jti"]
    assert "nonce" not in claims


@pytest.mark.rule("A-56")
@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_client_that_fails_is_told_again_with_a_fresh_token(
    house: House, receiver: Receiver, status: int
) -> None:
    """Later and later; redirects are not followed."""
    receiver.status = status
    house.clock.stop()
    sign_out(house, receiver)
    assert backchannel(house).deliver_due() == 1
    assert backchannel(house).deliver_due() == 0
    house.clock.pass_s(2)
    receiver.status = 204
    assert backchannel(house).deliver_due() == 1
    house.clock.pass_s(3600)
    assert backchannel(house).deliver_due() == 0
    first, second = (house.claims(token) for token in receiver.tokens)
    assert first["jti"] != second["jti"]


@pytest.mark.rule("A-56")
def test_a_client_that_never_answers_is_given_up(house: House, receiver: Receiver) -> None:
    """Within half an hour."""
    house.clock.stop()
    receiver.status = 500
    sign_out(house, receiver)
    tried = 0
    for _ in range(20):
        tried += backchannel(house).deliver_due()
        house.clock.pass_s(1000)
    assert tried == len(receiver.tokens) == 7


def test_an_address_nobody_listens_at_is_a_failure_and_no_bug(
    house: House, receiver: Receiver
) -> None:
    """Refused connections are retried like any other."""
    house.clock.stop()
    sign_out(house, receiver)
    receiver.server.socket.close()
    assert backchannel(house).deliver_due() == 1
    house.clock.pass_s(2)
    assert backchannel(house).deliver_due() == 1


@pytest.mark.rule("A-56")
def test_a_client_that_trickles_its_answer_is_cut_off_and_keeps_nobody_waiting(
    house: House, receiver: Receiver
) -> None:
    """A byte at a time is always within the time for a byte; the whole has its time, too."""
    over = threading.Event()
    ended_by: list[str] = []

    def trickle(listening: socket.socket) -> None:
        there, _ = listening.accept()
        with there:
            there.recv(65_536)
            there.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            try:
                for _ in range(300):
                    over.wait(0.1)
                    there.sendall(b"x")
                ended_by.append("us")
            except OSError:
                ended_by.append("the deliverer")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=trickle, args=(listening,))
        thread.start()
        uri = f"http://127.0.0.1:{listening.getsockname()[1]}/logout"
        slow = house.new_client(first_party=True, backchannel_logout_uri=uri)
        house.client, browser = slow, house.signed_in()
        house.tokens(browser)
        quick = house.new_client(first_party=True, backchannel_logout_uri=receiver.uri)
        house.client = quick
        house.tokens(browser)
        browser.submit("/account", action="/sign-out")
        assert backchannel(house).deliver_due() == 2
        over.set()
        thread.join()
    assert ended_by == ["the deliverer"]
    assert len(receiver.tokens) == 1
    with house.base.storage.reading() as session:
        assert [row.client_id for row in session.scalars(select(LogoutDelivery))] == [
            slow.client_id
        ]


def test_signing_in_as_somebody_else_tells_the_first_ones_clients(
    house: House, receiver: Receiver
) -> None:
    """One browser, one person: the first session ends wherever it reached."""
    house.client = house.new_client(first_party=True, backchannel_logout_uri=receiver.uri)
    browser = house.signed_in()
    house.tokens(browser)
    house.new_user("grace")
    browser.sign_in("grace")
    assert backchannel(house).deliver_due() == 1


def test_the_thread_delivers_by_itself(house: House, receiver: Receiver) -> None:
    """As the running server does."""
    arrived = threading.Event()
    original = receiver.tokens

    class Noticing(list[str]):
        def __iadd__(self, more: Any) -> Noticing:  # type: ignore[misc,override]  # noqa: ANN401, PYI034
            original.extend(more)
            arrived.set()
            return self

    receiver.tokens = Noticing()
    backchannel(house).start()
    sign_out(house, receiver)
    assert arrived.wait(30)
