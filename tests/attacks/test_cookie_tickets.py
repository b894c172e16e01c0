"""S-034 … S-041, S-044 … S-046: a ticket names one session in one way; nothing else counts."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.browser import exchange
from tests.support.forged_world import forged_world
from tests.support.upstream import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.forged_world import ForgedWorld
    from tests.support.stores import Store
    from tests.support.upstream import Received


@pytest.mark.rule("B-21", "S-034")
@pytest.mark.parametrize("planted", ["A" * 43, "x", "known"])
def test_a_planted_ticket_is_worth_nothing_after_sign_in(forged: ForgedWorld, planted: str) -> None:
    """S-034: sign-in makes a new ticket; the one planted before it stays or becomes dead."""
    if planted == "known":
        planted = forged.signed_in("mallory").ticket() or ""
    visitor = forged.new_visitor()
    visitor.jar.store("localhost", "/", f"session={planted}; Path=/")
    visitor.sign_in("ada")
    assert visitor.ticket() not in {planted, None}
    assert visitor.user().json()["sub"] == "ada"
    answer = forged.ask([f"session={planted}"], "/bff/user")
    assert answer.status == 401 or answer.json()["sub"] == "mallory"


@pytest.mark.rule("B-15", "B-16", "B-17", "S-035")
def test_cookies_are_set_as_strictly_as_can_be(forged: ForgedWorld) -> None:
    """S-035: HttpOnly, Strict, Path=/, no Domain; the transaction Lax; deletion alike."""
    visitor = forged.signed_in()
    visitor.log_out()
    lines = [line for seen in visitor.history for line in seen.header_lines("Set-Cookie")]
    session = [line for line in lines if line.startswith("session=")]
    assert len(session) >= 2, "one sets it and one deletes it"
    for line in session:
        attributes = [part.strip().lower() for part in line.split(";")[1:]]
        assert {"httponly", "path=/", "samesite=strict"} <= set(attributes), line
        assert not any(attribute.startswith("domain") for attribute in attributes), line
    for line in [line for line in lines if line not in session]:
        assert "httponly" in line.lower(), line
        assert re.search("samesite=(lax|strict)", line.lower()), line
    assert visitor.ticket() is None


@pytest.mark.rule("B-15", "B-16", "B-18", "B-19", "S-035")
def test_https_cookies_carry_the_prefix(tmp_path: Path, durable_store: Store) -> None:
    """S-035: with an https address every cookie of ours is ``__Host-`` and Secure."""
    settings = {"public_url": "https://app.example.com"}
    with forged_world(tmp_path, durable_store, **settings) as forged:
        url = f"http://localhost:{forged.bff.settings['port']}"
        host = ("Host", "app.example.com")
        begun = exchange(f"{url}/bff/login?return_to=/", "GET", [host])
        cookies = begun.header_lines("Set-Cookie")
        callback = forged.provider.authorize(begun.location)
        assert callback.startswith("https://app.example.com/bff/callback/")
        brought = "; ".join(line.split(";")[0] for line in cookies)
        path = callback.removeprefix("https://app.example.com")
        landed = exchange(url + path, "GET", [host, ("Cookie", brought)])
        cookies += landed.header_lines("Set-Cookie")
    assert any(line.startswith("__Host-Http-session=") for line in cookies)
    for line in cookies:
        assert line.startswith("__Host-"), line
        assert "; secure" in line.lower(), line
        assert "domain=" not in line.lower(), line
        assert "path=/" in line.lower(), line


@pytest.mark.rule("S-036")
def test_two_cookies_of_our_name_are_nobody(forged: ForgedWorld) -> None:
    """S-036: a tossed cookie must not choose the session, first or last, equal or not."""
    ticket = forged.signed_in().ticket()
    other = forged.signed_in("bob").ticket()
    received = len(forged.upstream.received)
    for lines in (
        [f"session={ticket}; session={other}"],
        [f"session={other}; session={ticket}"],
        [f"session={ticket}", f"session={other}"],
        [f"session={ticket}; session={ticket}"],
        [f"session={ticket}; session="],
    ):
        for path in ("/api/thing", "/bff/user"):
            answer = forged.ask(lines, path)
            assert answer.status == 401, (lines, path)
            assert answer.json()["code"] == "login_required"
    assert len(forged.upstream.received) == received


@pytest.mark.rule("S-037")
@pytest.mark.parametrize(
    "form",
    [
        "=session={ticket}",
        "SESSION={ticket}",
        "Session={ticket}",
        '$Version="1"; session="{ticket}"; $Path="/"',
        "session =x; {ticket}",
        "session[]={ticket}",
        "__Host-Http-session={ticket}",
        'session="{ticket}"',
        "session={ticket}=",
        "session={ticket}A",
        "session= {ticket}x",
        "session={ticket},{ticket}",
        "ses\tsion={ticket}",
        "a=b session={ticket}",
    ],
)
def test_tricks_with_the_name_open_nothing(forged: ForgedWorld, form: str) -> None:
    """S-037: only the exact name with the exact value is a ticket."""
    ticket = forged.signed_in().ticket() or ""
    assert forged.ask([f"session={ticket}"]).status == 200
    assert forged.ask([form.replace("{ticket}", ticket)]).status in {400, 401}


@pytest.mark.rule("S-037")
@pytest.mark.parametrize("name", [b"\xe2\x80\x80session", b"\xc2\x85session", b"\x00session"])
def test_invisible_characters_before_the_name_open_nothing(
    forged: ForgedWorld, name: bytes
) -> None:
    """S-037: no white space but the two that cookies know is taken off the name."""
    ticket = (forged.signed_in().ticket() or "").encode()
    assert forged.ask(name + b"=" + ticket).status in {400, 401}


@pytest.mark.rule("S-038")
def test_other_cookies_of_ours_are_no_tickets(forged: ForgedWorld) -> None:
    """S-038: the transaction's cookie, or any part of it, signs nobody in."""
    visitor = forged.new_visitor()
    visitor.begin()
    values = list(visitor.jar.values())
    assert values, "a sign-in that has begun leaves a cookie"
    for value in values:
        for candidate in (value, *value.split(".")):
            assert forged.ask([f"session={candidate}"]).status == 401
            assert forged.ask([f"session={candidate[:43]}"]).status == 401


