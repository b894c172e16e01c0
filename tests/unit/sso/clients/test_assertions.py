"""private_key_jwt: one key, one audience, one use."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from sso.clients.assertions import ASSERTION_TYPE
from sso.clients.registration import NewClientInvalid
from tests.unit.sso.house import ISSUER

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House

KEY = RSAKey.generate_key(2048, {"kid": "one"})
EC = ECKey.generate_key("P-256", {"kid": "two"})
JWKS = {"keys": [KEY.as_dict(private=False), EC.as_dict(private=False)]}


@pytest.fixture
def keyed(house: House) -> House:
    """A house whose client proves itself by a key."""
    house.client = house.new_client(jwks=JWKS)
    return house


def assertion(
    house: House,
    key: Any = KEY,  # noqa: ANN401 - any kind of key
    header: Any = None,  # noqa: ANN401 - any header
    **claims: object,
) -> str:
    """Return an assertion; None leaves a claim out."""
    now = int(house.clock().timestamp())
    given: dict[str, object] = {
        "iss": house.client.client_id,
        "sub": house.client.client_id,
        "aud": ISSUER,
        "exp": now + 60,
        "iat": now,
        "jti": secrets.token_urlsafe(8),
        **claims,
    }
    kept = {name: value for name, value in given.items() if value is not None}
    head = header or {"alg": "RS256", "kid": "one"}
    return jwt.encode(head, kept, key, algorithms=[head["alg"]])


def show(house: House, value: str, **members: str | None) -> TestResponse:
    """Present the assertion with a refresh token that nobody knows."""
    given: dict[str, str | None] = {
        "grant_type": "refresh_token",
        "refresh_token": "x",
        "client_id": None,
        "client_secret": None,
        "client_assertion": value,
        "client_assertion_type": ASSERTION_TYPE,
    }
    return house.token(**{**given, **members})


@pytest.mark.rule("A-19")
def test_a_good_assertion_is_the_client(keyed: House) -> None:
    """RSA and EC keys alike: what fails is the refresh token."""
    ec_header = {"alg": "ES256", "kid": "two"}
    for value in (assertion(keyed), assertion(keyed, EC, ec_header)):
        assert (show(keyed, value).json or {})["error"] == "invalid_grant"


@pytest.mark.rule("A-19", "S-090")
def test_an_assertion_is_good_once(either_house: House) -> None:
    """Its second use is 401, also on another database."""
    either_house.client = either_house.new_client(jwks=JWKS)
    value = assertion(either_house)
    assert show(either_house, value).status_code == 400
    assert show(either_house, value).status_code == 401


@pytest.mark.rule("A-19", "S-090", "S-095")
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": f"{ISSUER}/oauth/token"},
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": None},
        {"iss": "other"},
        {"sub": "00000000-0000-4000-8000-000000000000"},
        {"jti": None},
        {"jti": "x" * 300},
        {"jti": 7},
        {"exp": None},
        {"exp": 1},
        {"exp": -1},
        {"exp": 1e300},
        {"exp": "tomorrow"},
        {"exp": 99_999_999_999},
        {"iat": 99_999_999_999},
        {"nbf": 99_999_999_999},
    ],
)
def test_claims_must_be_meant_for_here_and_now(keyed: House, claims: dict[str, object]) -> None:
    """Everything else is 401 with the same words."""
    response = show(keyed, assertion(keyed, **claims))
    assert response.status_code == 401
    assert (response.json or {})["error"] == "invalid_client"


@pytest.mark.rule("S-091", "S-092")
def test_foreign_keys_and_algorithms_are_refused(keyed: House) -> None:
    """Also a key that came along, and the public key used as a secret."""
    foreign = RSAKey.generate_key(2048)
    embedded = {"alg": "RS256", "kid": "one", "jwk": foreign.as_dict(private=False)}
    secret = OctKey.import_key(KEY.as_pem(private=False).hex())
    for value in (
        assertion(keyed, foreign),
        assertion(keyed, foreign, embedded),
        assertion(keyed, secret, {"alg": "HS256", "kid": "one"}),
        assertion(keyed).rsplit(".", 1)[0] + ".",
        "a.b.c",
        "x" * 10_000,
    ):
        assert show(keyed, value).status_code == 401


@pytest.mark.rule("A-17", "S-089")
def test_an_assertion_beside_another_method_is_refused(keyed: House) -> None:
    """One method a request, and the one that was registered."""
    both = show(keyed, assertion(keyed), client_secret="x")
    assert (both.json or {})["error"] == "invalid_request"
    keyed.client = keyed.new_client()
    assert show(keyed, assertion(keyed)).status_code == 401


@pytest.mark.rule("A-19")
def test_a_wrong_assertion_type_is_invalid_request(keyed: House) -> None:
    """As RFC 7521 has it."""
    response = show(keyed, assertion(keyed), client_assertion_type="saml")
    assert (response.json or {})["error"] == "invalid_request"


@pytest.mark.rule("A-21")
@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": [OctKey.generate_key(256).as_dict()]},
        {"keys": [KEY.as_dict(private=True)]},
        {"keys": [{"kty": "RSA", "e": "AQAB", "n": "x" * 171}]},
        {"keys": [ECKey.generate_key("P-384").as_dict(private=False)]},
        {"keys": ["x"]},
        {"keys": [{"kty": "RSA"}]},
    ],
)
def test_only_sound_public_keys_are_registered(house: House, jwks: dict[str, Any]) -> None:
    """No secret ones, no weak ones, none that cannot be read."""
    with pytest.raises(NewClientInvalid):
        house.new_client(jwks=jwks)
