"""The whole of a sign-in, as a client sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.sso.house import CALLBACK, ISSUER, answer_of

if TYPE_CHECKING:
    from tests.unit.sso.house import House


def test_a_person_signs_in_and_the_client_gets_tokens(either_house: House) -> None:
    """Request, sign-in page, code, tokens, UserInfo: each step leads to the next."""
    house = either_house
    browser = house.visitor()
    asked = browser.ask()
    assert asked.status_code == 303
    assert asked.location.startswith("/sign-in?")
    response = browser.follow(browser.sign_in("ada", page=asked.location))
    answer = answer_of(response)
    assert answer["state"] == "the-state"
    assert answer["iss"] == ISSUER
    tokens = house.redeem(answer["code"])
    assert tokens.status_code == 200, tokens.text
    assert tokens.headers["Cache-Control"] == "no-store"
    body = tokens.json or {}
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    told = house.app.test_client().get(
        "/oauth/userinfo", headers={"Authorization": f"Bearer {body['access_token']}"}
    )
    assert told.json == {
        "sub": house.user.sub,
        "name": "ada",
        "preferred_username": "ada",
        "email": "ada@example.org",
        "email_verified": False,
        "updated_at": int(house.user.updated_at.timestamp()),
    }


def test_a_second_request_needs_no_page(house: House) -> None:
    """Single sign-on: whoever is signed in is not asked again."""
    assert answer_of(house.signed_in().ask())["code"]


def test_sign_up_signs_in_and_goes_on(house: House) -> None:
    """A new person arrives where they were going."""
    browser = house.visitor()
    page = browser.ask().location.replace("/sign-in", "/sign-up")
    response = browser.submit(
        page, username="grace", email="grace@example.org", password="a long enough one"
    )
    assert browser.follow(response).location.startswith(CALLBACK)
