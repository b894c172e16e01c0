"""The BFF alone between a provider that forges and an upstream that records."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from tests.support import parties
from tests.support.browser import Browser, Response, exchange
from tests.support.forging_provider import ForgingProvider
from tests.support.upstream import RecordingUpstream
from tests.support.world import Sessions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.stores import Store


class ForgedVisitor(Browser):
    """A browser whose sign-in page is the test itself."""

    def __init__(self, world: ForgedWorld) -> None:
        super().__init__()
        self.world = world
        self.bff_url = world.bff.url

    def begin(self, return_to: str = "/") -> str:
        """Start a sign-in; return the authorization URL that it redirects to."""
        asked = self.fetch_page(f"/bff/login?return_to={return_to}")
        assert asked.status == 303, asked.text
        return asked.location

    def fetch_page(self, path: str) -> Response:
        """Navigate to *path* of the BFF, one step."""
        return self.open(self.bff_url + path, follow=False)

    def come_back(self, callback: str, *, follow: bool = False) -> Response:
        """Arrive at the *callback* from the provider's page."""
        self.page = _page_at(self.world.provider.issuer)
        return self.click(callback, follow=follow)

    def sign_in(self, sub: str = "ada", *, return_to: str = "/") -> Response:
        """Sign in as *sub*; return the page that it lands on."""
        self.world.provider.sub = sub
        callback = self.world.provider.authorize(self.begin(return_to))
        return self.come_back(callback, follow=True)

    def api(self, path: str = "/thing", method: str = "GET", **more: Any) -> Response:  # noqa: ANN401 - passed on
        """Call the API as the front end on the BFF's own page does."""
        self.page = _page_at(self.bff_url)
        return self.fetch(f"{self.bff_url}/api{path}", method, **more)

    def user(self) -> Response:
        """Ask the BFF who is signed in."""
        self.page = _page_at(self.bff_url)
        return self.fetch(f"{self.bff_url}/bff/user")

    def log_out(self) -> Response:
        """Sign out as the front end does."""
        self.page = _page_at(self.bff_url)
        return self.fetch(f"{self.bff_url}/bff/logout", "POST")

    def ticket(self) -> str | None:
        """Return the value of the session cookie, or None."""
        found = self.jar.named("session", "localhost")
        return found[0].value if found else None


class ForgedWorld:
    """BFF, forging provider, recording upstream and a store."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        provider: ForgingProvider,
        upstream: RecordingUpstream,
        **settings: Any,  # noqa: ANN401 - the BFF's settings
    ) -> None:
        self.store, self.provider, self.upstream = store, provider, upstream
        self.sessions = Sessions(store)
        common = {"upstream": upstream.url, "strip_prefix": True}
        routes = [
            {"path": "/api", "token": "user", "timeout_s": 15, **common},
            {"path": "/public", "token": "none", **common},
        ]
        self.bff = parties.bff(
            folder, redis_url=store.url, providers=[provider.settings()], routes=routes, **settings
        )

    def reset(self) -> None:
        """Start afresh: no session, an honest provider, an upstream that answers ``ok``."""
        self.store.flush()
        self.provider.be_honest()
        self.upstream.received.clear()
        self.upstream.json_answer({"ok": True})

    def new_visitor(self) -> ForgedVisitor:
        """Return a browser that nobody knows."""
        return ForgedVisitor(self)

    def signed_in(self, sub: str = "ada") -> ForgedVisitor:
        """Return a browser that is signed in as *sub* and has called the API once."""
        visitor = self.new_visitor()
        visitor.sign_in(sub)
        assert visitor.api().status == 200
        return visitor

    def ask(self, cookies: list[str] | bytes, path: str = "/api/thing") -> Response:
        """Call *path* with these Cookie header lines, or raw bytes, and no other sign of who."""
        given = cookies if isinstance(cookies, list) else [cookies.decode("latin-1")]
        lines = [("Cookie", line) for line in given]
        return exchange(self.bff.url + path, "GET", [("X-CSRF", "1"), *lines])

    def secrets(self) -> list[str]:
        """Return every token that the provider issued since the last reset."""
        return list(self.provider.issued)


@contextlib.contextmanager
def forged_world(folder: Path, store: Store, **settings: Any) -> Iterator[ForgedWorld]:  # noqa: ANN401 - as above
    """Run a forged world for as long as the block lasts."""
    with ForgingProvider() as provider, RecordingUpstream() as upstream:
        world = ForgedWorld(folder, store, provider, upstream, **settings)
        world.bff.start()
        try:
            yield world
        finally:
            world.bff.program.stop()


def _page_at(url: str) -> Response:
    return Response(f"{url}/", 200, [], b"")
