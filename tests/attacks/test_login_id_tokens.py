"""S-027, S-029 … S-031: an ID token that is not exactly right signs nobody in."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.forging_provider import CLIENT_SECRET, base64url

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.forged_world import ForgedWorld
    from tests.support.forging_provider import ForgingProvider

Claims = dict[str, Any]

LATER = 4_000_000_000
WRONG_CLAIMS: dict[str, Claims] = {
    "nonce missing": {"nonce": None},
    "nonce wrong": {"nonce": "wrong"},
    "nonce no text": {"nonce": "\ud800"},
    "nonce empty": {"nonce": ""},
    "nonce of another type": {"nonce": ["x"]},
    "iss missing": {"iss": None},
    "iss foreign": {"iss": "https://evil.example"},
    "iss of another type": {"iss": ["x"]},
    "aud missing": {"aud": None},
    "aud foreign": {"aud": "somebody-else"},
    "aud foreign, azp ours": {"aud": "somebody-else", "azp": "the-bff"},
    "aud with an untrusted second": {"aud": ["the-bff", "somebody-else"]},
    "aud with an untrusted second, azp ours": {
        "aud": ["the-bff", "somebody-else"],
        "azp": "the-bff",
    },
    "aud empty": {"aud": []},
    "azp foreign": {"azp": "somebody-else"},
    "sub missing": {"sub": None},
    "sub empty": {"sub": ""},
    "sub of another type": {"sub": 7},
    "exp missing": {"exp": None},
    "exp past": {"exp": int(time.time()) - 3600},
    "exp text": {"exp": "later"},
    "exp huge": {"exp": 1e300},
    "exp negative": {"exp": -1},
    "iat missing": {"iat": None},
    "iat in the future": {"iat": LATER, "exp": LATER + 60},
    "iat text": {"iat": "now"},
    "nbf in the future": {"nbf": LATER},
    "at_hash wrong": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "at_hash no text": {"at_hash": "\ud800"},
    "at_hash empty": {"at_hash": ""},
    "at_hash of another type": {"at_hash": 1},
}


def unsigned(header: Claims, claims: Claims) -> str:
    """Return a token that claims to need no signature."""
    return f"{base64url({**header, 'alg': 'none'})}.{base64url(claims)}."


def _hs256(header: Claims, claims: Claims, secret: bytes) -> str:
    signed = f"{base64url({**header, 'alg': 'HS256'})}.{base64url(claims)}"
    return f"{signed}.{base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"


def _with_foreign_key(_provider: ForgingProvider) -> Callable[[Claims, Claims], str]:
    key = RSAKey.generate_key(2048)
    return lambda header, claims: jwt.encode(header, claims, key)


def _with_embedded_key(_provider: ForgingProvider) -> Callable[[Claims, Claims], str]:
    key = RSAKey.generate_key(2048)
    public = key.as_dict(private=False)
    return lambda header, claims: jwt.encode({**header, "jwk": public}, claims, key)


def _with_public_key_as_secret(provider: ForgingProvider) -> Callable[[Claims, Claims], str]:
    return lambda header, claims: _hs256(header, claims, provider.key.as_pem(private=False))


def _with_client_secret(_provider: ForgingProvider) -> Callable[[Claims, Claims], str]:
    return lambda header, claims: _hs256(header, claims, CLIENT_SECRET.encode())


def _cut(provider: ForgingProvider) -> Callable[[Claims, Claims], str]:
    return lambda header, claims: provider.sign_well(header, claims)[:-20]


def _stripped(provider: ForgingProvider) -> Callable[[Claims, Claims], str]:
    return lambda header, claims: provider.sign_well(header, claims).rpartition(".")[0] + "."


def _changed_after_signing(provider: ForgingProvider) -> Callable[[Claims, Claims], str]:
    def sign(header: Claims, claims: Claims) -> str:
        head, _, signature = provider.sign_well(header, claims).split(".")
        return f"{head}.{base64url({**claims, 'sub': 'admin'})}.{signature}"

    return sign


FORGERIES = {
    "alg none": lambda _provider: unsigned,
    "foreign key": _with_foreign_key,
    "key in the header": _with_embedded_key,
    "HS256 with the public key": _with_public_key_as_secret,
    "HS256 with the client secret": _with_client_secret,
    "signature cut": _cut,
    "signature stripped": _stripped,
    "claims changed": _changed_after_signing,
    "not a JWT": lambda _provider: lambda _header, _claims: "x",
    "three dots": lambda _provider: lambda _header, _claims: "...",
    "not text": lambda _provider: lambda _header, _claims: {"a": 1},
}


def sign_in_fails(forged: ForgedWorld) -> None:
    """Assert that a sign-in with what the provider says now ends in an error page, S and W."""
    bystander, visitor = forged.new_visitor(), forged.new_visitor()
    answer = visitor.come_back(forged.provider.authorize(visitor.begin()))
    assert answer.status in {400, 502, 503}, answer.text
    assert answer.is_html
    assert visitor.ticket() is None
    assert forged.sessions.count() == 0
    assert not any(secret in answer.seen() for secret in forged.secrets() if len(secret) > 8)
    forged.provider.be_honest()
    bystander.sign_in()
    assert bystander.user().status == 200


@pytest.mark.rule("B-10", "S-027", "S-029", "S-031")
@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_wrong_claims_sign_nobody_in(forged: ForgedWorld, claims: Claims) -> None:
    """S-027, S-029, S-031: every claim that must hold is looked at (OIDC Core §3.1.3.7)."""
    forged.provider.id_token = claims
    sign_in_fails(forged)


@pytest.mark.rule("B-10")
@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_forged_signatures_sign_nobody_in(
    forged: ForgedWorld, forgery: Callable[[ForgingProvider], Any]
) -> None:
    """The algorithm is pinned and the key is the provider's, whatever its metadata lists."""
    forged.provider.sign = forgery(forged.provider)
    sign_in_fails(forged)


