"""Every page as Chromium shows it: both languages, both schemes, a telephone and a desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import chromium as support
from tests.support.looks import faults_of
from tests.support.showcase import PAGES, served, showcase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Route

_SHOWN = [name for name in PAGES if name != "landing"]  # which moves on at once
_STANDS_OUT = """part => { const style = getComputedStyle(part);
    return style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2; }"""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(showcase()) as origin:
        yield origin


@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_fit_and_are_accessible(
    chromium: Browser, origin: str, axe: str, language: str
) -> None:
    """No page overflows, breaks its own policy, has a target too small, or fails axe.

    axe judges the document, which is the same in both languages but for its words.
    """
    context = support.visitor(chromium, language=language)
    recording = support.Recording(context)
    page = context.new_page()
    faults: dict[str, Any] = {}
    for name in _SHOWN:
        page.goto(f"{origin}/shown/{name}")
        if name == "shell-signed-in":
            page.locator("[data-when=answered]").wait_for()
        faults |= faults_of(page, name, axe if language == "en" else None)
    context.close()
    assert {what: found for what, found in faults.items() if found} == {}
    assert recording.complaints == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("main { min-width: 500px }", "it overflows at 360"),
        (
            "button { min-height: 0 !important; height: 20px; padding: 0 }",
            "it has small targets at 360",
        ),
        ("h1 { color: #aaa !important }", "it fails axe"),
        (
            "@media (prefers-color-scheme: dark) { h1 { color: #444 !important } }",
            "it fails axe in the dark",
        ),
    ],
)
def test_each_fault_is_found(
    chromium: Browser, origin: str, axe: str, rule: str, told: str
) -> None:
    """What is asked of every page above would be missed on none."""
    context = support.visitor(chromium)
    page = context.new_page()
    page.goto(f"{origin}/shown/sign-in")
    page.evaluate(
        "rule => { const sheet = new CSSStyleSheet(); sheet.replaceSync(rule);"
        " document.adoptedStyleSheets = [sheet]; }",
        rule,
    )
    found = [what for what, faults in faults_of(page, "it", axe) if faults]
    assert found[-1] == told
    context.close()


def test_page_without_script_asks_for_none(chromium: Browser, origin: str) -> None:
    """Forms are all there, and nothing stands waiting for a script that will not come."""
    context = support.visitor(chromium, javascript=False)
    page = context.new_page()
    page.goto(f"{origin}/shown/sign-in-wrong")
    assert page.locator("form[method=post] button").all_text_contents() == ["Sign in"]
    page.goto(f"{origin}/shown/shell-signed-in")
    assert not page.locator("[data-directory]").is_visible()
    assert page.get_by_role("button", name="Sign out").is_visible()
    context.close()


def test_language_is_switched_without_script_and_stays(chromium: Browser, origin: str) -> None:
    """The same page, its query kept, in the other language; the next page too."""
    context = support.visitor(chromium, javascript=False)
    page = context.new_page()
    page.goto(f"{origin}/shown/sign-in?next=%2Fa")
    page.get_by_role("button", name="中文").click()
    assert "next=%2Fa" in page.url
    assert page.title() == "登录 · Cloakroom"
    page.goto(f"{origin}/shown/account")
    assert page.title() == "你的账号 · Cloakroom"
    context.close()


def test_summary_of_errors_has_the_focus_and_leads_to_the_field(
    chromium: Browser, origin: str
) -> None:
    """By keyboard: first what went wrong, then its field, seen at every step."""
    context = support.visitor(chromium)
    page = context.new_page()
    page.goto(f"{origin}/shown/sign-up-wrong")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.locator(":focus").text_content() == (
        "Enter an e-mail address such as name@example.com."
    )
    page.keyboard.press("Enter")
    assert page.locator("#email").evaluate("field => field === document.activeElement")
    context.close()


@pytest.mark.parametrize("name", ["sign-in", "consent", "shell-signed-out", "shell-signed-in"])
def test_every_stop_of_the_keyboard_can_be_seen(chromium: Browser, origin: str, name: str) -> None:
    """Whatever takes the focus shows a solid outline."""
    context = support.visitor(chromium)
    page = context.new_page()
    page.goto(f"{origin}/shown/{name}")
    stops = page.locator("a:visible, button:visible, input:visible").count()
    for _ in range(stops):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.evaluate(_STANDS_OUT), focused.evaluate("part => part.outerHTML")
    context.close()


def test_password_is_shown_on_request_and_hidden_before_it_is_sent(
    chromium: Browser, origin: str
) -> None:
    """The button says what it does, a screen reader hears that it did."""
    context = support.visitor(chromium)
    page = context.new_page()
    page.goto(f"{origin}/shown/sign-in")
    page.get_by_label("Username").fill("xiaoyu")
    page.get_by_label("Password").fill("a horse and a hat")
    page.get_by_role("button", name="Show").click()
    assert page.locator("#password").get_attribute("type") == "text"
    assert page.get_by_role("status").text_content() == "The password is shown."
    page.evaluate(
        "document.querySelector('form').addEventListener('submit', sent => {"
        " sent.preventDefault(); document.title = document.querySelector('#password').type; })"
    )
    page.get_by_role("button", name="Sign in").click()
    assert page.title() == "password"
    context.close()


def test_second_press_sends_nothing_twice(chromium: Browser, origin: str) -> None:
    """A form under way is not sent again."""
    context = support.visitor(chromium)
    page = context.new_page()
    page.goto(f"{origin}/shown/account")
    posts: list[str] = []

    def note(route: Route) -> None:
        posts.append(route.request.method)
        route.fulfill(status=204)  # the page stays as it is, as while an answer is awaited

    page.route("**/sign-out", note)
    button = page.get_by_role("button", name="Sign out")
    with page.expect_response("**/sign-out"):
        button.evaluate("button => { button.click(); button.click(); }")
    assert button.get_attribute("aria-disabled") == "true"
    button.dispatch_event("click")
    page.evaluate("fetch('/api/users/me').then(answer => answer.text())")
    assert posts == ["POST"]
    context.close()


def test_landing_moves_on_by_itself(chromium: Browser, origin: str) -> None:
    """Without script, and with the address whole."""
    context = support.visitor(chromium, javascript=False)
    page = context.new_page()
    page.goto(f"{origin}/shown/landing")
    page.wait_for_url("**/shown/shell-signed-in?a=1&b=2#c")
    context.close()
