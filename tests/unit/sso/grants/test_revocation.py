"""A client gives tokens back; nobody gives back another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import App, House


def revoke(house: House, token: str, app: App | None = None) -> TestResponse:
    """Revoke *token* as *app*."""
    client = app or house.client
    form = {"client_id": client.client_id, "client_secret": client.client_secret, "token": token}
    return house.app.test_client().post("/oauth/revoke", data=form)


def userinfo(house: House, token: str) -> int:
    """Return the status of UserInfo under *token*."""
    headers = {"Authorization": f"Bearer {token}"}
    return house.app.test_client().get("/oauth/userinfo", headers=headers).status_code


@pytest.mark.rule("A-39")
def test_revoking_a_refresh_token_ends_the_grant(either_house: House) -> None:
    """Its access tokens end with it."""
    house = either_house
    tokens = house.tokens()
    assert revoke(house, tokens["refresh_token"]).status_code == 200
    assert (house.refresh(tokens["refresh_token"]).json or {})["error"] == "invalid_grant"
    assert userinfo(house, tokens["access_token"]) == 401


@pytest.mark.rule("A-39")
def test_revoking_an_access_token_ends_it_alone(either_house: House) -> None:
    """Twice is once; the refresh token goes on."""
    house = either_house
    tokens = house.tokens()
    for _ in range(2):
        assert revoke(house, tokens["access_token"]).status_code == 200
    assert userinfo(house, tokens["access_token"]) == 401
    assert house.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.rule("A-39", "S-098")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_of_another_client_stays(house: House, kind: str) -> None:
    """200 all the same, and nothing happened."""
    tokens = house.tokens()
    assert revoke(house, tokens[kind], house.new_client()).status_code == 200
    assert userinfo(house, tokens["access_token"]) == 200
    assert house.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.rule("A-39")
@pytest.mark.parametrize("token", ["x", "a.b.c", "\u00e9", "x" * 50_000])
def test_an_unknown_token_is_a_success(house: House, token: str) -> None:
    """The client's wish is fulfilled either way."""
    assert revoke(house, token).status_code == 200


@pytest.mark.rule("S-098")
def test_nobody_revokes_unauthenticated(house: House) -> None:
    """401 before the token is looked at."""
    tokens = house.tokens()
    response = house.app.test_client().post(
        "/oauth/revoke", data={"token": tokens["refresh_token"]}
    )
    assert response.status_code == 401
    assert house.refresh(tokens["refresh_token"]).status_code == 200
