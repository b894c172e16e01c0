"""Signing out: by script, by form, by link; the session first, nobody else's ever."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from bff.sessions.model import Ticket
from tests.support.fake_provider import DISCOVERY, REVOKE, says
from tests.support.lobby import OWN_PAGE, PUBLIC_URL, SESSION, Lobby, Visitor

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

FORM = {"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL, "Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def visitor(lobby: Lobby) -> Visitor:
    """Somebody who is signed in."""
    return lobby.signed_in()


def _form_token(visitor: Visitor) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', visitor.ask("/").text)
    assert found is not None
    return found[1]


def _signed_out(lobby: Lobby, visitor: Visitor, old: Ticket | None) -> None:
    """Assert that the session is gone, the cookie taken back and the refresh token revoked."""
    assert old is not None
    assert visitor.ticket is None
    assert lobby.parts.store.load(old) is None
    lobby.parts.logout.close()
    assert lobby.fake.asked(REVOKE) == 1


def _leads_to_the_provider_once(lobby: Lobby, visitor: Visitor, address: str) -> None:
    """Assert that *address* is local, hides the ID token, and is good for one navigation."""
    assert address.startswith("/bff/logout/")
    first, second = visitor.ask(address), visitor.ask(address)
    assert (first.status_code, second.status_code) == (303, 303)
    target = urlsplit(first.headers["Location"])
    asked = {name: values[0] for name, values in parse_qs(target.query).items()}
    assert f"{target.scheme}://{target.netloc}" == lobby.fake.issuer
    assert target.path == "/end"
    assert asked["post_logout_redirect_uri"] == f"{PUBLIC_URL}/"
    assert asked["id_token_hint"].count(".") == 2
    assert first.headers["Referrer-Policy"] == "no-referrer"
    assert second.headers["Location"] == "/"


@pytest.mark.rule("B-39")
def test_a_script_signs_out(lobby: Lobby, visitor: Visitor) -> None:
    """200 with a local address; no script ever sees the ID token (B-39)."""
    old, session = visitor.ticket, visitor.session()
    reply = visitor.call("/bff/logout", "POST")
    assert reply.status_code == 200
    assert reply.json is not None
    assert session is not None
    assert str(session.tokens.id_token) not in reply.text
    _signed_out(lobby, visitor, old)
    _leads_to_the_provider_once(lobby, visitor, reply.json["logout_url"])


@pytest.mark.rule("B-28", "B-39")
def test_a_form_signs_out(lobby: Lobby, visitor: Visitor) -> None:
    """303, without a script; the field is bound to this very session."""
    old, token = visitor.ticket, _form_token(visitor)
    reply = visitor.ask("/bff/logout", "POST", data={"csrf_token": token}, headers=FORM)
    assert reply.status_code == 303
    _signed_out(lobby, visitor, old)
    _leads_to_the_provider_once(lobby, visitor, reply.headers["Location"])


def test_a_link_that_names_the_session_signs_out(lobby: Lobby, visitor: Visitor) -> None:
    """``logout_url`` of ``/bff/user`` is such a link."""
    old = visitor.ticket
    user = visitor.call("/bff/user").json
    assert user is not None
    reply = visitor.ask(user["logout_url"])
    assert reply.status_code == 303
    _signed_out(lobby, visitor, old)


@pytest.mark.rule("S-052")
@pytest.mark.parametrize("sid", ["", "0" * 32, "sid-1", "ticket", "digest", "other"])
def test_a_link_that_names_another_session_changes_nothing(
    lobby: Lobby, visitor: Visitor, sid: str
) -> None:
    """400: an ``<img>`` of somebody's signs nobody out (S-052)."""
    assert visitor.ticket is not None
    known = {"ticket": visitor.ticket.encode(), "digest": visitor.ticket.digest}
    other = lobby.signed_in("bob").ticket
    assert other is not None
    known["other"] = other.public_id
    reply = visitor.ask(f"/bff/logout?sid={known.get(sid, sid)}")
    assert reply.status_code == 400
    assert "Set-Cookie" not in reply.headers
    assert visitor.session() is not None
    assert lobby.sessions() == 2


def test_a_link_from_a_foreign_page_carries_no_ticket(lobby: Lobby, visitor: Visitor) -> None:
    """The Strict cookie stays at home, so that even the right sid signs nobody out."""
    assert visitor.ticket is not None
    reply = visitor.ask(f"/bff/logout?sid={visitor.ticket.public_id}", cross_site=True)
    assert reply.status_code == 400
    assert visitor.session() is not None


