"""npm ``oidc-provider``, a certified provider, with everything on that makes a client sweat.

Pushed requests alone, every refresh token rotated and the grant ended where one comes twice, and
back-channel logout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.journeys.test_foreign_provider import Abroad, abroad_in
from tests.support.unsealing import tokens_behind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.visitor import Visitor


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Abroad]:
    """One strict provider for this file."""
    with abroad_in(tmp_path_factory.mktemp("strict"), strict=True) as abroad:
        yield abroad


def test_the_browser_carries_nothing_of_the_request(strict: Abroad) -> None:
    """RFC 9126: the provider demands it, so it is pushed, and the sign-in is completed."""
    visitor = strict.new_visitor()
    landed = strict.sign_in(visitor, "/?here=1")
    assert landed.url == f"{strict.bff.url}/?here=1"
    [asked] = [
        answer.location for answer in visitor.history if urlsplit(answer.url).path == "/bff/login"
    ]
    assert parse_qs(urlsplit(asked).query).keys() == {"client_id", "request_uri"}
    assert visitor.user().json()["sub"] == visitor.person.username


def bearer(strict: Abroad, visitor: Visitor) -> str:
    """Return the token that the upstream got with one call."""
    assert visitor.api().status == 200
    return str(strict.upstream.last.values("Authorization")[0])


def test_every_renewal_rotates_and_none_comes_twice(strict: Abroad) -> None:
    """Three generations: a refresh token that came twice would end the grant, and so the next."""
    visitor = strict.new_visitor()
    strict.sign_in(visitor)
    seen = {bearer(strict, visitor)}
    kept = set(tokens_behind(visitor.ticket() or "", strict.store))
    for _generation in range(3):
        strict.bff.program.wait_until(lambda: bearer(strict, visitor) not in seen, within_s=10)
        seen.add(bearer(strict, visitor))
        now = set(tokens_behind(visitor.ticket() or "", strict.store))
        assert len(now & kept) <= 1, "of access, refresh and ID token only the last may stay"
        kept = now
    assert visitor.user().status == 200


def test_a_sign_out_at_the_provider_ends_the_session_here(strict: Abroad) -> None:
    """Back-channel: the browser never came by, and the ticket is dead all the same."""
    visitor, other = strict.new_visitor(), strict.new_visitor()
    strict.sign_in(visitor)
    strict.sign_in(other)
    asked = visitor.open(f"{strict.provider.issuer}/session/end")
    visitor.submit(asked.html.forms[0], logout="yes")
    visitor.open(f"{strict.bff.url}/")
    strict.bff.program.wait_until(lambda: visitor.api().status == 401, within_s=10)
    assert other.api().status == 200, "somebody else's session is somebody else's"
    assert "provider_back_channel" in strict.bff.program.log()
