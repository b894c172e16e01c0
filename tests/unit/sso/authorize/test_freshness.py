"""``prompt``, ``max_age`` and hints: who must show themselves again, and when not to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.sso.house import answer_of

if TYPE_CHECKING:
    from tests.unit.sso.house import House


@pytest.mark.rule("A-40")
def test_prompt_none_without_a_session_is_login_required(house: House) -> None:
    """Nobody there and nobody may be asked."""
    assert answer_of(house.visitor().ask(prompt="none"))["error"] == "login_required"


@pytest.mark.rule("A-40")
def test_prompt_none_with_a_session_gives_a_code(house: House) -> None:
    """Silent sign-in works where nothing is missing."""
    assert answer_of(house.signed_in().ask(prompt="none"))["code"]


@pytest.mark.rule("A-40")
@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_prompt_login_asks_once_and_only_once(house: House, prompt: str) -> None:
    """Who is signed in signs in again, and then the request goes on."""
    house.client = house.new_client(first_party=True)
    browser = house.signed_in()
    house.clock.pass_s(5)
    asked = browser.ask(prompt=prompt)
    assert asked.location.startswith("/sign-in")
    last = browser.follow(browser.sign_in("ada", page=asked.location))
    if "consent" in prompt:
        assert last.status_code == 200
        return
    assert answer_of(last)["code"]


@pytest.mark.rule("A-41")
@pytest.mark.parametrize(("max_age", "asked_again"), [("0", True), ("5", True), ("60", False)])
def test_max_age_is_enforced_and_zero_too(
    house: House,
    max_age: str,
    asked_again: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """An older sign-in is not enough; after a new one the request goes on."""
    house.clock.stop()
    browser = house.signed_in()
    house.clock.pass_s(10)
    response = browser.ask(max_age=max_age)
    assert response.location.startswith("/sign-in") is asked_again
    if asked_again:
        code = answer_of(browser.follow(browser.sign_in("ada", page=response.location)))["code"]
        claims = house.claims((house.redeem(code).json or {})["id_token"])
        assert claims["auth_time"] >= int(house.clock().timestamp()) - 5


@pytest.mark.rule("A-40", "A-41")
def test_prompt_none_with_an_old_sign_in_is_login_required(house: House) -> None:
    """max_age counts for silent requests too."""
    browser = house.signed_in()
    house.clock.pass_s(100)
    assert answer_of(browser.ask(prompt="none", max_age="60"))["error"] == "login_required"


@pytest.mark.rule("A-43")
def test_a_hint_at_the_same_person_changes_nothing(house: House) -> None:
    """An ID token of who is here is no reason to ask."""
    browser = house.signed_in()
    tokens = house.tokens(browser)
    answer = answer_of(browser.ask(id_token_hint=tokens["id_token"], prompt="none"))
    assert answer["code"]


@pytest.mark.rule("A-43")
def test_an_expired_hint_is_tolerated(house: House) -> None:
    """It proves who was meant; it opens nothing."""
    hint = house.tokens()["id_token"]
    house.clock.pass_s(2 * house.settings.lifetimes.id_token_s)
    browser = house.signed_in()
    assert answer_of(browser.ask(id_token_hint=hint, prompt="none"))["code"]


@pytest.mark.rule("A-43")
def test_a_hint_at_somebody_else_is_login_required(house: House) -> None:
    """Silent: at once. Otherwise after whoever is there signed in as themselves again."""
    hint = house.tokens()["id_token"]
    house.new_user("grace")
    browser = house.signed_in("grace")
    answer = answer_of(browser.ask(id_token_hint=hint, prompt="none"))
    assert answer["error"] == "login_required"
    page = browser.ask(id_token_hint=hint).location
    last = answer_of(browser.follow(browser.sign_in("grace", page=page)))
    assert last["error"] == "login_required"
    assert answer_of(browser.follow(browser.sign_in("ada", page=page)))["code"]


@pytest.mark.rule("A-43", "S-093")
def test_an_access_token_is_no_hint(house: House) -> None:
    """A token is read only as the type it was issued as."""
    tokens = house.tokens()
    answer = answer_of(house.signed_in().ask(id_token_hint=tokens["access_token"]))
    assert answer["error"] == "login_required"


@pytest.mark.rule("A-42")
def test_courtesies_never_cause_errors(house: House) -> None:
    """acr_values, display and locales are wishes; login_hint fills the form."""
    browser = house.visitor()
    asked = browser.ask(
        acr_values="urn:x urn:y",
        display="wap",
        ui_locales="tlh zh-CN",
        claims_locales="xx",
        login_hint='ada"><script>',
    )
    page = browser.get(asked.location)
    assert page.status_code == 200
    assert "ada&#34;&gt;&lt;script&gt;" in page.text
