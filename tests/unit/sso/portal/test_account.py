"""The account's pages: one's own devices, applications and password, and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.unit.sso.house import PASSWORD, answer_of, request_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House, Visitor

NEW = "another long and secret phrase"


def is_signed_in(browser: Visitor) -> bool:
    """Return whether the account page opens."""
    return browser.get("/account").status_code == 200


def change(browser: Visitor, current: str, new: str = NEW) -> TestResponse:
    """Send the form for another password."""
    return browser.submit(
        "/account/security",
        action="/account/security/password",
        current_password=current,
        new_password=new,
    )


def session_id(house: House, browser: Visitor) -> str:
    """Return the public id of the browser's session."""
    return str(house.claims(house.tokens(browser)["id_token"])["sid"])


@pytest.mark.rule("A-60")
def test_a_person_sees_and_ends_their_other_devices(either_house: House) -> None:
    """What ends there loses its tokens too; this device stays."""
    house = either_house
    here, there = house.signed_in(), house.signed_in()
    tokens = house.tokens(there)
    other = str(house.claims(tokens["id_token"])["sid"])
    page = here.get("/account/devices")
    assert page.text.count('class="badge"') == 1
    assert other in page.text
    assert "Cloakroom" in page.text
    ended = here.submit("/account/devices", action=f"/account/devices/{other}/end")
    assert ended.status_code == 200
    assert not is_signed_in(there)
    assert is_signed_in(here)
    assert (house.refresh(tokens["refresh_token"]).json or {})["error"] == "invalid_grant"


@pytest.mark.rule("A-60")
def test_all_others_end_at_once(house: House) -> None:
    """And this one does not."""
    here, *others = (house.signed_in() for _ in range(3))
    here.submit("/account/devices", action="/account/devices/end-others")
    assert is_signed_in(here)
    assert not any(is_signed_in(each) for each in others)


@pytest.mark.rule("S-110")
def test_nobody_ends_somebody_elses_device(house: House) -> None:
    """A foreign id finds nothing; one's own current one ends by signing out."""
    house.new_user("grace")
    ada, grace = house.signed_in(), house.signed_in("grace")
    for target in (session_id(house, grace), "x"):
        page = ada.submit("/account", action=f"/account/devices/{target}/end")
        assert page.status_code == 200
    own = session_id(house, ada)
    ada.submit("/account", action=f"/account/devices/{own}/end")
    assert is_signed_in(ada)
    assert is_signed_in(grace)


@pytest.mark.rule("A-51", "A-60")
def test_access_is_shown_and_can_be_withdrawn(either_house: House) -> None:
    """Consent and tokens go together; the application asks anew."""
    house = either_house
    app = house.new_client(name="Campus Card")
    house.client = app
    browser = house.signed_in()
    address = f"/oauth/authorize?{urlencode(request_of(app))}"
    allowed = browser.submit(browser.get(address).location, action="/consent", decision="allow")
    tokens = house.redeem(answer_of(browser.follow(allowed))["code"]).json or {}
    assert "Campus Card" in browser.get("/account/applications").text
    page = browser.submit(
        "/account/applications", action=f"/account/applications/{app.client_id}/withdraw"
    )
    assert "Campus Card" in page.text
    assert (house.refresh(tokens["refresh_token"]).json or {})["error"] == "invalid_grant"
    assert browser.get(address).location.startswith("/consent?")
    assert "Campus Card" not in browser.get("/account/applications").text


@pytest.mark.rule("A-57", "S-106")
def test_another_password_signs_every_other_device_out(either_house: House) -> None:
    """The old one is dead, families elsewhere too, and this device goes on."""
    house = either_house
    here, there = house.signed_in(), house.signed_in()
    theirs, ours = house.tokens(there), house.tokens(here)
    assert change(here, PASSWORD).status_code == 200
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert (house.refresh(theirs["refresh_token"]).json or {})["error"] == "invalid_grant"
    assert house.refresh(ours["refresh_token"]).status_code == 200
    assert house.visitor().sign_in("ada").status_code == 401
    assert house.visitor().sign_in("ada", NEW).status_code == 303


@pytest.mark.rule("A-57")
@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", NEW, "current_password"),
        ("", NEW, "current_password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "", "new_password"),
    ],
)
def test_a_password_is_not_changed_for_a_mistake(
    house: House, current: str, new: str, field: str
) -> None:
    """The field says what is wrong; the old password still works."""
    response = change(house.signed_in(), current, new)
    assert response.status_code == 400
    assert f'id="{field}-wrong"' in response.text
    assert house.visitor().sign_in("ada").status_code == 303


@pytest.mark.rule("S-104")
def test_the_form_is_no_way_around_the_throttle(house: House) -> None:
    """Guessing in a session left open is counted like any other."""
    browser = house.signed_in()
    for _ in range(10):
        assert change(browser, "wrong").status_code == 400
    refused = change(browser, PASSWORD)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"]


@pytest.mark.rule("S-110")
@pytest.mark.parametrize("page", ["", "/devices", "/applications", "/security"])
def test_a_stranger_is_asked_to_sign_in_and_comes_back(house: House, page: str) -> None:
    """No page of the account opens without a session."""
    browser = house.visitor()
    asked = browser.get(f"/account{page}")
    assert asked.location == f"/sign-in?next=/account{page}"
    assert browser.sign_in("ada", page=asked.location).location == f"/account{page}"


@pytest.mark.rule("S-101")
def test_forms_of_the_account_need_our_own_token(house: House) -> None:
    """A post from elsewhere ends nothing."""
    browser = house.signed_in()
    for path in ("devices/end-others", "security/password", "applications/x/withdraw"):
        assert browser.http.post(f"/account/{path}").status_code == 403
