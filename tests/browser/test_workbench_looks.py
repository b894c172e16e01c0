"""The workbench in Chromium: every page fits, is accessible and stays within its policy.

Pictures are kept. In the run of every day languages, schemes and widths are paired so that each
meets each other; ``WORKBENCH_LOOKS=all`` takes every combination.
"""

from __future__ import annotations

import itertools
import os
from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import expect

from tests.support import chromium as support
from tests.support import foreign
from tests.support.bench_stub import PAGES, bench_stub
from tests.support.showcase import NOW, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

_NARROW_PX, _WIDE_PX = 360, 1280
_TARGET_PX = 24  # WCAG 2.2 §2.5.8
Scheme = Literal["light", "dark"]
_SCHEMES: tuple[Scheme, ...] = ("light", "dark")
_EVERY = list(itertools.product(("en", "zh"), _SCHEMES, (_NARROW_PX, _WIDE_PX)))
_PAIRED = [
    ("zh", "light", _NARROW_PX),
    ("en", "dark", _NARROW_PX),
    ("en", "light", _WIDE_PX),
    ("zh", "dark", _WIDE_PX),
]
_TAKEN = _EVERY if os.environ.get("WORKBENCH_LOOKS") == "all" else _PAIRED
_GO = """path => { history.pushState(null, "", path);
    dispatchEvent(new PopStateEvent("popstate")); }"""
_TOO_SMALL = """least => [...document.querySelectorAll("button, select, summary, .button")]
    .filter(part => part.checkVisibility() && !part.closest(".hush"))
    .filter(part => { const box = part.getBoundingClientRect();
                      return box.width < least || box.height < least; })
    .map(part => part.outerHTML)"""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(bench_stub()) as origin:
        yield origin


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, an independent judge of accessibility."""
    foreign.node()
    source = foreign.FOREIGN / "node_modules" / "axe-core" / "axe.min.js"
    return source.read_text(encoding="utf-8")


def show(page: Page, path: str) -> None:
    """Go to *path* within the page, as a link does; return when nothing is on its way any more."""
    page.evaluate(_GO, path)
    settle(page, path)


def settle(page: Page, path: str = "/") -> None:
    """Wait until the page shows what it was asked for."""
    place = path.partition("?")[0].partition("#")[0]
    page.locator(f".page[data-path='{place}'] h1").first.wait_for()
    expect(page.locator(".loading, .plain-text")).to_have_count(0)


def violations(page: Page) -> list[str]:
    """Return what axe, loaded before, finds wrong with the page."""
    found: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in found["violations"]]


def open_page(chromium: Browser, **taken: Any) -> tuple[Page, support.Recording]:  # noqa: ANN401 - as `visitor`
    """Return a page of a fresh profile whose clock stands where the answers are of."""
    context = support.visitor(chromium, **taken)
    recording = support.Recording(context)
    page = context.new_page()
    page.clock.set_fixed_time(NOW.astimezone(UTC))
    return page, recording


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("language", "scheme", "width"), _TAKEN)
def test_pages_fit_and_are_accessible(
    chromium: Browser, origin: str, axe: str, language: str, scheme: Scheme, width: int
) -> None:
    """No page overflows, breaks its policy, has a target too small, or fails axe."""
    page, recording = open_page(chromium, language=language, scheme=scheme, width=width)
    faults: dict[str, Any] = {}
    page.goto(origin)
    settle(page)
    page.evaluate(axe)
    for name, path in PAGES.items():
        show(page, path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults[f"{name} overflows"] = width
        faults[f"{name} small targets"] = page.evaluate(_TOO_SMALL, _TARGET_PX)
        if width == _NARROW_PX:  # axe judges the document, which is the same at a desk
            faults[f"{name} axe"] = violations(page)
        support.keep_screenshot(page, f"workbench-{name}.{language}.{scheme}.{width}")
    page.context.close()
    assert {what: found for what, found in faults.items() if found} == {}
    assert recording.complaints == []
