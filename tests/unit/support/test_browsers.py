"""The raw browser and Chromium agree on what a cookie may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import chromium as chromium_support
from tests.support.browser import Browser
from tests.support.cookies import Jar, Step
from tests.support.upstream import Answer, RecordingUpstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.upstream import Received


@pytest.fixture
def site() -> Iterator[RecordingUpstream]:
    """A site whose callback sets a Strict and a Lax cookie and moves on in two ways."""
    with RecordingUpstream() as upstream:

        def answer(received: Received) -> Answer:
            path = received.target.decode()
            html = ("Content-Type", "text/html")
            cookies = [("Set-Cookie", "s=1; SameSite=Strict; Path=/"), ("Set-Cookie", "l=1")]
            if path == "/start":
                link = f'<a href="http://localhost:{upstream.port}/by-redirect">go</a>'
                return Answer(headers=[html], body=link.encode())
            if path == "/by-redirect":
                return Answer(303, [*cookies, ("Location", "/landing")])
            if path == "/landing":
                page = b'<html lang="en"><meta http-equiv="refresh" content="0; url=/home">'
                return Answer(headers=[html], body=page)
            return Answer(headers=[html], body=b"<h1>home</h1>")

        upstream.answer = answer
        yield upstream


def _cookies_by_path(site: RecordingUpstream) -> dict[str, list[str]]:
    return {
        received.target.decode(): sorted("; ".join(received.values("Cookie")).split("; "))
        for received in site.received
        if received.target != b"/favicon.ico"
    }


def _visit_raw(start: str) -> None:
    browser = Browser()
    browser.open(start)
    browser.click(browser.page.html.links[0] if browser.page else "")


def _visit_chromium(start: str) -> None:
    with chromium_support.chromium() as browser, chromium_support.visitor(browser) as context:
        page = context.new_page()
        page.goto(start)
        page.click("a")
        page.wait_for_selector("h1")


@pytest.mark.parametrize("visit", [_visit_raw, _visit_chromium])
def test_strict_cookie_misses_the_redirect_and_makes_the_refresh(
    site: RecordingUpstream, visit: object
) -> None:
    """A foreign page's link: the redirect has no Strict cookie, the page's own move has."""
    assert callable(visit)
    visit(f"http://127.0.0.1:{site.port}/start")
    assert _cookies_by_path(site) == {
        "/start": [""],
        "/by-redirect": [""],
        "/landing": ["l=1"],
        "/home": ["l=1", "s=1"],
    }


@pytest.mark.parametrize(
    ("set_cookie", "kept"),
    [
        ("__Host-a=1; Secure; Path=/", True),
        ("__Host-a=1; Path=/", False),
        ("__Host-a=1; Secure; Path=/bff", False),
        ("__Host-a=1; Secure; Path=/; Domain=localhost", False),
        ("__Host-Http-a=1; Secure; Path=/", False),
        ("__Host-Http-a=1; Secure; HttpOnly; Path=/", True),
        ("a=1; Max-Age=0", False),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
    ],
)
def test_jar_keeps_what_a_browser_would_keep(set_cookie: str, kept: bool) -> None:  # noqa: FBT001 - a table
    """Prefix rules and expiry decide before anything is stored."""
    jar = Jar()
    jar.store("localhost", "/", set_cookie)
    assert (jar.header_for(Step("localhost", "/")) is not None) == kept


def test_jar_deletes_by_expiry_only_at_the_same_path() -> None:
    """A deletion that names another path leaves the cookie alone."""
    jar = Jar()
    jar.store("localhost", "/bff/login", "t=1; Path=/bff")
    jar.store("localhost", "/bff/login", "t=; Path=/; Max-Age=0")
    assert jar.header_for(Step("localhost", "/bff/x")) == "t=1"
    assert jar.header_for(Step("localhost", "/bfff")) is None
    jar.store("localhost", "/bff/login", "t=; Path=/bff; Max-Age=0")
    assert jar.header_for(Step("localhost", "/bff/x")) is None