@pytest.mark.rule("S-039")
def test_a_request_in_flight_cannot_undo_the_sign_out(forged: ForgedWorld) -> None:
    """S-039: what ends after the sign-out leaves the old ticket dead, and nothing stored."""
    visitor = forged.signed_in()
    ticket = visitor.ticket()
    arrived, released = threading.Event(), threading.Event()

    def slow(_received: Received) -> Answer:
        arrived.set()
        released.wait(60)
        return Answer()

    forged.upstream.answer = slow
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(forged.ask, [f"session={ticket}"])
        assert arrived.wait(30)
        assert visitor.log_out().status == 200
        released.set()
        finished = pending.result()
    assert finished.status == 200
    assert not any("session=" in line for line in finished.header_lines("Set-Cookie"))
    forged.upstream.json_answer({})
    for _ in range(3):
        assert forged.ask([f"session={ticket}"]).status == 401
    assert forged.sessions.count() == 0


@pytest.mark.rule("S-040")
def test_a_slow_request_does_not_bring_old_tokens_back(forged: ForgedWorld) -> None:
    """S-040: tokens renewed while a request is in flight stay renewed."""
    forged.provider.token_reply = {"expires_in": 1}
    visitor = forged.new_visitor()
    visitor.sign_in()
    arrived, released = threading.Event(), threading.Event()

    def slow(received: Received) -> Answer:
        if received.target.startswith(b"/slow"):
            arrived.set()
            released.wait(60)
        return Answer()

    forged.upstream.answer = slow
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(forged.ask, [f"session={visitor.ticket()}"], "/api/slow")
        assert arrived.wait(30)
        forged.provider.token_reply = {}
        assert visitor.api().status == 200
        newest = forged.upstream.last.values("Authorization")
        released.set()
        assert pending.result().status == 200
    assert visitor.api().status == 200
    assert forged.upstream.last.values("Authorization") == newest
    refreshes = [form for form in forged.provider.token_requests() if "refresh_token" in form]
    assert len({form["refresh_token"] for form in refreshes}) == len(refreshes)


