"""Front-channel logout in Chromium: the application's frame is loaded, then the browser goes on."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support import chromium as support
from tests.support.showcase import served
from tests.unit.sso.house import PASSWORD, House, request_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


class Application:
    """A relying party that answers everything and remembers what its frame was asked."""

    def __init__(self) -> None:
        self.framed: list[dict[str, list[str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/front" and self.headers["Sec-Fetch-Dest"] == "iframe":
                    outer.framed.append(parse_qs(parts.query))
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def application() -> Iterator[Application]:
    """An application on an origin of its own."""
    application = Application()
    thread = threading.Thread(target=application.server.serve_forever)
    thread.start()
    yield application
    application.server.shutdown()
    thread.join()
    application.server.server_close()


@pytest.mark.rule("A-55", "A-56")
def test_the_frame_is_loaded_and_the_browser_goes_on(
    chromium: Browser,
    application: Application,
    tmp_path: Path,
    valkey_url: str,
    free_port: Callable[[], int],
) -> None:
    """Through our own policy, by itself, with iss and sid in the frame and state on the way."""
    port = free_port()
    issuer, origin = f"http://localhost:{port}", application.origin
    house = House(f"sqlite:///{tmp_path / 'sso.sqlite3'}", valkey_url, issuer=issuer)
    house.client = house.new_client(
        first_party=True,
        redirect_uris=[f"{origin}/back"],
        post_logout_redirect_uris=[f"{origin}/over"],
        frontchannel_logout_uri=f"{origin}/front",
    )
    context = support.visitor(chromium)
    with served(house.app, "localhost", port):
        page = context.new_page()
        asked = request_of(house.client, redirect_uri=f"{origin}/back")
        page.goto(f"{issuer}/oauth/authorize?{urlencode(asked)}")
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{origin}/back?*")
        [code] = parse_qs(urlsplit(page.url).query)["code"]
        tokens = house.redeem(code, redirect_uri=f"{origin}/back").json or {}
        leaving = {
            "id_token_hint": tokens["id_token"],
            "post_logout_redirect_uri": f"{origin}/over",
            "state": "on",
        }
        page.goto(f"{issuer}/oauth/end_session?{urlencode(leaving)}")
        page.wait_for_url(f"{origin}/over?state=on")
        sid = house.claims(tokens["id_token"])["sid"]
        assert application.framed == [{"iss": [issuer], "sid": [sid]}]
        page.goto(f"{issuer}/account")
        assert urlsplit(page.url).path == "/sign-in"
        context.close()
    house.close()
