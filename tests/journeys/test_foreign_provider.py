"""The same BFF, the same journeys, at an OpenID provider that nobody here wrote."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support import leaks, parties
from tests.support.foreign import OpenIdProvider
from tests.support.ports import free_port
from tests.support.stores import Store, started, valkey_binary
from tests.support.unsealing import tokens_behind
from tests.support.upstream import RecordingUpstream
from tests.support.visitor import Visitor, new_person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.browser import Response
    from tests.support.parties import Party

ACCESS_TTL_S = 2  # soon over, so that a journey meets a renewal


@dataclass
class Abroad:
    """The BFF at the foreign provider, before an upstream that records."""

    bff: Party
    provider: OpenIdProvider
    upstream: RecordingUpstream
    store: Store

    def new_visitor(self) -> Visitor:
        """Return a browser."""
        return Visitor(self.bff.url, new_person("foreign"))

    def sign_in(self, visitor: Visitor, return_to: str = "/") -> Response:
        """Sign in by the provider's development pages: a name, any password, then consent."""
        # offline_access is granted only where consent is asked for (OIDC Core §11).
        visitor.open(visitor.login_url(return_to, prompt="consent"))
        form = visitor.form_with("login")
        visitor.submit(form, login=visitor.person.username, password="any")
        return visitor.submit(visitor.form_with("prompt"))


@contextmanager
def abroad_in(folder: Path, *, strict: bool = False) -> Iterator[Abroad]:
    """Start everything below *folder*; *strict* is the provider's."""
    port = free_port()
    ttl = {"AccessToken": ACCESS_TTL_S}
    provider = OpenIdProvider(folder, f"http://localhost:{port}", ttl=ttl, strict=strict)
    provider.start()
    with (
        RecordingUpstream() as upstream,
        started(Store(valkey_binary(), folder / "store")) as store,
    ):
        route = {"path": "/api", "upstream": upstream.url, "strip_prefix": True, "token": "user"}
        bff = parties.bff(
            folder / "bff",
            redis_url=store.url,
            providers=[provider.settings()],
            routes=[route],
            port=port,
        )
        bff.start()
        yield Abroad(bff, provider, upstream, store)
        bff.program.stop()
    provider.program.stop()


@pytest.fixture(scope="module")
def abroad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Abroad]:
    """One foreign provider for this file."""
    with abroad_in(tmp_path_factory.mktemp("abroad")) as abroad:
        yield abroad


@pytest.mark.rule("B-46")
def test_foreign_provider_signs_in_calls_refreshes_and_signs_out(abroad: Abroad) -> None:
    """Sign-in, API call, refresh and sign-out work without a line made for this provider."""
    visitor = abroad.new_visitor()
    landed = abroad.sign_in(visitor, "/?here=1")
    assert landed.url == f"{abroad.bff.url}/?here=1"
    user = visitor.user().json()
    assert user["sub"] == visitor.person.username
    assert user["iss"] == abroad.provider.issuer
    assert visitor.api("/things?x=%20y").status == 200
    received = abroad.upstream.last
    assert received.target == b"/things?x=%20y"
    first = received.values("Authorization")
    assert first[0].startswith("Bearer ")
    assert received.values("Cookie") == []

    def renewed() -> bool:
        assert visitor.api("/again").status == 200
        return abroad.upstream.last.values("Authorization") != first

    abroad.bff.program.wait_until(renewed, within_s=60)
    sealed = tokens_behind(visitor.ticket() or "", abroad.store)
    assert len(sealed) == 3, "access, refresh and ID token"
    seen = {f"{n} {answer.url}": answer.seen() for n, answer in enumerate(visitor.history)}
    assert leaks.found_in(seen, [*sealed, first[0].removeprefix("Bearer ")]) == []


def test_foreign_sign_out_ends_the_session_at_both_ends(abroad: Abroad) -> None:
    """The provider asks once more, then sends the visitor home; the next sign-in asks who."""
    visitor = abroad.new_visitor()
    abroad.sign_in(visitor)
    asked = visitor.sign_out()
    if asked.url.startswith(abroad.provider.issuer):
        # Its own page: a form with two buttons, of which "yes" is one.
        form = asked.html.forms[0]
        home = visitor.submit(form, logout="yes")
        assert home.url.startswith(abroad.bff.url)
    assert visitor.api().status == 401
    visitor.open(visitor.login_url())
    assert "login" in visitor.form_with("login").fields


def test_denied_consent_is_a_page_to_start_again(abroad: Abroad) -> None:
    """Whoever says no at the provider finds words and a way back, and no session."""
    visitor = abroad.new_visitor()
    visitor.open(visitor.login_url("/", prompt="consent"))
    cancel = next(link for link in visitor.page_links() if link.endswith("/abort"))
    answer = visitor.click(cancel)
    assert answer.status in {400, 502, 503}
    assert answer.is_html
    assert any("/bff/login" in link for link in answer.html.links)
    assert visitor.ticket() is None
