"""Calls that wait for a sign-in beside the page, in real Chromium."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support import chromium as support
from tests.support.showcase import served, showcase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

_HOLD = """async () => {
    const { holding } = await import("/static/bff/hold.js");
    window.asked = 0;
    const fetch = holding((start, cancel) => {
        window.asked += 1;
        window.cancel = cancel;
        const button = document.createElement("button");
        button.id = "again";
        button.onclick = start;
        button.textContent = "Sign in";
        document.body.append(button);
    });
    const text = (path) =>
        fetch(path, { method: "POST", body: "typed" }).then(
            (answer) => answer.text(),
            (problem) => problem.code,
        );
    window.answers = Promise.all([text("/api/one"), text("/api/two")]);
}"""
_BACK = "<script type=module src=/static/bff/signed-in.js></script>"


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(showcase()) as origin:
        yield origin


@pytest.fixture
def page(chromium: Browser, origin: str) -> Iterator[Page]:
    """A page whose calls are refused until a sign-in has happened beside it."""
    context = support.visitor(chromium)
    signed_in: list[str] = []

    def api(route: Route) -> None:
        if signed_in:
            route.fulfill(body=f"heard {route.request.post_data}")
            return
        problem = {"code": "step_up_required", "login_url": "/bff/login?acr_values=gold"}
        route.fulfill(status=401, body=json.dumps(problem), content_type="application/problem+json")

    def sign_in(route: Route) -> None:
        signed_in.append(route.request.url)
        route.fulfill(body=_BACK, content_type="text/html")

    context.route("**/api/*", api)
    context.route("**/bff/login?*", sign_in)
    page = context.new_page()
    page.goto(f"{origin}/shown/account")
    page.evaluate(_HOLD)
    page.wait_for_selector("#again")
    yield page
    context.close()


def test_waiting_calls_go_out_again_after_one_sign_in(page: Page) -> None:
    """Two calls, one question, one window; both are repeated with their bodies."""
    with page.context.expect_page() as opened:
        page.click("#again")
    assert "acr_values=gold" in opened.value.url
    assert "return_to=%2Fbff%2Fsigned-in" in opened.value.url
    assert page.evaluate("() => window.answers") == ["heard typed", "heard typed"]
    assert page.evaluate("() => window.asked") == 1
    assert page.url.endswith("/shown/account")


def test_person_may_say_no(page: Page) -> None:
    """Then every waiting call fails with its problem, and nothing hangs."""
    page.evaluate("() => window.cancel()")
    codes = page.evaluate("() => window.answers")
    assert codes == ["step_up_required", "step_up_required"]
