"""A host application with the extension, a provider, an upstream and a real store."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from bff.extension import Cloakroom
from bff.sessions.model import AccessToken, Device, SessionRecord, Ticket, TokenSet
from bff.sessions.scripts import CHANGES
from tests.support.fake_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider
from tests.support.upstream import RecordingUpstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from bff.parts import Parts

PUBLIC_URL = "http://localhost:8000"
PAGE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
SCRIPT = {"X-CSRF": "1", "Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin"}
TOKEN = "access-token-of-ada-0123456789abcdefghijklmnop"


class Host:
    """One host application; views are the test's own."""

    def __init__(self, settings: dict[str, Any], provider: FakeProvider) -> None:
        self.settings, self.provider = settings, provider
        self.app = Flask("host")
        self.app.config["CLOAKROOM"] = settings
        self.cloakroom = Cloakroom(self.app)

    @property
    def parts(self) -> Parts:
        """What the extension made for this application."""
        parts: Parts = self.app.extensions["cloakroom"].parts
        return parts

    def view(self, call: Callable[[], Any], *methods: str, path: str = "/view") -> None:
        """Serve *call* at *path*."""
        self.app.add_url_rule(path, path, call, methods=methods or ("GET",))

    def sign_in(
        self, *, scope: str = "", left_s: float = 600, age_s: float = 0, **claims: object
    ) -> Ticket:
        """Return the ticket of a new session of ada's."""
        now = time.time()
        tokens = TokenSet(
            generation=1,
            provider="sso",
            sub="ada",
            access_tokens={"": AccessToken(TOKEN, now + left_s, scope=scope)},
            refresh_token=self.provider.new_refresh_token(),
        )
        record = SessionRecord(
            "sso", self.provider.issuer, "ada", now, now - age_s, now + 3600, claims=claims
        )
        return self.parts.store.create(record, tokens, Device())

    def ask(
        self,
        ticket: Ticket | None = None,
        headers: dict[str, str] | None = None,
        path: str = "/view",
        method: str = "GET",
        cookies: str = "",
        **more: Any,  # noqa: ANN401 - werkzeug's keywords
    ) -> TestResponse:
        """Return the answer to the holder of *ticket*, asked by a script unless told otherwise."""
        cookie = f"session={ticket.encode()}; {cookies}" if ticket is not None else cookies
        client: FlaskClient = self.app.test_client(use_cookies=False)
        given = {
            **(SCRIPT if headers is None else headers),
            **({"Cookie": cookie} if cookie else {}),
        }
        return client.open(path, method=method, headers=given, **more)

    @contextmanager
    def overheard(self) -> Iterator[Callable[[], str]]:
        """Yield what returns the next change that event streams of this store are told."""
        with self.parts.shared.client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(CHANGES)
            channel.get_message(timeout=20)  # the subscription itself

            def hear() -> str:
                message = channel.get_message(timeout=20)
                assert message is not None
                return str(message["data"], "utf-8")

            yield hear

    def close(self) -> None:
        """Let go of everything."""
        self.cloakroom.close(self.app)


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    """A provider that answers rightly unless told otherwise."""
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def upstream() -> Iterator[RecordingUpstream]:
    """An upstream that records."""
    with RecordingUpstream() as upstream:
        yield upstream


@pytest.fixture
def settings(
    provider: FakeProvider, upstream: RecordingUpstream, valkey_url: str
) -> dict[str, Any]:
    """What stands in the host's configuration."""
    sso: dict[str, Any] = {"name": "sso", "issuer": provider.issuer, "client_id": CLIENT_ID}
    sso |= {"client_secret": CLIENT_SECRET, "scopes": ["openid", "offline_access", "notes:read"]}
    return {
        "public_url": PUBLIC_URL,
        "secret_keys": ["k" * 32],
        "redis_url": valkey_url,
        "providers": [sso],
        "upstreams": [upstream.url],
    }


@pytest.fixture
def host(settings: dict[str, Any], provider: FakeProvider) -> Iterator[Host]:
    """A host application."""
    host = Host(settings, provider)
    yield host
    host.close()
