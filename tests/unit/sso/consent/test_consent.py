"""Who is asked, what is remembered, and what cannot be approved for somebody else."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from sso.grants.consents import Consents
from sso.storage.people import Consent
from tests.unit.sso.house import answer_of, request_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import App, House, Visitor


@pytest.fixture
def foreign(house: House) -> App:
    """A client that is not our own."""
    return house.new_client(name="Campus <Card>")


def ask(browser: Visitor, app: App, **asked: str | None) -> TestResponse:
    """Send a request of *app*."""
    return browser.get(f"/oauth/authorize?{urlencode(request_of(app, **asked))}")


@pytest.mark.rule("A-51")
def test_a_foreign_client_asks_once(house: House, foreign: App) -> None:
    """The page says who asks for what; what was allowed is remembered."""
    browser = house.signed_in()
    page = ask(browser, foreign).location
    assert page.startswith("/consent?")
    shown = browser.get(page)
    assert "Campus &lt;Card&gt;" in shown.text
    assert "localhost" in shown.text
    assert "for 30 days at most" in shown.text
    short = browser.get(ask(browser, foreign, scope="openid").location)
    assert "for 60 minutes each time" in short.text
    allowed = browser.submit(page, action="/consent", decision="allow")
    assert answer_of(browser.follow(allowed))["code"]
    assert answer_of(ask(browser, foreign))["code"]


@pytest.mark.rule("A-51")
def test_agreeing_twice_at_once_is_agreeing(either_house: House) -> None:
    """A second click finds nothing remembered yet either, and still no failure."""
    house = either_house
    consents = Consents(house.base.storage, house.clock)
    client, sub = house.new_client().client_id, house.user.sub
    together = threading.Barrier(2)
    # SQLite lets one writer in at a time: there nobody comes.
    wait_s = 0.1 if house.base.storage.engine.dialect.name == "sqlite" else 20

    def both_found_nothing(session: Session, *_: object) -> None:
        if any(isinstance(each, Consent) for each in session.new):
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(wait_s)

    event.listen(Session, "before_flush", both_found_nothing)
    try:
        with ThreadPoolExecutor(2) as pool:
            scopes = (["openid"], ["profile"])
            agreed = [pool.submit(consents.remember, sub, client, each) for each in scopes]
        for each in agreed:
            each.result()
    finally:
        event.remove(Session, "before_flush", both_found_nothing)
    assert consents.granted_at(sub, client, ["openid", "profile"])


@pytest.mark.rule("A-51", "S-101")
def test_more_scope_asks_again(house: House, foreign: App) -> None:
    """Consent covers what was shown and nothing else."""
    browser = house.signed_in()
    page = ask(browser, foreign, scope="openid").location
    browser.follow(browser.submit(page, action="/consent", decision="allow"))
    assert answer_of(ask(browser, foreign, scope="openid"))["code"]
    assert ask(browser, foreign, scope="openid email").location.startswith("/consent?")


@pytest.mark.rule("A-51")
def test_denied_goes_back_to_the_client_and_remembers_nothing(house: House, foreign: App) -> None:
    """The client learns that it may not; the next request asks again."""
    browser = house.signed_in()
    page = ask(browser, foreign).location
    assert answer_of(browser.submit(page, action="/consent", decision="deny"))["error"] == (
        "access_denied"
    )
    assert ask(browser, foreign).location.startswith("/consent?")


@pytest.mark.rule("A-40")
def test_prompt_none_without_consent_is_consent_required(house: House, foreign: App) -> None:
    """No page may be shown, so the client is told."""
    answer = answer_of(ask(house.signed_in(), foreign, prompt="none"))
    assert answer["error"] == "consent_required"


@pytest.mark.rule("A-40")
def test_prompt_consent_asks_although_it_is_remembered(house: House, foreign: App) -> None:
    """Asked for again, it is asked again, once."""
    browser = house.signed_in()
    page = ask(browser, foreign).location
    browser.follow(browser.submit(page, action="/consent", decision="allow"))
    page = ask(browser, foreign, prompt="consent").location
    assert page.startswith("/consent?")
    allowed = browser.submit(page, action="/consent", decision="allow")
    assert answer_of(browser.follow(allowed))["code"]


@pytest.mark.rule("S-101")
def test_consent_needs_the_form_of_this_browser(house: House, foreign: App) -> None:
    """A post without our own token decides nothing."""
    browser = house.signed_in()
    page = ask(browser, foreign).location
    sealed = page.partition("request=")[2]
    response = browser.http.post("/consent", data={"request": sealed, "decision": "allow"})
    assert response.status_code == 403
    assert ask(browser, foreign).location.startswith("/consent?")


@pytest.mark.rule("S-101")
def test_anything_but_allow_or_deny_decides_nothing(house: House, foreign: App) -> None:
    """An unknown word is no consent."""
    browser = house.signed_in()
    page = ask(browser, foreign).location
    assert browser.submit(page, action="/consent", decision="maybe").status_code == 400
    assert ask(browser, foreign).location.startswith("/consent?")


@pytest.mark.rule("A-29")
def test_our_own_client_is_not_asked_for_even_offline_access(house: House) -> None:
    """First-party clients skip consent by configuration."""
    assert house.tokens()["refresh_token"]


@pytest.mark.rule("A-51")
def test_our_own_client_on_peoples_devices_is_not_asked_for_either(house: House) -> None:
    """Whatever an operator calls first-party; a developer can call nothing so."""
    ours = house.new_client(first_party=True, public=True)
    assert answer_of(ask(house.signed_in(), ours))["code"]
