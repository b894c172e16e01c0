"""npm ``oidc-provider``, a certified provider, with everything on that makes a client sweat.

Pushed requests alone, tokens bound to a key with its nonce in every proof, every refresh token
rotated and the grant ended where one comes twice, and back-channel logout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.journeys.test_foreign_provider import Abroad, abroad_in
from tests.support.proofs import ProofJudge
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


def test_tokens_are_bound_to_the_sessions_key(strict: Abroad) -> None:
    """RFC 9449: code, UserInfo and refresh were proven to it, and each call to the upstream is."""
    visitor = strict.new_visitor()
    strict.sign_in(visitor)
    assert visitor.user().json()["claims"]["name"] == f"Foreign {visitor.person.username}"
    judge, seen = ProofJudge(demands_nonce=False), set[str]()
    tokens: set[str] = set()

    def renewed() -> bool:
        scheme, token = bearer(strict, visitor).split(" ")
        assert scheme == "DPoP"
        asked = strict.upstream.last
        path = asked.target.partition(b"?")[0].decode()
        thumbprint = judge.judge(asked, f"{strict.upstream.url}{path}", token)
        assert isinstance(thumbprint, str)
        seen.add(thumbprint)
        tokens.add(token)
        return len(tokens) > 1

    strict.bff.program.wait_until(renewed, within_s=60)
    assert len(seen) == 1


def bearer(strict: Abroad, visitor: Visitor) -> str:
    """Return the token that the upstream got with one call."""
    assert visitor.api().status == 200
    return str(strict.upstream.last.values("Authorization")[0])


@pytest.mark.rule("B-34")
def test_every_renewal_rotates_and_none_comes_twice(strict: Abroad) -> None:
    """Three generations: a refresh token that came twice would end the grant, and so the next."""
    visitor = strict.new_visitor()
    strict.sign_in(visitor)
    seen = {bearer(strict, visitor)}
    kept = set(tokens_behind(visitor.ticket() or "", strict.store))
    for _generation in range(3):
        strict.bff.program.wait_until(lambda: bearer(strict, visitor) not in seen, within_s=60)
        seen.add(bearer(strict, visitor))
        now = set(tokens_behind(visitor.ticket() or "", strict.store))
        assert len(now & kept) <= 1, "of access, refresh and ID token only the last may stay"
        kept = now
    assert visitor.user().status == 200


@pytest.mark.rule("B-40")
def test_a_sign_out_at_the_provider_ends_the_session_here(strict: Abroad) -> None:
    """Back-channel: the browser never came by, and the ticket is dead all the same."""
    visitor, other = strict.new_visitor(), strict.new_visitor()
    strict.sign_in(visitor)
    strict.sign_in(other)
    asked = visitor.open(f"{strict.provider.issuer}/session/end")
    visitor.submit(asked.html.forms[0], logout="yes")
    visitor.open(f"{strict.bff.url}/")
    strict.bff.program.wait_until(lambda: visitor.api().status == 401, within_s=60)
    assert other.api().status == 200, "somebody else's session is somebody else's"
    strict.bff.program.wait_until(lambda: "provider_back_channel" in strict.bff.program.log())
