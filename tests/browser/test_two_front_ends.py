"""Two front ends of one deployment in Chromium: one form for both, one sign-out for both."""

from __future__ import annotations

import json
import time
from functools import cached_property
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support import parties
from tests.support.chromium import visitor
from tests.support.figures import show
from tests.support.world import SCOPES, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.support.parties import Party
    from tests.support.stores import Store


class Mall(World):
    """A world whose gateway serves two front ends, each a client of its own at the server."""

    @cached_property
    def bff(self) -> Party:
        """The gateway of both."""
        url = f"http://localhost:{self._bff_port}"
        shop = {"name": "sso-shop", "issuer": self.sso.url, "scopes": SCOPES}
        shop |= self._shop_client(f"{url}/shop")
        first = {"name": "sso", "issuer": self.sso.url, "scopes": SCOPES}
        first |= {name: self.client[name] for name in ("client_id", "client_secret")}
        route = {"upstream": self.workbench.url, "strip_prefix": True, "token": "user"}
        return parties.bff(
            self.folder / "bff",
            redis_url=self.store.url,
            providers=[first, shop],
            routes=[{**route, "path": "/api"}],
            frontends=[
                {
                    "name": "shop",
                    "path": "/shop",
                    "providers": ["sso-shop"],
                    "routes": [{**route, "path": "/shop/api"}],
                }
            ],
            port=self._bff_port,
        )

    def _shop_client(self, url: str) -> dict[str, str]:
        arguments = ["client", "create", "--name", "Shop", "--first-party", "--format", "json"]
        arguments += ["--redirect-uri", f"{url}/bff/callback/sso-shop"]
        arguments += ["--post-logout-redirect-uri", f"{url}/"]
        arguments += ["--backchannel-logout-uri", f"{url}/bff/backchannel-logout/sso-shop"]
        made = json.loads(self.sso.command(*arguments))
        return {name: made[name] for name in ("client_id", "client_secret")}


@pytest.fixture(scope="module")
def mall(tmp_path_factory: pytest.TempPathFactory, valkey: Store) -> Iterator[Mall]:
    """Both front ends, and the server that both sign in at."""
    valkey.flush()
    told = ("--backchannel-logout-uri", "{bff}/bff/backchannel-logout/sso")
    mall = Mall(tmp_path_factory.mktemp("mall"), valkey, client_options=told)
    try:
        mall.start()
        yield mall
    finally:
        mall.stop()


def sign_in(page: Page, address: str) -> None:
    """Begin to sign in from the shell at *address*."""
    page.goto(address)
    page.locator("main a[href*='bff/login']").click()


@pytest.mark.parametrize("leaves", ["", "/shop"])
def test_one_form_and_one_sign_out_for_both(mall: Mall, chromium: Browser, leaves: str) -> None:
    """The second sign-in asks nothing; who signs out at one is told so on the other's page."""
    url, person = mall.bff.url, mall.person
    stays = "/shop" if leaves == "" else ""
    with visitor(chromium) as context:
        pages = {base: context.new_page() for base in ("", "/shop")}
        first = pages[leaves]
        sign_in(first, f"{url}{leaves}/")
        first.locator("input[name=username]").fill(person.username)
        first.locator("input[name=password]").fill(person.password)
        first.locator("main button[type=submit]").click()
        first.wait_for_url(f"{url}{leaves}/")
        second, seen = pages[stays], list[str]()
        second.on("framenavigated", lambda frame: seen.append(frame.url))
        sign_in(second, f"{url}{stays}/")
        second.wait_for_url(f"{url}{stays}/")
        expect(second.locator("[data-fact=name]")).to_contain_text(person.username)
        assert not any("/sign-in" in address for address in seen), "a form was shown"
        names = {cookie["name"] for cookie in context.cookies() if "session" in cookie["name"]}
        assert {"session", "session-shop"} <= names
        expect(second.locator("[data-when=ended]")).to_be_hidden()
        with first.expect_navigation():
            first.locator(f"form[action='{leaves}/bff/logout'] button").click()
        left_at = time.monotonic()
        expect(second.locator("[data-when=ended]")).to_be_visible()
        show(f"signed out at one front end, told on the other's page {_since(left_at)} s later")
    assert mall.sessions.count() == 0


def _since(instant: float) -> str:
    return f"{time.monotonic() - instant:.2f}"