@pytest.mark.rule("S-047", "S-049")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF": "0"},
        {"X-CSRF": "1", "Origin": "https://evil.example"},
        {"X-CSRF": "1", "Origin": "null"},
        {"X-CSRF": "1", "Sec-Fetch-Site": "same-site"},
        {"X-CSRF": "1", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_script_of_a_foreign_page_signs_nobody_out(
    lobby: Lobby, visitor: Visitor, headers: dict[str, str]
) -> None:
    """403 before anything is read (S-047, S-049)."""
    reply = visitor.ask("/bff/logout", "POST", headers=headers)
    assert reply.status_code == 403
    assert "Set-Cookie" not in reply.headers
    assert visitor.session() is not None


@pytest.mark.rule("B-28")
@pytest.mark.parametrize("token", ["", "guessed", "other", "\U0001f600"])
def test_a_form_with_a_wrong_field_signs_nobody_out(
    lobby: Lobby, visitor: Visitor, token: str
) -> None:
    """Guessed, or of another session's page: 403."""
    if token == "other":
        token = _form_token(lobby.signed_in("bob"))
    reply = visitor.ask("/bff/logout", "POST", data={"csrf_token": token}, headers=FORM)
    assert reply.status_code == 403
    assert visitor.session() is not None


def test_a_form_from_before_a_key_rotation_still_signs_out(visitor: Visitor, lobby: Lobby) -> None:
    """Its field was made under the key that is now the second."""
    token = _form_token(visitor)
    forms = type(lobby.parts.forms)(type(lobby.parts.ring)(["n" * 40, "k" * 40]))
    assert visitor.ticket is not None
    forms.require(visitor.ticket, token)


def test_signing_out_twice_is_no_fault(lobby: Lobby, visitor: Visitor) -> None:
    """The second time there is nothing to end and nowhere to go."""
    assert visitor.call("/bff/logout", "POST").status_code == 200
    again = visitor.call("/bff/logout", "POST")
    assert (again.status_code, again.json) == (200, {"logout_url": None})
    lobby.parts.logout.close()
    assert lobby.fake.asked(REVOKE) == 1


@pytest.mark.rule("S-048")
def test_a_get_without_sid_and_other_methods_change_nothing(lobby: Lobby, visitor: Visitor) -> None:
    """Neither GET, HEAD, nor an overridden method (S-048)."""
    for method in ("GET", "HEAD", "DELETE", "PUT"):
        assert visitor.ask("/bff/logout", method).status_code in {400, 405}
    override = {"X-HTTP-Method-Override": "POST", **OWN_PAGE}
    assert visitor.ask("/bff/logout", headers=override).status_code == 400
    assert lobby.sessions() == 1


@pytest.mark.rule("S-036")
def test_two_cookies_of_our_name_sign_nobody_out(lobby: Lobby, visitor: Visitor) -> None:
    """401, and the session lives (S-036)."""
    assert visitor.ticket is not None
    doubled = f"{SESSION}={visitor.ticket.encode()}; {SESSION}={Ticket.new().encode()}"
    virgin = lobby.visitor()
    reply = virgin.ask("/bff/logout", "POST", headers={**OWN_PAGE, "Cookie": doubled})
    assert reply.status_code == 401
    assert visitor.session() is not None


@pytest.mark.rule("F-02")
def test_while_redis_takes_no_word_nobody_is_told_that_they_are_signed_out(
    lobby: Lobby, visitor: Visitor
) -> None:
    """503, and the cookie stays: the session may still live (F-02)."""
    lobby.redis.config_set("requirepass", "sesame")
    lobby.redis.connection_pool.disconnect()
    try:
        reply = visitor.call("/bff/logout", "POST")
    finally:
        lobby.redis.connection_pool.connection_kwargs["password"] = "sesame"
        lobby.redis.connection_pool.reset()
        lobby.redis.config_set("requirepass", "")
    assert reply.status_code == 503
    assert int(reply.headers["Retry-After"]) >= 1
    assert "Set-Cookie" not in reply.headers


@pytest.mark.rule("B-46")
@pytest.mark.parametrize("offered", [None, "down"])
def test_a_provider_without_end_session_leads_home(lobby: Lobby, offered: str | None) -> None:
    """Signed out here is signed out here (B-46)."""
    lobby.fake.metadata = {"end_session_endpoint": None}
    visitor = lobby.signed_in()
    if offered == "down":
        lobby.fake.misbehave(DISCOVERY, says(503))
    reply: TestResponse = visitor.call("/bff/logout", "POST")
    assert reply.json == {"logout_url": None}
    assert lobby.sessions() == 0


def test_a_revocation_that_fails_keeps_nobody_signed_in(lobby: Lobby, visitor: Visitor) -> None:
    """It is logged and that is all."""
    lobby.fake.misbehave(REVOKE, says(500))
    assert visitor.call("/bff/logout", "POST").status_code == 200
    assert lobby.sessions() == 0
    lobby.parts.logout.close()
    assert lobby.fake.asked(REVOKE) == 1