@pytest.mark.rule("S-041")
def test_a_ticket_is_dead_at_once_after_sign_out(forged: ForgedWorld) -> None:
    """S-041: the old cookie gets 401 everywhere, and no key is left."""
    visitor = forged.signed_in()
    ticket = visitor.ticket()
    assert visitor.log_out().status == 200
    for path in ("/api/thing", "/bff/user"):
        assert forged.ask([f"session={ticket}"], path).status == 401
    assert forged.sessions.keys() == []


@pytest.mark.rule("S-044")
def test_cancelled_requests_never_mix_people_up(forged: ForgedWorld) -> None:
    """S-044: half of the callers hang up early; each of the others is served as itself."""

    def name_the_caller(received: Received) -> Answer:
        # A digest, because a reply that holds the session's own token is blocked.
        shown = "".join(received.values("Authorization")).encode()
        return Answer(body=hashlib.sha256(shown).hexdigest().encode())

    forged.upstream.answer = name_the_caller
    tokens = {}
    for sub in ("ada", "bob", "eve"):
        visitor = forged.signed_in(sub)
        tokens[visitor.ticket()] = visitor.api().text
    assert len(set(tokens.values())) == 3

    def call(number: int) -> bool:
        ticket, expected = list(tokens.items())[number % 3]
        if number % 2:
            _hang_up(forged, str(ticket))
            return True
        return forged.ask([f"session={ticket}"]).text == expected

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(call, range(600)))


def _hang_up(forged: ForgedWorld, ticket: str) -> None:
    parts = urlsplit(forged.bff.url)
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", parts.port or 0)) as link,
    ):
        head = f"GET /api/thing HTTP/1.1\r\nHost: {parts.netloc}\r\nX-CSRF: 1\r\n"
        link.sendall(f"{head}Cookie: session={ticket}\r\n\r\n".encode())


@pytest.mark.rule("B-22", "S-045")
def test_polling_does_not_outlive_the_absolute_limit(tmp_path: Path, durable_store: Store) -> None:
    """S-045: use moves the idle limit and never the absolute one; the store forgets on its own."""
    limits = {"session": {"idle_ttl_s": 2, "absolute_ttl_s": 4}}
    with forged_world(tmp_path, durable_store, **limits) as forged:
        visitor = forged.signed_in()
        ages = [visitor.user().json()["session"]["absolute_expires_in_s"]]
        while visitor.api().status == 200:
            answer = visitor.user()
            if answer.status == 200:
                ages.append(answer.json()["session"]["absolute_expires_in_s"])
        assert ages == sorted(ages, reverse=True)
        assert ages[0] <= 4
        assert visitor.user().status == 401
        durable_store.program.wait_until(lambda: forged.sessions.keys() == [], within_s=30)


@pytest.mark.rule("S-046")
@pytest.mark.parametrize(
    "cookie",
    [
        "session=" + "A" * 102_400,
        "; ".join(f"session.{number}=x" for number in range(3000)),
        "; ".join(["a=b"] * 20_000),
        "session=" + "".join(chr(code) for code in range(0x80, 0x100)),
        ";;;;;=;=;==;session",
        "session",
        "session=",
    ],
    ids=["100 KiB", "chunks", "many", "binary", "crumbs", "no value", "empty"],
)
def test_strange_cookies_are_refused_without_harm(forged: ForgedWorld, cookie: str) -> None:
    """S-046: size and bytes of a cookie never cost a 5xx, and never a session."""
    bystander = forged.signed_in()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        # A server may close before it has read 100 KiB of head.
        assert forged.ask([cookie]).status in {400, 401, 431}
    assert bystander.api().status == 200
