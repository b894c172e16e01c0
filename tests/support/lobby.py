"""The control plane through Flask's test client, with a fake provider and visitors with cookies."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from bff.factory import build_control_plane
from bff.parts import build_parts, build_shared
from bff.sessions.model import Session, Ticket
from bff.settings import Settings
from tests.support.cookies import Jar, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from werkzeug.test import TestResponse

    from bff.parts import Parts
    from tests.support.fake_provider import FakeProvider

PUBLIC_URL = "https://app.example.com"
HOST = "app.example.com"
SESSION = "__Host-Http-session"
OWN_PAGE = {"X-CSRF": "1", "Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL}


class Lobby:
    """A control plane, its provider, and what its store holds."""

    def __init__(self, parts: Parts, fake: FakeProvider) -> None:
        self.app = build_control_plane(parts)
        self.parts = parts
        self.fake = fake
        self.redis = parts.shared.client

    def visitor(self) -> Visitor:
        """Return a browser that nobody knows."""
        return Visitor(self)

    def signed_in(self, sub: str = "ada") -> Visitor:
        """Return a browser that is signed in as *sub*."""
        visitor = self.visitor()
        assert visitor.sign_in(sub).status_code == 200
        return visitor

    def sessions(self) -> int:
        """Return how many sessions live."""
        return len(list(self.redis.scan_iter("session:*")))

    def keys(self) -> list[str]:
        """Return the kinds of keys that the store holds."""
        return sorted(key.decode().split(":")[0] for key in self.redis.scan_iter())


class Visitor:
    """A browser: it keeps cookies by the rules and says what page a request comes from."""

    def __init__(self, lobby: Lobby) -> None:
        self.lobby = lobby
        self.jar = Jar()
        self._client = lobby.app.test_client(use_cookies=False)

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        cross_site: bool = False,
        headers: Mapping[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - werkzeug's
    ) -> TestResponse:
        """Return the answer to one request of a page, ours unless *cross_site*."""
        bare = urlsplit(path).path
        step = Step(HOST, bare, method, cross_site=cross_site)
        sent = {"Accept": "text/html", **(headers or {})}
        cookie = self.jar.header_for(step)
        if cookie is not None:
            sent["Cookie"] = cookie
        reply = self._client.open(path, method=method, headers=sent, base_url=PUBLIC_URL, **more)
        for header in reply.headers.getlist("Set-Cookie"):
            self.jar.store(HOST, bare, header)
        return reply

    def call(self, path: str, method: str = "GET", **more: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's
        """Return the answer to a script of our own page."""
        return self.ask(path, method, headers={"Accept": "application/json", **OWN_PAGE}, **more)

    def begin(self, return_to: str = "/", **parameters: str) -> str:
        """Start signing in; return the address at the provider."""
        query = "".join(f"&{name}={quote(value)}" for name, value in parameters.items())
        reply = self.ask(f"/bff/login?return_to={quote(return_to)}{query}")
        assert reply.status_code == 303, reply.text
        return reply.headers["Location"]

    def come_back(self, callback: str) -> TestResponse:
        """Arrive at *callback* from the provider's page."""
        return self.ask(callback, cross_site=True)

    def sign_in(self, sub: str = "ada", return_to: str = "/") -> TestResponse:
        """Sign in as *sub*; return the callback's answer."""
        self.lobby.fake.sub = sub
        return self.come_back(self.lobby.fake.callback(self.begin(return_to)))

    @property
    def ticket(self) -> Ticket | None:
        """The ticket that the browser holds."""
        held = self.jar.named(SESSION)
        return Ticket.parse(held[0].value.encode()) if held else None

    def session(self) -> Session | None:
        """Return the living session behind the ticket."""
        return self.lobby.parts.store.load(self.ticket) if self.ticket else None


@contextlib.contextmanager
def open_lobby(fake: FakeProvider, redis_url: str, **settings: Any) -> Iterator[Lobby]:  # noqa: ANN401 - settings
    """Run a control plane with *fake* as its one provider for as long as the block lasts."""
    given: dict[str, Any] = {
        "public_url": PUBLIC_URL,
        "secret_keys": ["k" * 40],
        "redis_url": redis_url,
        "providers": [fake.settings()],
    }
    shared = build_shared(Settings.model_validate(given | settings))
    parts = build_parts(shared, shared.settings.all_frontends()[0])
    try:
        yield Lobby(parts, fake)
    finally:
        parts.close()
        shared.client.close()
        shared.transport.close()
