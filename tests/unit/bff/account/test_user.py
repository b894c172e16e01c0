"""`/bff/user` tells a page about its own session and nothing about anybody else's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bff.sessions.model import Ticket
from tests.support.lobby import OWN_PAGE, SESSION, Lobby, Visitor

if TYPE_CHECKING:
    from typing import Any


@pytest.fixture
def visitor(lobby: Lobby) -> Visitor:
    """Somebody who is signed in."""
    return lobby.signed_in()


def _user(visitor: Visitor, query: str = "") -> dict[str, Any]:
    reply = visitor.call(f"/bff/user{query}")
    assert reply.status_code == 200
    assert reply.json is not None
    return dict(reply.json)


def test_a_signed_in_page_learns_who_and_how_long(lobby: Lobby, visitor: Visitor) -> None:
    """The members that the contract names, and no others."""
    user = _user(visitor)
    assert user.keys() == {"sub", "iss", "provider", "claims", "session", "logout_url"}
    assert (user["sub"], user["iss"], user["provider"]) == ("ada", lobby.fake.issuer, "sso")
    assert user["claims"]["name"] == "Ada"
    session = user["session"]
    members = {"id", "created_at", "expires_in_s", "absolute_expires_in_s"}
    assert session.keys() == members
    created_at = datetime.fromisoformat(session["created_at"])
    assert created_at.tzinfo is not None
    assert abs((datetime.now(UTC) - created_at).total_seconds()) < 60
    assert 1700 < session["expires_in_s"] <= 1800
    assert 28700 < session["absolute_expires_in_s"] <= 28800
    assert user["logout_url"] == f"/bff/logout?sid={session['id']}"


def test_the_answer_names_neither_ticket_nor_redis_key(visitor: Visitor) -> None:
    """The public id is a digest of a digest."""
    text = visitor.call("/bff/user").text
    assert visitor.ticket is not None
    assert visitor.ticket.public_id in text
    assert visitor.ticket.encode() not in text
    assert visitor.ticket.digest not in text


@pytest.mark.rule("B-33")
@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}])
def test_a_stranger_is_told_where_to_sign_in(lobby: Lobby, headers: dict[str, str]) -> None:
    """401 as a problem document, never a redirect and never a page (B-33)."""
    for ticket in (None, Ticket.new()):
        cookie = {"Cookie": f"{SESSION}={ticket.encode()}"} if ticket else {}
        reply = lobby.visitor().ask("/bff/user", headers={**OWN_PAGE, **headers, **cookie})
        assert reply.status_code == 401
        assert reply.mimetype == "application/problem+json"
        problem = reply.get_json(force=True)
        assert problem["code"] == "login_required"
        assert problem["login_url"] == "/bff/login"
        assert len(problem["request_id"]) == 32
        assert "Set-Cookie" not in reply.headers


@pytest.mark.rule("S-050")
@pytest.mark.parametrize(
    "headers",
    [{}, {**OWN_PAGE, "X-CSRF": "2"}, {**OWN_PAGE, "Origin": "https://evil.example"}],
)
def test_a_foreign_page_learns_nothing(visitor: Visitor, headers: dict[str, str]) -> None:
    """403, and no CORS header that would let it read even that (S-050)."""
    reply = visitor.ask("/bff/user", headers=headers)
    assert reply.status_code == 403
    assert reply.get_json(force=True)["code"] == "csrf_failed"
    assert [name for name in reply.headers.keys() if name.startswith("Access-Control")] == []  # noqa: SIM118


def test_asking_slides_the_idle_expiry(lobby: Lobby, visitor: Visitor) -> None:
    """Unless the page says that it asks only to look."""
    assert visitor.ticket is not None
    key = visitor.ticket.key
    lobby.redis.hincrby(key, "s", -60_001)
    lobby.redis.pexpire(key, 100_000)
    assert _user(visitor, "?slide=false")["session"]["expires_in_s"] <= 100
    assert _user(visitor)["session"]["expires_in_s"] > 1700


@pytest.mark.rule("S-045")
def test_asking_never_slides_beyond_the_absolute_end(lobby: Lobby, visitor: Visitor) -> None:
    """A page that polls is signed out in the end (S-045)."""
    assert visitor.ticket is not None
    key = visitor.ticket.key
    lobby.redis.hincrby(key, "s", -60_001)
    lobby.redis.hincrby(key, "a", -(28800 - 50) * 1000)
    assert _user(visitor)["session"]["expires_in_s"] <= 50


@pytest.mark.parametrize("slide", ["maybe", "", "TRUE", "1"])
def test_slide_is_true_or_false(visitor: Visitor, slide: str) -> None:
    """Anything else is a fault of the page's."""
    assert visitor.call(f"/bff/user?slide={slide}").status_code == 400


@pytest.mark.rule("S-036")
def test_two_cookies_of_our_name_are_nobody(lobby: Lobby, visitor: Visitor) -> None:
    """In one header and in two: 401 (S-036)."""
    assert visitor.ticket is not None
    ours, planted = visitor.ticket.encode(), Ticket.new().encode()
    header = {**OWN_PAGE, "Cookie": f"{SESSION}={ours}; {SESSION}={planted}"}
    assert lobby.visitor().ask("/bff/user", headers=header).status_code == 401
    lines = [(b"cookie", f"{SESSION}={one}".encode()) for one in (ours, planted)]
    scope = {"asgi.scope": {"headers": lines}}
    reply = lobby.visitor().ask("/bff/user", headers=OWN_PAGE, environ_overrides=scope)
    assert reply.status_code == 401


@pytest.mark.rule("F-02")
def test_an_outage_is_not_nobody(lobby: Lobby, visitor: Visitor) -> None:
    """503 with ``Retry-After``, the cookie untouched (F-02)."""
    lobby.redis.config_set("requirepass", "sesame")
    lobby.redis.connection_pool.disconnect()
    try:
        reply = visitor.call("/bff/user")
    finally:
        lobby.redis.connection_pool.connection_kwargs["password"] = "sesame"
        lobby.redis.connection_pool.reset()
        lobby.redis.config_set("requirepass", "")
    assert reply.status_code == 503
    assert reply.get_json(force=True)["code"] == "store_unavailable"
    assert int(reply.headers["Retry-After"]) >= 1
    assert "Set-Cookie" not in reply.headers
