"""Chromium for the tests of this folder, and the workbench in it over answers written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import chromium as support
from tests.support import foreign
from tests.support.bench_answers import DOCUMENT
from tests.support.bench_stub import PAGES, bench_stub
from tests.support.showcase import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One Chromium for a file of tests; make a fresh profile with ``support.chromium.visitor``."""
    with support.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, an independent judge of accessibility."""
    foreign.node()
    source = foreign.FOREIGN / "node_modules" / "axe-core" / "axe.min.js"
    return source.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Where the workbench is served to somebody who is signed in."""
    with served(bench_stub()) as origin:
        yield origin


@pytest.fixture(scope="module")
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """One profile for all: the files are loaded once."""
    with support.visitor(chromium) as context:
        yield context


@pytest.fixture
def page(profile: BrowserContext, origin: str) -> Iterator[Page]:
    """A page at the first document, of somebody who left nothing behind."""
    page = profile.new_page()
    page.goto(origin + PAGES["document"])
    page.get_by_role("heading", name=DOCUMENT["name"], level=1).wait_for()
    yield page
    page.evaluate("localStorage.clear()")
    page.close(run_before_unload=False)
    profile.clear_cookies()
    profile.unroute_all()
