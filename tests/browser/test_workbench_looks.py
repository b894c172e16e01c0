"""The workbench in Chromium: every page fits, is accessible and stays within its policy."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support import chromium as support
from tests.support.bench_stub import PAGES
from tests.support.looks import faults_of
from tests.support.showcase import NOW

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_GO = """path => { history.pushState(null, "", path);
    dispatchEvent(new PopStateEvent("popstate")); }"""


def show(page: Page, path: str) -> None:
    """Go to *path* within the page, as a link does; return when nothing is on its way any more."""
    page.evaluate(_GO, path)
    settle(page, path)


def settle(page: Page, path: str = "/") -> None:
    """Wait until the page shows what it was asked for."""
    place = path.partition("?")[0].partition("#")[0]
    page.locator(f".page[data-path='{place}'] h1").first.wait_for()
    expect(page.locator(".loading, .plain-text")).to_have_count(0)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_fit_and_are_accessible(
    chromium: Browser, origin: str, axe: str, language: str
) -> None:
    """No page overflows, breaks its policy, has a target too small, or fails axe.

    axe judges the document, which is the same in both languages but for its words.
    """
    context = support.visitor(chromium, language=language)
    recording = support.Recording(context)
    page = context.new_page()
    page.clock.set_fixed_time(NOW.astimezone(UTC))
    page.goto(origin)
    settle(page)
    faults: dict[str, Any] = {}
    for name, path in PAGES.items():
        show(page, path)
        faults |= faults_of(page, f"workbench-{name}", axe if language == "en" else None)
    context.close()
    assert {what: found for what, found in faults.items() if found} == {}
    assert recording.complaints == []
