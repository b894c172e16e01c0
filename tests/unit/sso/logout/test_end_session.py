"""Signing out: at once for whoever proves whom they mean, after a question for everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.unit.sso.house import RETURN

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House, Visitor


def end_session(browser: Visitor, **asked: str) -> TestResponse:
    """Send the browser to the end-session endpoint."""
    return browser.get(f"/oauth/end_session?{urlencode(asked)}")


def is_signed_in(browser: Visitor) -> bool:
    """Return whether the account page opens."""
    return browser.get("/account").status_code == 200


@pytest.mark.rule("A-55")
def test_a_valid_hint_signs_out_at_once_and_returns(house: House) -> None:
    """The registered address, and the state as it was given."""
    browser = house.signed_in()
    hint = house.tokens(browser)["id_token"]
    response = end_session(
        browser, id_token_hint=hint, post_logout_redirect_uri=RETURN, state="s&x"
    )
    assert response.status_code == 303
    assert response.location == f"{RETURN}?state=s%26x"
    assert not is_signed_in(browser)


@pytest.mark.rule("A-55")
def test_an_expired_hint_is_as_good(house: House) -> None:
    """It proves whom the client means."""
    browser = house.signed_in()
    hint = house.tokens(browser)["id_token"]
    house.clock.pass_s(house.settings.lifetimes.id_token_s + 60)
    assert end_session(browser, id_token_hint=hint).location == "/signed-out"
    assert not is_signed_in(browser)


@pytest.mark.rule("A-55")
def test_without_a_hint_the_person_is_asked(house: House) -> None:
    """A link from anywhere signs nobody out; the form does, and then returns."""
    browser = house.signed_in()
    address = "/oauth/end_session?" + urlencode(
        {"client_id": house.client.client_id, "post_logout_redirect_uri": RETURN}
    )
    page = browser.get(address)
    assert page.status_code == 200
    assert "Cloakroom" in page.text
    assert is_signed_in(browser)
    response = browser.submit(address, action="/sign-out")
    assert response.location == RETURN
    assert not is_signed_in(browser)


@pytest.mark.rule("A-55")
def test_a_hint_of_another_session_is_no_answer(house: House) -> None:
    """Somebody else's token, or one's own of another browser, only asks."""
    elsewhere = house.tokens(house.signed_in())["id_token"]
    browser = house.signed_in()
    assert end_session(browser, id_token_hint=elsewhere).status_code == 200
    assert is_signed_in(browser)


@pytest.mark.rule("A-55", "S-014", "S-052")
@pytest.mark.parametrize(
    "asked",
    [
        {"post_logout_redirect_uri": "https://evil.example/"},
        {"post_logout_redirect_uri": RETURN + "x"},
        {"client_id": "nobody", "post_logout_redirect_uri": RETURN},
        {"id_token_hint": "x.y.z", "post_logout_redirect_uri": RETURN},
        {"id_token_hint": "x.y.z"},
    ],
)
def test_a_forged_request_neither_redirects_nor_signs_out(
    house: House, asked: dict[str, str]
) -> None:
    """400 on our own page, and the session stays."""
    browser = house.signed_in()
    given = {"client_id": house.client.client_id, **asked}
    response = end_session(browser, **given)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert is_signed_in(browser)


@pytest.mark.rule("A-55")
def test_a_hint_of_another_client_is_refused(house: House) -> None:
    """client_id and hint must agree."""
    browser = house.signed_in()
    hint = house.tokens(browser)["id_token"]
    other = house.new_client()
    response = end_session(browser, id_token_hint=hint, client_id=other.client_id)
    assert response.status_code == 400
    assert is_signed_in(browser)


@pytest.mark.rule("A-55")
def test_a_post_works_and_keeps_the_token_out_of_the_address(house: House) -> None:
    """It comes without our cookie, so it takes a step through our own address first."""
    browser = house.signed_in()
    hint = house.tokens(browser)["id_token"]
    response = browser.http.post(
        "/oauth/end_session", data={"id_token_hint": hint, "post_logout_redirect_uri": RETURN}
    )
    assert response.status_code == 303
    assert hint not in response.location
    assert browser.follow(response).location == RETURN
    assert not is_signed_in(browser)


def test_whoever_is_not_signed_in_gets_a_link_and_no_redirect(house: House) -> None:
    """Nothing to end; the way back is theirs to take."""
    response = end_session(
        house.visitor(), client_id=house.client.client_id, post_logout_redirect_uri=RETURN
    )
    assert response.status_code == 200
    assert RETURN in response.text


def test_the_account_pages_button_signs_out(house: House) -> None:
    """A plain form on our own page needs no further question."""
    browser = house.signed_in()
    response = browser.submit("/account", action="/sign-out")
    assert response.location == "/signed-out"
    assert not is_signed_in(browser)


@pytest.mark.rule("S-018")
def test_repeated_parameters_are_refused(house: House) -> None:
    """No reader takes another than we do."""
    response = house.signed_in().get("/oauth/end_session?state=a&state=b")
    assert response.status_code == 400
