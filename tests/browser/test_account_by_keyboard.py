"""Somebody without a mouse makes an account, minds it, and deletes it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.chromium import visitor
from tests.support.visitor import new_person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.support.world import World

STEPS_MAX = 60
# What has the focus, and whether one sees that it has.
_FOCUSED = """selector => {
  const focused = document.activeElement;
  return focused !== null && focused.matches(selector);
}"""
_RING = "() => getComputedStyle(document.activeElement).outlineStyle !== 'none'"
SECTIONS = ("security", "devices", "applications", "data")


def reach(page: Page, selector: str) -> None:
    """Press Tab until what *selector* finds has the focus, visibly."""
    for _ in range(STEPS_MAX):
        page.keyboard.press("Tab")
        if page.evaluate(_FOCUSED, selector):
            assert page.evaluate(_RING), f"nothing shows that {selector} has the focus"
            return
    pytest.fail(f"the keyboard does not reach {selector}")


def follow(page: Page, selector: str) -> None:
    """Reach a link or button and press Enter."""
    reach(page, selector)
    page.keyboard.press("Enter")


def write(page: Page, name: str, text: str) -> None:
    """Reach the field called *name* and write into it."""
    reach(page, f"input[name={name}]")
    page.keyboard.insert_text(text)


def test_the_account_pages_need_no_mouse(
    world: World,
    chromium: Browser,
) -> None:
    """From the sign-up to the end, each section on the way."""
    person, sso = new_person("key"), world.sso.url
    another = secrets.token_urlsafe(18)
    with visitor(chromium) as profile:
        page = profile.new_page()
        page.goto(f"{sso}/account")
        follow(page, "a[href^='/sign-up']")
        page.wait_for_url("**/sign-up**")
        write(page, "username", person.username)
        write(page, "email", person.email)
        write(page, "password", person.password)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{sso}/account")
        for section in SECTIONS:
            follow(page, f"nav a[href='/account/{section}']")
            page.wait_for_url(f"{sso}/account/{section}")
            expect(page.locator("nav a[aria-current=page]")).to_be_visible()
        follow(page, "nav a[href='/account/security']")
        page.wait_for_url(f"{sso}/account/security")
        write(page, "current_password", person.password)
        write(page, "new_password", another)
        page.keyboard.press("Enter")
        expect(page.locator(".notice[role=status]")).to_be_visible()
        follow(page, "nav a[href='/account/data']")
        page.wait_for_url(f"{sso}/account/data")
        write(page, "current_password", "not-" + another)
        page.keyboard.press("Enter")
        # The summary of what is wrong has the focus, and its link leads to the field.
        expect(page.locator("[role=alert]")).to_be_visible()
        write(page, "current_password", another)
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_be_visible()
        page.goto(f"{sso}/account")
        page.wait_for_url("**/sign-in**")
        write(page, "username", person.username)
        write(page, "password", another)
        page.keyboard.press("Enter")
        expect(page.locator("[role=alert]")).to_be_visible()
