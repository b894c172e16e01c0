"""A provider says that a sign-in is over: what is believed, what ends, and what never does."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from bff.tokens.logout_token import EVENT
from tests.support.fake_provider import CLIENT_ID, REVOKE, changed, sign_well, signing_key

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from bff.sessions.model import Ticket
    from tests.support.lobby import Lobby, Visitor

HEADER = {"alg": "RS256", "kid": "good", "typ": "logout+jwt"}
BACK = "/bff/backchannel-logout/sso"
FRONT = "/bff/frontchannel-logout/sso"


def claims_for(lobby: Lobby, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - claims
    """Return the claims of a right logout token; None takes one away."""
    now = int(time.time())
    right: dict[str, Any] = {"iss": lobby.fake.issuer, "aud": CLIENT_ID, "iat": now}
    right |= {"exp": now + 120, "jti": secrets.token_hex(8), "events": {EVENT: {}}}
    return changed({**right, "sid": "sid-1"}, changes)


def send(lobby: Lobby, token: str) -> TestResponse:
    """Return the answer to the provider's own server."""
    body = {"logout_token": token}
    return lobby.app.test_client().post(BACK, data=body, base_url="https://app.example.com")


def sign_in(lobby: Lobby, sub: str, sid: str) -> tuple[Visitor, Ticket]:
    """Return a browser that is signed in as *sub* by the provider's session *sid*."""
    lobby.fake.claims = {"sid": sid}
    visitor = lobby.signed_in(sub)
    assert visitor.ticket is not None
    return visitor, visitor.ticket


@pytest.mark.rule("B-40", "B-41", "S-097")
@pytest.mark.parametrize(
    ("named", "ended"),
    [
        ({"sid": "sid-1"}, {"ada at home"}),
        ({"sid": "sid-1", "sub": "ada"}, {"ada at home"}),
        ({"sid": None, "sub": "ada"}, {"ada at home", "ada away"}),
        ({"sid": "sid-of-nobody"}, set()),
        ({"sid": None, "sub": "nobody"}, set()),
    ],
)
def test_what_is_named_ends_and_nothing_else(
    lobby: Lobby, named: dict[str, Any], ended: set[str]
) -> None:
    """One sign-in by ``sid``; all of a person's by ``sub`` alone; 200 also where none was left."""
    sessions = {
        "ada at home": sign_in(lobby, "ada", "sid-1")[1],
        "ada away": sign_in(lobby, "ada", "sid-2")[1],
        "bob": sign_in(lobby, "bob", "sid-3")[1],
    }
    reply = send(lobby, sign_well(HEADER, claims_for(lobby, **named)))
    assert reply.status_code == 200
    assert reply.headers["Cache-Control"] == "private, no-store"
    dead = {name for name, ticket in sessions.items() if lobby.parts.store.load(ticket) is None}
    assert dead == ended


NOT_BELIEVED: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another client": {"aud": "another"},
    "another client too": {"aud": [CLIENT_ID, "another"]},
    "no audience": {"aud": None},
    "no jti": {"jti": None},
    "jti that is no name": {"jti": 7},
    "no exp": {"exp": None},
    "over": {"exp": 1},
    "exp that is no instant": {"exp": 1e300},
    "no iat": {"iat": None},
    "from long ago": {"iat": 1},
    "from the future": {"iat": 2**40},
    "no events": {"events": None},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "event that is no object": {"events": {EVENT: True}},
    "events that is a list": {"events": [EVENT]},
    "a nonce": {"nonce": "n"},
    "neither sid nor sub": {"sid": None},
    "sid that is no name": {"sid": ["sid-1"]},
    "sub that is no name": {"sub": {"a": 1}},
}


@pytest.mark.rule("B-40", "S-096")
@pytest.mark.parametrize("changes", NOT_BELIEVED.values(), ids=NOT_BELIEVED.keys())
def test_a_claim_at_fault_ends_nothing(lobby: Lobby, changes: dict[str, Any]) -> None:
    """400, and everybody stays signed in (BCL §2.6)."""
    _visitor, ticket = sign_in(lobby, "ada", "sid-1")
    assert send(lobby, sign_well(HEADER, claims_for(lobby, **changes))).status_code == 400
    assert lobby.parts.store.load(ticket) is not None


def _by_a_stranger(claims: dict[str, Any]) -> str:
    key = RSAKey.generate_key(2048, {"kid": "good"})
    return jwt.encode(HEADER, claims, key)


def _signed_by_hand(header: dict[str, Any], claims: dict[str, Any], key: bytes | None) -> str:
    parts = [_base64url(json.dumps(part).encode()) for part in (header, claims)]
    signature = b"" if key is None else hmac.digest(key, ".".join(parts).encode(), "sha256")
    return ".".join([*parts, _base64url(signature)])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _by_the_public_key(claims: dict[str, Any]) -> str:
    return _signed_by_hand({**HEADER, "alg": "HS256"}, claims, signing_key().as_pem(private=False))


