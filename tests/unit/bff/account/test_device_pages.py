"""A person sees where they are signed in, and ends it there by a plain form."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry

from bff.account.device_pages import DevicePages
from bff.account.sessions import OwnSessions
from bff.login.logout_views import LogoutForms
from bff.metrics import BffMetrics
from bff.pages.views import render_error_page
from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect
from bff.sessions.cookie import SessionCookie
from bff.sessions.current import CurrentSession
from bff.sessions.model import Device, SessionRecord, TokenSet
from bff.sessions.news import SessionNews
from bff.sessions.store import SessionStore
from httpkit.answers import install_answers
from httpkit.i18n import install_i18n
from httpkit.request_ids import install_request_ids
from tests.support.pages import Html
from tests.support.programs import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from bff.sessions.model import Ticket

_CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class _Desk:
    """A store, the page over it, and browsers that carry tickets to it."""

    def __init__(self, redis_url: str) -> None:
        ring = KeyRing(["k" * 32])
        self.redis = connect(redis_url)
        self.store = SessionStore(
            self.redis, SessionCodec(ring), idle_ttl_s=600, absolute_ttl_s=600
        )
        self.forms = LogoutForms(ring)
        current = CurrentSession(
            self.store, SessionCookie("session", secure=False, same_site="strict")
        )
        self.app = Flask("bff", root_path=str(ROOT))
        install_request_ids(self.app)
        install_i18n(self.app, https=False)
        install_answers(self.app, wants_page=lambda: True, render_page=render_error_page)
        self.app.jinja_env.globals["csrf_token"] = lambda: self.forms.token(current.ticket())
        pages = DevicePages(
            own=OwnSessions(self.store, news=SessionNews(BffMetrics(CollectorRegistry()))),
            current=current,
            require_form=self.forms.require,
        )
        self.app.register_blueprint(pages.blueprint())

    def sign_in(self, sub: str = "xiaoyu", user_agent: str = _CHROME) -> Ticket:
        """Return the ticket of a new session."""
        now = time.time()
        record = SessionRecord(
            provider="sso",
            iss="https://sso.example.com",
            sub=sub,
            created_at=now,
            authenticated_at=now,
            absolute_expires_at=now + 600,
        )
        tokens = TokenSet(generation=1, provider="sso", sub=sub, access_tokens={})
        return self.store.create(record, tokens, Device(ip="192.0.2.7", user_agent=user_agent))

    def get(self, ticket: Ticket | None, path: str = "") -> TestResponse:
        """Return the page as *ticket*'s browser gets it."""
        browser = self.app.test_client()
        if ticket is not None:
            browser.set_cookie("session", ticket.encode())
        return browser.get(f"/bff/devices{path}")

    def press(self, ticket: Ticket, action: str, csrf_token: str | None = None) -> TestResponse:
        """Return the answer to the form that goes to *action*."""
        browser = self.app.test_client()
        browser.set_cookie("session", ticket.encode())
        token = self.forms.token(ticket) if csrf_token is None else csrf_token
        return browser.post(f"/bff/devices/{action}", data={"csrf_token": token})

    def lives(self, ticket: Ticket) -> bool:
        """Return whether the session is there."""
        return self.store.load(ticket) is not None


@pytest.fixture
def desk(valkey_url: str) -> Iterator[_Desk]:
    desk = _Desk(valkey_url)
    yield desk
    desk.redis.close()


def test_page_lists_own_devices_and_nobody_elses(desk: _Desk) -> None:
    """The current one first, badged; a stranger's not at all."""
    here, there, foreign = desk.sign_in(), desk.sign_in(user_agent=_FIREFOX), desk.sign_in("other")
    text = desk.get(here).text
    assert text.index("Chrome, Windows") < text.index("Firefox, Linux")
    assert text.count("This device") == 1
    assert there.public_id in text
    assert here.public_id not in text  # it has no button, so nothing names it
    assert foreign.public_id not in text


def test_page_without_session_leads_to_sign_in_and_back(desk: _Desk) -> None:
    """Nobody's devices are no page."""
    answer = desk.get(None)
    assert answer.status_code == 303
    assert answer.location == "/bff/login?return_to=/bff/devices&ui_locales=en"


def test_address_of_a_form_leads_to_the_page(desk: _Desk) -> None:
    """Whoever asks again for what the address bar says is not met by an error."""
    here = desk.sign_in()
    answer = desk.get(here, f"/{here.public_id}/end")
    assert (answer.status_code, answer.location) == (303, "/bff/devices")


def test_one_device_is_ended_and_named(desk: _Desk) -> None:
    """The others stay; the page says what ended."""
    here, there, third = desk.sign_in(), desk.sign_in(user_agent=_FIREFOX), desk.sign_in()
    answer = desk.press(here, f"{there.public_id}/end")
    assert "Signed out: Firefox, Linux" in Html(answer.text).text
    assert [desk.lives(ticket) for ticket in (here, there, third)] == [True, False, True]


def test_form_sent_again_ends_nothing_more(desk: _Desk) -> None:
    """A reload shows the list."""
    here, there = desk.sign_in(), desk.sign_in()
    desk.press(here, f"{there.public_id}/end")
    again = desk.press(here, f"{there.public_id}/end")
    assert again.status_code == 200
    assert "Signed out:" not in Html(again.text).text


def test_all_others_are_ended_and_this_one_stays(desk: _Desk) -> None:
    """Only the same person's."""
    here, there, foreign = desk.sign_in(), desk.sign_in(), desk.sign_in("other")
    answer = desk.press(here, "end-others")
    assert [desk.lives(ticket) for ticket in (here, there, foreign)] == [True, False, True]
    assert "You are signed in nowhere else." in Html(answer.text).text


def test_strangers_and_own_session_cannot_be_ended_here(desk: _Desk) -> None:
    """An id that is not another one of one's own ends nothing."""
    here, foreign = desk.sign_in(), desk.sign_in("other")
    for ticket in (here, foreign):
        desk.press(here, f"{ticket.public_id}/end")
    assert desk.lives(here)
    assert desk.lives(foreign)


@pytest.mark.parametrize("action", ["{}/end", "end-others"])
def test_form_of_another_page_ends_nothing(desk: _Desk, action: str) -> None:
    """Without the token, or with another session's, the answer is 403."""
    here, there, foreign = desk.sign_in(), desk.sign_in(), desk.sign_in("other")
    for token in ("", "ü", desk.forms.token(foreign), desk.forms.token(there)):
        answer = desk.press(here, action.format(there.public_id), csrf_token=token)
        assert answer.status_code == 403
    assert desk.lives(there)


def test_language_of_the_answer_is_switched_on_the_page_itself(desk: _Desk) -> None:
    """The switcher does not ask for the address of the form."""
    here = desk.sign_in()
    answer = Html(desk.press(here, "end-others").text)
    assert next(form.action for form in answer.forms if form.method == "GET") == "/bff/devices"


def test_unnamed_browser_is_called_unknown(desk: _Desk) -> None:
    """No device has an empty name, on the list or after its end."""
    here, there = desk.sign_in(), desk.sign_in(user_agent="")
    assert "Unknown device" in desk.get(here).text
    answer = desk.press(here, f"{there.public_id}/end")
    assert "Signed out: Unknown device" in Html(answer.text).text
    assert (
        "已退出：未知设备"
        in desk.press(here, f"{desk.sign_in(user_agent='').public_id}/end?ui_locales=zh").text
    )
