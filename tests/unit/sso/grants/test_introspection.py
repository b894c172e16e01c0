"""Who may ask about a token, and what they learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.sso.house import App, House

AUDIENCE = "http://127.0.0.1:7000"


def introspect(house: House, token: str, app: App | None = None) -> dict[str, Any]:
    """Ask about *token* as *app*."""
    client = app or house.client
    form = {"client_id": client.client_id, "client_secret": client.client_secret, "token": token}
    response = house.app.test_client().post("/oauth/introspect", data=form)
    assert response.status_code == 200, response.text
    return dict(response.json or {})


@pytest.mark.rule("A-38")
def test_a_client_learns_about_its_own_tokens(either_house: House) -> None:
    """Access and refresh tokens, in the specification's words."""
    house = either_house
    tokens = house.tokens()
    access = introspect(house, tokens["access_token"])
    assert access["active"] is True
    assert access["sub"] == house.user.sub
    assert access["client_id"] == house.client.client_id
    assert access["aud"] == AUDIENCE
    assert access["username"] == "ada"
    refresh = introspect(house, tokens["refresh_token"])
    assert refresh["active"] is True
    assert refresh["token_type"] == "refresh_token"


@pytest.mark.rule("A-38", "S-098")
def test_everything_else_is_only_inactive(house: House) -> None:
    """Unknown, expired, revoked, used and not-yours cannot be told apart."""
    tokens = house.tokens()
    used = house.tokens()["refresh_token"]
    house.refresh(used)
    for token in ("x", "a.b.c", used, tokens["id_token"]):
        assert introspect(house, token) == {"active": False}
    stranger = house.new_client()
    for kind in ("access_token", "refresh_token"):
        assert introspect(house, tokens[kind], stranger) == {"active": False}
    house.clock.pass_s(house.settings.lifetimes.access_token_s)
    assert introspect(house, tokens["access_token"]) == {"active": False}


@pytest.mark.rule("A-38")
def test_an_api_learns_about_tokens_that_were_made_for_it(house: House) -> None:
    """And about no refresh token."""
    api = house.new_client(introspects=[AUDIENCE])
    tokens = house.tokens()
    assert introspect(house, tokens["access_token"], api)["active"] is True
    assert introspect(house, tokens["refresh_token"], api) == {"active": False}
    other = house.new_client(introspects=["https://other.example"])
    assert introspect(house, tokens["access_token"], other) == {"active": False}


@pytest.mark.rule("A-38", "S-098")
def test_nobody_asks_without_proof(house: House) -> None:
    """No client, a wrong secret and a public client are 401."""
    http = house.app.test_client()
    public = house.new_client(public=True)
    token = house.tokens()["access_token"]
    for form in (
        {"token": token},
        {"token": token, "client_id": house.client.client_id, "client_secret": "x"},
        {"token": token, "client_id": public.client_id},
    ):
        refused = http.post("/oauth/introspect", data=form)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")
