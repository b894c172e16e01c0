"""Debian's Chromium, headless, with a fresh profile for each visitor, and all that it saw."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import Error, expect, sync_playwright

from tests.support import needs
from tests.support.programs import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, Response

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ARTIFACTS = ROOT / "var" / "test-artifacts"
_TIMEOUT_MS = 60_000  # of what is waited for; a busy machine is no failure

expect.set_options(timeout=_TIMEOUT_MS)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium for as long as the block lasts.

    Do not keep it open over tests that use asyncio: Playwright's loop runs in this thread.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        needs.missing("chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def visitor(
    browser: Browser,
    *,
    language: str = "en",
    scheme: Literal["light", "dark"] = "light",
    width: int = 1280,
    javascript: bool = True,
) -> BrowserContext:
    """Return a fresh profile: no cookies, no cache; close it after use."""
    context = browser.new_context(
        locale=language,
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
        java_script_enabled=javascript,
        reduced_motion="reduce",
    )
    context.set_default_timeout(_TIMEOUT_MS)
    return context


def keep_screenshot(page: Page, name: str) -> Path:
    """Keep a picture of the whole *page* among the artefacts of the run."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTIFACTS / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path


class Recording:
    """Every request, response and message of one profile, from its first page to its last."""

    def __init__(self, context: BrowserContext) -> None:
        self._responses: list[Response] = []
        self.addresses: list[str] = []
        self.complaints: list[str] = []
        context.on("response", self._note)  # Playwright marks its handlers; a built-in cannot be
        context.on("page", self._watch)

    def _note(self, response: Response) -> None:
        self._responses.append(response)

    def _watch(self, page: Page) -> None:
        page.on("framenavigated", lambda frame: self.addresses.append(frame.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def everything(self) -> dict[str, str]:
        """Return all that was sent or received, by address and number of the exchange."""
        return {
            f"{number} {response.request.method} {response.url}": _content(response)
            for number, response in enumerate(self._responses)
        }


def storage(page: Page) -> str:
    """Return what scripts of the page's origin could read: storage, cookies, history, names."""
    found: str = page.evaluate(
        """async () => JSON.stringify({
            local: {...localStorage}, session: {...sessionStorage}, cookies: document.cookie,
            databases: await indexedDB.databases(), caches: await caches.keys(),
            address: location.href, referrer: document.referrer, name: window.name,
            history: history.state, page: document.documentElement.outerHTML,
        })"""
    )
    return found


def _content(response: Response) -> str:
    sent = [f"{name}: {value}" for name, value in response.request.all_headers().items()]
    received = [f"{line['name']}: {line['value']}" for line in response.headers_array()]
    body = response.request.post_data or ""
    with contextlib.suppress(Error):  # a redirect has no body that anybody could see
        body += "\n" + response.text()
    return "\n".join([response.url, *sent, *received, body])
