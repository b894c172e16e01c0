"""Somebody at the workbench, in a Chromium profile of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.support import chromium as support
from tests.support.visitor import new_person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

    from tests.support.visitor import Person

# What Chromium itself says of an answer that the page asked for and understands.
_ANSWERED = re.compile(r"Failed to load resource: the server responded with a status of (401|412)")
LIVE_WITHIN_MS = 30_000


class Desk:
    """One person, one browser."""

    def __init__(self, browser: Browser, url: str, person: Person | None = None) -> None:
        self.url = url
        self.person = person or new_person("nia")
        self.context = support.visitor(browser)
        self._recording = support.Recording(self.context)
        self.page = self.context.new_page()

    @property
    def name(self) -> str:
        """What the others call them."""
        return self.person.username

    def sign_up(self, path: str = "/") -> None:
        """Make an account from the page that anonymous visitors of *path* get; ends there."""
        self.page.goto(f"{self.url}{path}")
        self.page.locator("main a[href^='/bff/login']").click()
        self.page.locator("a[href^='/sign-up']").click()
        self.page.locator("input[name=username]").fill(self.person.username)
        self.page.locator("input[name=email]").fill(self.person.email)
        self.page.locator("input[name=password]").fill(self.person.password)
        self.page.locator("main button[type=submit]").click()
        self.page.wait_for_url(lambda url: url.startswith(self.url) or "/sign-in" in url)
        if "/sign-in" in self.page.url:
            self._give_password()
        self.arrive()

    def sign_in(self) -> None:
        """Sign in from the landing page."""
        self.page.goto(f"{self.url}/")
        self.page.locator("main a[href^='/bff/login']").click()
        self._give_password()
        self.arrive()

    def _give_password(self) -> None:
        self.page.locator("input[name=username]").fill(self.person.username)
        self.page.locator("input[name=password]").fill(self.person.password)
        self.page.locator("main button[type=submit]").click()

    def arrive(self) -> None:
        """Wait until the workbench stands."""
        self.page.wait_for_url(f"{self.url}/**")
        self.page.locator("#content h1").wait_for()

    def go(self, path: str) -> None:
        """Open an address by hand."""
        self.page.goto(f"{self.url}{path}")
        self.page.locator("#content h1").wait_for()

    def press(self, name: str, within: Locator | None = None) -> None:
        """Press the button called *name*."""
        (within or self.page).get_by_role("button", name=name, exact=True).first.click()

    def follow(self, name: str) -> None:
        """Follow the link called *name*; a count may stand before it."""
        wanted = re.compile(rf"^(\d+ unread ?)?{re.escape(name)}$")
        self.page.get_by_role("link", name=wanted).first.click()

    def fill(self, **fields: str) -> None:
        """Fill in fields by their labels; ``_`` stands for a blank."""
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).last.fill(value)

    def choose(self, menu: str, item: str) -> None:
        """Choose *item* from the menu called *menu*."""
        self.press(menu)
        self.page.get_by_role("menuitem", name=item, exact=True).click()

    def sees(self, text: str, within: str = "#content") -> None:
        """Wait until *text* is there; nothing is loaded anew."""
        shown = self.page.locator(within).get_by_text(text).first
        expect(shown).to_be_visible(timeout=LIVE_WITHIN_MS)

    def is_told(self, text: str) -> None:
        """Wait for the short notice *text*."""
        expect(self.page.locator(".toasts").get_by_text(text).first).to_be_visible()

    def ask(self, path: str) -> Any:  # noqa: ANN401 - what an API says is anything
        """Return what the API says at *path*, asked from the page."""
        return self.page.evaluate(
            "path => fetch('/api' + path, {headers: {'X-CSRF': '1'}}).then(one => one.json())", path
        )

    def complaints(self) -> list[str]:
        """Return what the browser complained of, expected refusals apart."""
        return [one for one in self._recording.complaints if not _ANSWERED.search(one)]

    def close(self) -> None:
        """Close the browser profile."""
        self.context.close()
