"""A store that forgot: people sign in once more, and nothing goes round in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.lobby import Lobby


@pytest.mark.rule("F-09", "F-10")
def test_a_flushed_store_is_one_sign_in_for_everybody(lobby: Lobby) -> None:
    """401 for a script, a way in for a person, no cookie taken away; one sign-in mends it."""
    people = {name: lobby.signed_in(name) for name in ("ada", "bob")}
    lobby.redis.flushdb()
    for name, visitor in people.items():
        told = visitor.call("/bff/user")
        assert (told.status_code, told.get_json()["code"]) == (401, "login_required")
        assert "Set-Cookie" not in told.headers
        page = visitor.ask("/")
        assert page.status_code == 200
        assert 'href="/bff/login' in page.text
        assert visitor.sign_in(name).status_code == 200
        assert visitor.call("/bff/user").get_json()["sub"] == name


@pytest.mark.rule("F-09", "F-10")
def test_a_sign_in_under_way_outlives_the_store(lobby: Lobby) -> None:
    """What it must remember is in the browser."""
    visitor = lobby.visitor()
    address = visitor.begin("/there")
    lobby.redis.flushdb()
    landed = visitor.come_back(lobby.fake.callback(address))
    assert landed.status_code == 200
    assert visitor.session() is not None


@pytest.mark.rule("B-11")
def test_two_people_with_one_address_are_two(lobby: Lobby) -> None:
    """A person is issuer and subject; an e-mail address is nobody's name."""
    lobby.fake.claims = {"email": "shared@example.com", "email_verified": True, "sid": None}
    ada, bob = lobby.signed_in("ada"), lobby.signed_in("bob")
    for visitor, name in ((ada, "ada"), (bob, "bob")):
        assert visitor.call("/bff/user").get_json()["sub"] == name
        assert len(visitor.call("/bff/sessions").get_json()["sessions"]) == 1
    assert ada.call("/bff/sessions/revoke-others", "POST").get_json() == {"revoked": 0}
    assert bob.call("/bff/user").status_code == 200
