"""The whole way in Debian's Chromium, and all that it ever saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support import leaks
from tests.support.chromium import Recording, storage, visitor
from tests.support.unsealing import tokens_behind
from tests.support.visitor import new_person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.support.visitor import Person
    from tests.support.world import World


def sign_up(page: Page, world: World, person: Person) -> None:
    """Go from the shell to the SSO and make an account; ends wherever that leads."""
    page.goto(world.bff.url + "/")
    page.locator("main a[href^='/bff/login']").click()
    page.locator("a[href^='/sign-up']").click()
    page.locator("input[name=username]").fill(person.username)
    page.locator("input[name=email]").fill(person.email)
    page.locator("input[name=password]").fill(person.password)
    page.locator("main button[type=submit]").click()


def sign_in(page: Page, world: World, person: Person) -> None:
    """Sign in from the shell by the SSO's page."""
    page.goto(world.bff.url + "/")
    page.locator("main a[href^='/bff/login']").click()
    give_password(page, person)


def give_password(page: Page, person: Person) -> None:
    """Fill in the sign-in form at hand."""
    page.locator("input[name=username]").fill(person.username)
    page.locator("input[name=password]").fill(person.password)
    page.locator("main button[type=submit]").click()


def api_status(page: Page) -> int:
    """Call the API as the page's own script would."""
    status: int = page.evaluate(
        "fetch('/api/users/me', {headers: {'X-CSRF': '1'}}).then(answer => answer.status)"
    )
    return status


def tickets(context: BrowserContext) -> list[str]:
    """Return the session cookies of the profile."""
    return [cookie["value"] for cookie in context.cookies() if cookie["name"] == "session"]


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def profile(request: pytest.FixtureRequest, chromium: Browser) -> BrowserContext:
    """A fresh profile, with JavaScript and without."""
    return visitor(chromium, javascript=request.param)


def test_sign_up_sign_in_and_out(world: World, profile: BrowserContext) -> None:
    """Sign up, land signed in with the name on the page, sign out, be nobody again."""
    person = new_person("nia")
    with profile:
        page = profile.new_page()
        sign_up(page, world, person)
        page.wait_for_url(lambda url: url.startswith(world.bff.url) or "/sign-in" in url)
        if "/sign-in" in page.url:
            give_password(page, person)
        page.wait_for_url(world.bff.url + "/")
        expect(page.locator("main")).to_contain_text(person.username)
        page.locator("form[action='/bff/logout'] button").click()
        expect(page.locator("main a[href^='/bff/login']")).to_be_visible()
        assert tickets(profile) == []
    assert world.sessions.count() == 0


def test_name_comes_from_the_api_and_goes_with_the_session(world: World, chromium: Browser) -> None:
    """The page shows what the API said; after the sign-out the API says 401."""
    with visitor(chromium) as context:
        page = context.new_page()
        sign_in(page, world, world.person)
        page.wait_for_url(world.bff.url + "/")
        expect(page.locator("[data-fact=name]")).to_contain_text(world.person.username)
        assert api_status(page) == 200
        page.locator("form[action='/bff/logout'] button").click()
        expect(page.locator("main a[href^='/bff/login']")).to_be_visible()
        assert api_status(page) == 401


@pytest.mark.rule("B-17", "B-38")
def test_landing_has_a_clean_address_and_the_strict_cookie(world: World, chromium: Browser) -> None:
    """Neither code nor state stays in the address bar; the cookie is Strict and HttpOnly."""
    with visitor(chromium) as context:
        page = context.new_page()
        page.goto(world.bff.url + "/bff/login?return_to=/%3Ftab%3Dteams%23top")
        give_password(page, world.person)
        page.wait_for_url(f"{world.bff.url}/?tab=teams#top")
        expect(page.locator("main")).to_contain_text(world.person.username)
        (cookie,) = [c for c in context.cookies() if c["name"] == "session"]
        assert cookie["sameSite"] == "Strict"
        assert cookie["httpOnly"]
        assert cookie["path"] == "/"
        assert cookie["domain"] == "localhost"
        assert page.evaluate("document.cookie") == ""
        page.go_back()
        assert "code=" not in page.url


@pytest.mark.rule("B-14")
def test_chromium_never_sees_a_token(world: World, chromium: Browser) -> None:
    """Every address, header, body, message and store of the whole way is free of tokens."""
    with visitor(chromium) as context:
        recording = Recording(context)
        page = context.new_page()
        sign_in(page, world, world.person)
        page.wait_for_url(world.bff.url + "/")
        expect(page.locator("[data-fact=name]")).to_contain_text(world.person.username)
        tokens = tokens_behind(tickets(context)[0], world.store)
        assert len(tokens) == 3
        kept = {"storage": storage(page)}
        page.locator("form[action='/bff/logout'] button").click()
        expect(page.locator("main a[href^='/bff/login']")).to_be_visible()
        kept["storage after the sign-out"] = storage(page)
        kept["addresses"] = "\n".join(recording.addresses)
        kept["messages"] = "\n".join(recording.complaints)
        seen = {**recording.everything(), **kept}
    seen = leaks.without_end_session_hint(seen)
    assert len(seen) > 10
    assert leaks.found_in(seen, tokens) == []
    assert leaks.tokens_in(seen) == []
    assert leaks.found_in({"storage": kept["storage"]}, [*tokens]) == []
    assert recording.complaints == [], "neither errors nor policy violations on any page"
    # The landing page still has it, and makes way at once.
    with_code = [address for address in recording.addresses if "code=" in address]
    assert len(with_code) == 1
    assert "/bff/callback/" in with_code[0]


@pytest.mark.rule("B-25")
def test_a_page_next_door_can_do_nothing(world: World, chromium: Browser) -> None:
    """From another site, with the ticket in the browser: no API call, no sign-out, no frame."""
    with visitor(chromium) as context:
        page = context.new_page()
        sign_in(page, world, world.person)
        page.wait_for_url(world.bff.url + "/")
        page.goto(world.workbench.url + "/livez")
        url = world.bff.url
        outcome = page.evaluate(
            """async url => {
                const said = async (path, options) =>
                    fetch(url + path, {credentials: 'include', ...options})
                        .then(answer => answer.type + answer.status, () => 'blocked');
                return [
                    await said('/api/users/me', {headers: {'X-CSRF': '1'}}),
                    await said('/api/users/me', {method: 'POST', mode: 'no-cors', body: 'x'}),
                    await said('/bff/logout', {method: 'POST', mode: 'no-cors', body: 'x'}),
                    await said('/bff/logout', {mode: 'no-cors'}),
                ];
            }""",
            url,
        )
        assert set(outcome) <= {"blocked", "opaque0"}, "nothing that a script could read"
        page.goto(url + "/")
        expect(page.locator("main")).to_contain_text(world.person.username)
    assert world.sessions.count() == 1


def test_session_that_ended_elsewhere_is_told_kindly(world: World, chromium: Browser) -> None:
    """The ticket is dead, the page says so once and offers to sign in again."""
    with visitor(chromium) as context:
        page = context.new_page()
        sign_in(page, world, world.person)
        page.wait_for_url(world.bff.url + "/")
        world.store.flush_database(0)
        page.reload()
        expect(page.locator("main a[href^='/bff/login']")).to_be_visible()
        page.locator("main a[href^='/bff/login']").click()
        # Single sign-on: the SSO still knows the person.
        page.wait_for_url(world.bff.url + "/")
        expect(page.locator("main")).to_contain_text(world.person.username)