@pytest.mark.rule("B-10", "S-093")
@pytest.mark.parametrize(
    "header",
    [{"kid": "unknown"}, {"crit": ["x"], "x": 1}, {"typ": "logout+jwt"}, {"typ": "at+jwt"}],
    ids=str,
)
def test_tokens_of_another_kind_sign_nobody_in(forged: ForgedWorld, header: Claims) -> None:
    """S-093: what was signed for another use, or asks for what we do not know, is no ID token."""
    forged.provider.header = header
    sign_in_fails(forged)


@pytest.mark.rule("S-029")
@pytest.mark.parametrize(
    "reply",
    [
        {"id_token": None},
        {"id_token": ""},
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "two words"},
        {"access_token": "a\r\nX-Evil: 1"},
        {"token_type": None},
        {"token_type": "mac"},
        {"expires_in": "soon"},
        {"expires_in": -5},
        {"refresh_token": 7},
    ],
    ids=str,
)
def test_malformed_token_replies_sign_nobody_in(forged: ForgedWorld, reply: Claims) -> None:
    """S-029: a reply without what the sign-in needs is the provider's fault, and told as such."""
    forged.provider.token_reply = reply
    sign_in_fails(forged)


@pytest.mark.parametrize("aud", ["the-bff", ["the-bff"]])
def test_right_tokens_sign_in(forged: ForgedWorld, aud: object) -> None:
    """The tables above fail for their one fault: without it the sign-in works."""
    forged.provider.id_token = {"aud": aud, "azp": "the-bff", "nbf": int(time.time()) - 5}
    forged.provider.token_reply = {"token_type": "bearer", "expires_in": 1}
    visitor = forged.new_visitor()
    visitor.sign_in()
    assert visitor.user().json()["sub"] == "ada"


@pytest.mark.rule("S-030")
def test_refresh_to_another_person_ends_the_session(forged: ForgedWorld) -> None:
    """S-030: a refreshed ID token of another ``sub`` ends the session (OIDC Core §12.2)."""
    forged.provider.token_reply = {"expires_in": 1}
    visitor = forged.new_visitor()
    visitor.sign_in("ada")
    forged.provider.sub = "mallory"
    forged.bff.program.wait_until(lambda: visitor.api().status == 401, within_s=60)
    assert forged.sessions.count() == 0
    assert visitor.user().status == 401
