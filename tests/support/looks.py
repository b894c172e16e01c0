"""What every page of ours keeps to, asked of Chromium: it fits, can be hit, and can be read.

A page is loaded once in each language. Width and scheme are changed under it, as by somebody who
turns the telephone or the light; what they cannot change is judged once. ``LOOKS=all`` also takes
a picture of every page in every language, scheme and width.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Literal

from tests.support import chromium as support

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

_NARROW_PX, _WIDE_PX = 360, 1280
_TARGET_PX = 24  # WCAG 2.2 §2.5.8
_SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
_PICTURES = os.environ.get("LOOKS") == "all"
_OVERFLOWS = "document.documentElement.scrollWidth > innerWidth"
# Whoever misses a box may hit the words that belong to it.
_TOO_SMALL = """least => [...document.querySelectorAll("button, input, select, summary, .button")]
    .filter(part => !part.matches("[type=hidden], :disabled") && !part.closest(".hush"))
    .map(part => part.matches("label *") ? part.closest("label") : part)
    .filter(part => part.checkVisibility())
    .filter(part => { const box = part.getBoundingClientRect();
                      return box.width < least || box.height < least; })
    .map(part => part.outerHTML)"""
_JUDGE = "taken => axe.run({resultTypes: ['violations'], ...taken})"
_CONTRAST_ALONE = {"runOnly": ["color-contrast"]}


def faults_of(page: Page, name: str, axe: str | None) -> Iterator[tuple[str, Any]]:
    """Yield what is wrong with the page at hand, called *name*; *axe*, where given, judges it too.

    Ends as it began, narrow and light.
    """
    for width in (_WIDE_PX, _NARROW_PX):
        page.set_viewport_size({"width": width, "height": 800})
        yield f"{name} overflows at {width}", page.evaluate(_OVERFLOWS)
        yield f"{name} has small targets at {width}", page.evaluate(_TOO_SMALL, _TARGET_PX)
    if axe is not None:
        yield from _judged(page, name, axe)
    if _PICTURES:
        _take_pictures(page, name)


def _judged(page: Page, name: str, axe: str) -> Iterator[tuple[str, Any]]:
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(axe)
    yield f"{name} fails axe", _violations(page, {})
    # The scheme changes colours and nothing else.
    page.emulate_media(color_scheme="dark")
    yield f"{name} fails axe in the dark", _violations(page, _CONTRAST_ALONE)
    page.emulate_media(color_scheme="light")


def _violations(page: Page, taken: dict[str, Any]) -> list[str]:
    found: dict[str, Any] = page.evaluate(_JUDGE, taken)
    return [f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in found["violations"]]


def _take_pictures(page: Page, name: str) -> None:
    language = page.locator("html").get_attribute("lang")
    for scheme in _SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in (_WIDE_PX, _NARROW_PX):
            page.set_viewport_size({"width": width, "height": 800})
            support.keep_screenshot(page, f"{name}.{language}.{scheme}.{width}")
    page.emulate_media(color_scheme="light")