def _unsigned(claims: dict[str, Any]) -> str:
    return _signed_by_hand({**HEADER, "alg": "none"}, claims, None)


FORGERIES = {
    "of a stranger's key": _by_a_stranger,
    "HMAC with the public key": _by_the_public_key,
    "without a signature": _unsigned,
    "an ID token's type": lambda claims: sign_well({**HEADER, "typ": "JWT"}, claims),
    "an access token's type": lambda claims: sign_well({**HEADER, "typ": "at+jwt"}, claims),
    "no type": lambda claims: sign_well({"alg": "RS256", "kid": "good"}, claims),
    "an unknown key": lambda claims: sign_well({**HEADER, "kid": "stranger"}, claims),
    "no token": lambda _claims: "not-a-token",
    "nothing": lambda _claims: "",
    "far too much": lambda _claims: "a." * 25_000,
}


@pytest.mark.rule("B-40", "S-096")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forgery_ends_nothing(lobby: Lobby, forge: Any) -> None:  # noqa: ANN401 - a function
    """Signature by a published key, a pinned algorithm, and its own type, or 400."""
    _visitor, ticket = sign_in(lobby, "ada", "sid-1")
    assert send(lobby, forge(claims_for(lobby))).status_code == 400
    assert lobby.parts.store.load(ticket) is not None


@pytest.mark.rule("B-40", "S-096")
def test_a_token_works_once(lobby: Lobby) -> None:
    """Replayed after the next sign-in it ends nothing."""
    sign_in(lobby, "ada", "sid-1")
    token = sign_well(HEADER, claims_for(lobby))
    assert send(lobby, token).status_code == 200
    _visitor, again = sign_in(lobby, "ada", "sid-1")
    assert send(lobby, token).status_code == 400
    assert lobby.parts.store.load(again) is not None


@pytest.mark.rule("B-40", "S-018")
def test_a_token_stands_once_and_in_the_form(lobby: Lobby) -> None:
    """In the query, twice, by GET, for an unknown provider: refused; nobody is signed out."""
    _visitor, ticket = sign_in(lobby, "ada", "sid-1")
    token = sign_well(HEADER, claims_for(lobby))
    client, origin = lobby.app.test_client(), "https://app.example.com"
    twice = urlencode([("logout_token", token), ("logout_token", token)])
    asked = [
        client.post(f"{BACK}?logout_token={token}", base_url=origin),
        client.post(f"{BACK}?logout_token=x", data={"logout_token": token}, base_url=origin),
        client.post(
            BACK, data=twice, content_type="application/x-www-form-urlencoded", base_url=origin
        ),
        client.post(BACK, json={"logout_token": token}, base_url=origin),
        client.post(BACK, base_url=origin),
        client.get(f"{BACK}?logout_token={token}", base_url=origin),
        client.post(f"{BACK}x", data={"logout_token": token}, base_url=origin),
    ]
    assert [reply.status_code for reply in asked] == [400, 400, 400, 400, 400, 405, 404]
    assert lobby.parts.store.load(ticket) is not None
    assert send(lobby, token).status_code == 200, "a refused token was counted as used"


@pytest.mark.rule("B-42", "S-053")
def test_a_frame_of_the_provider_ends_the_session_that_it_names(lobby: Lobby) -> None:
    """Issuer and session id select it; no cookie is read, no token revoked."""
    _visitor, ticket = sign_in(lobby, "ada", "sid-1")
    _other, kept = sign_in(lobby, "ada", "sid-2")
    stranger = lobby.visitor()
    query = urlencode({"iss": lobby.fake.issuer, "sid": "sid-1"})
    reply = stranger.ask(f"{FRONT}?{query}", cross_site=True)
    assert (reply.status_code, reply.data) == (200, b"")
    assert "Set-Cookie" not in reply.headers
    assert "X-Frame-Options" not in reply.headers
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'"
    assert lobby.parts.store.load(ticket) is None
    assert lobby.parts.store.load(kept) is not None
    assert lobby.fake.asked(REVOKE) == 0


@pytest.mark.rule("B-42", "S-053")
@pytest.mark.parametrize(
    "query",
    [
        "iss=https%3A%2F%2Fevil.example&sid=sid-1",
        "sid=sid-1",
        "iss={issuer}",
        "iss={issuer}&sid=",
        "iss={issuer}&sid=sid-2",
        "iss={issuer}/&sid=sid-1",
        "iss={issuer}&sid=sid-1&sid=sid-1",
        "iss={issuer}&iss={issuer}&sid=sid-1",
        "iss={issuer}&sub=ada",
        "",
    ],
)
def test_a_frame_of_anybody_else_ends_nothing(lobby: Lobby, query: str) -> None:
    """Also in the very browser whose session it would be."""
    visitor, ticket = sign_in(lobby, "ada", "sid-1")
    reply = visitor.ask(f"{FRONT}?{query.format(issuer=lobby.fake.issuer)}")
    assert reply.status_code in {200, 400}
    assert lobby.parts.store.load(ticket) is not None
    assert visitor.session() is not None
