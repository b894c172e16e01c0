"""No forged, foreign, stale or mangled ID token passes; each rule is broken once on the wire."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from bff.problems import LOGIN_FAILED, PROVIDER_ERROR, Refused
from bff.tokens.id_token import Expected
from bff.tokens.wire import ProviderFault
from tests.support.fake_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    JWKS,
    Changes,
    at_hash_of,
    says,
    signing_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.tokens.provider import Provider
    from tests.support.fake_provider import FakeProvider

NONCE = "n" * 43
ACCESS = "an-access-token"
NOW = int(time.time())
DAY_S = 86_400


def _validate(fake: FakeProvider, client: Provider, **expected: Any) -> dict[str, Any]:  # noqa: ANN401 - `Expected`'s
    asked = Expected(issuer=fake.issuer, client_id=CLIENT_ID, nonce=NONCE, **expected)
    return client.validate_id_token(fake.id_token(NONCE, ACCESS), asked, access_token=ACCESS)


def _segment(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return _base64url(text.encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _sign_payload(payload: bytes) -> Callable[[Changes, Changes], str]:
    """Return a signer that puts *payload* in the place of the claims."""
    return lambda header, _claims: jws.serialize_compact(header, payload, signing_key())


@pytest.mark.rule("B-10")
def test_a_right_id_token_passes(fake: FakeProvider, client: Provider) -> None:
    """Its claims come back."""
    claims = _validate(fake, client)
    assert (claims["sub"], claims["name"], claims["nonce"]) == ("ada", "Ada", NONCE)


def _from_now(changes: Changes) -> Changes:
    """Return *changes* with the instants near `NOW` moved to where this test's now is."""
    late_s = time.time() - NOW
    return {
        name: value + late_s
        if isinstance(value, int | float) and abs(value - NOW) < DAY_S
        else value
        for name, value in changes.items()
    }


@pytest.mark.rule("B-10", "F-35")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [CLIENT_ID]},
        {"azp": CLIENT_ID},
        {"at_hash": None},
        {"exp": NOW - 60},
        {"iat": NOW - 200},
        {"iat": NOW + 200, "exp": NOW + 600},
        {"nbf": NOW},
        {"exp": NOW + 300.5},
    ],
)
def test_what_the_specification_allows_passes(
    fake: FakeProvider, client: Provider, changes: Changes
) -> None:
    """One audience as a list, our own azp, no at_hash, clocks a minute apart (F-35)."""
    fake.claims = _from_now(changes)
    assert _validate(fake, client)["sub"] == "ada"


@pytest.mark.rule("B-10", "S-029", "S-031", "S-095")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": "{issuer}/"},
        {"aud": None},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": []},
        {"aud": [CLIENT_ID, CLIENT_ID]},
        {"aud": {"0": CLIENT_ID}},
        {"aud": f"{CLIENT_ID} another-client"},
        {"azp": "another-client"},
        {"azp": ""},
        {"aud": "another-client", "azp": CLIENT_ID},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "s" * 256},
        {"exp": None},
        {"exp": NOW - 300},
        {"exp": 0},
        {"exp": -1},
        {"exp": str(NOW + 300)},
        {"exp": True},
        {"exp": 1e300},
        {"exp": [NOW + 300]},
        {"iat": None},
        {"iat": NOW - 600},
        {"iat": NOW + 600},
        {"iat": 1e300},
        {"nbf": NOW + 600},
        {"nbf": "soon"},
        {"at_hash": at_hash_of("another-access-token")},
        {"at_hash": ""},
        {"at_hash": 7},
        {"at_hash": "\u00e9"},
    ],
)
def test_a_wrong_claim_is_the_providers_fault(
    fake: FakeProvider, client: Provider, changes: Changes
) -> None:
    """Foreign, missing, stale, future and nonsensical claims are refused (S-029, S-031, S-095)."""
    if changes.get("iss"):
        changes = {"iss": changes["iss"].format(issuer=fake.issuer)}
    fake.claims = _from_now(changes)
    with pytest.raises(ProviderFault) as fault:
        _validate(fake, client)
    assert fault.value.problem is PROVIDER_ERROR


@pytest.mark.rule("B-05", "S-027")
@pytest.mark.parametrize("nonce", [None, "", "another", NONCE + "n", NONCE[:-1], 7, [NONCE]])
def test_a_wrong_nonce_is_refused(fake: FakeProvider, client: Provider, nonce: object) -> None:
    """Missing, foreign and almost right; the provider has no say in whether it counts (S-027)."""
    fake.claims = {"nonce": nonce, "nonce_supported": False}
    with pytest.raises(Refused) as refusal:
        _validate(fake, client)
    assert refusal.value.problem is LOGIN_FAILED


@pytest.mark.rule("B-10")
def test_an_authentication_older_than_asked_for_is_refused(
    fake: FakeProvider, client: Provider
) -> None:
    """``max_age`` holds the provider to it; without ``auth_time`` nothing is proven."""
    authenticated_at = int(time.time()) - 400
    fake.claims = {"auth_time": authenticated_at}
    assert _validate(fake, client, max_age_s=600)["auth_time"] == authenticated_at
    with pytest.raises(Refused, match="login_failed"):
        _validate(fake, client, max_age_s=60)
    fake.claims = {"auth_time": None}
    with pytest.raises(ProviderFault):
        _validate(fake, client, max_age_s=600)


@pytest.mark.rule("B-10")
def test_an_authentication_weaker_than_asked_for_is_refused(
    fake: FakeProvider, client: Provider
) -> None:
    """One of the ``acr_values`` that were asked for must come back."""
    fake.claims = {"acr": "phr"}
    assert _validate(fake, client, acr_values=("phrh", "phr"))["acr"] == "phr"
    for weaker in ({"acr": "pwd"}, {"acr": None}):
        fake.claims = weaker
        with pytest.raises(Refused, match="login_failed"):
            _validate(fake, client, acr_values=("phrh", "phr"))


@pytest.mark.parametrize("auth_time", ["soon", [1], {}, 1e300, -1, True])
def test_an_authentication_time_that_is_no_instant_is_the_providers_fault(
    fake: FakeProvider, client: Provider, auth_time: object
) -> None:
    """Also where nobody asked for it: the session keeps it."""
    fake.claims = {"auth_time": auth_time}
    with pytest.raises(ProviderFault):
        _validate(fake, client)


def _unsigned(header: Changes, claims: Changes) -> str:
    return f"{_segment({**header, 'alg': 'none'})}.{_segment(claims)}."


def _hmac(header: Changes, claims: Changes, secret: bytes) -> str:
    signed = f"{_segment({**header, 'alg': 'HS256'})}.{_segment(claims)}"
    return f"{signed}.{_base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"


def _hmac_with_public_key(header: Changes, claims: Changes) -> str:
    return _hmac(header, claims, signing_key().as_pem(private=False))


def _hmac_with_client_secret(header: Changes, claims: Changes) -> str:
    return _hmac(header, claims, CLIENT_SECRET.encode())


def _hmac_with_nothing(header: Changes, claims: Changes) -> str:
    return _hmac(header, claims, b"")


def _by_another_key(header: Changes, claims: Changes) -> str:
    return jwt.encode(header, claims, signing_key("stranger"))


def _by_an_unknown_key(header: Changes, claims: Changes) -> str:
    return jwt.encode({**header, "kid": "stranger"}, claims, signing_key("stranger"))


def _by_an_embedded_key(header: Changes, claims: Changes) -> str:
    jwk = dict(signing_key("stranger").as_dict(private=False))
    return _rs256({**header, "jwk": jwk}, claims, signing_key("stranger"))


def _by_an_embedded_key_of_our_providers_name(header: Changes, claims: Changes) -> str:
    jwk = dict(signing_key("stranger").as_dict(private=False)) | {"kid": "good"}
    return _rs256({"alg": "RS256", "kid": "good", "jwk": jwk}, claims, signing_key("stranger"))


def _by_a_linked_key(header: Changes, claims: Changes) -> str:
    links = {"jku": "https://evil.example/jwks", "x5u": "https://evil.example/cert"}
    return jwt.encode({**header, **links}, claims, signing_key("stranger"))


def _another_alg_than_the_key(header: Changes, claims: Changes) -> str:
    key = ECKey.generate_key("P-256")
    return jwt.encode({**header, "alg": "ES256"}, claims, key, algorithms=["ES256"])


def _tampered(header: Changes, claims: Changes) -> str:
    head, _claims, signature = jwt.encode(header, claims, signing_key()).split(".")
    return f"{head}.{_segment({**claims, 'sub': 'mallory'})}.{signature}"


def _critical(header: Changes, claims: Changes) -> str:
    head = {**header, "crit": ["unheard-of"], "unheard-of": 1}
    return _rs256(head, claims, signing_key())


def _rs256(header: Changes, claims: Changes, key: RSAKey) -> str:
    signed = f"{_segment(header)}.{_segment(claims)}"
    assert key.private_key is not None
    signature = key.private_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_base64url(signature)}"


def _without_signature(header: Changes, claims: Changes) -> str:
    return jwt.encode(header, claims, signing_key()).rpartition(".")[0] + "."


FORGERIES = [
    _unsigned,
    _hmac_with_public_key,
    _hmac_with_client_secret,
    _hmac_with_nothing,
    _critical,
    _by_another_key,
    _by_an_unknown_key,
    _by_an_embedded_key,
    _by_an_embedded_key_of_our_providers_name,
    _by_a_linked_key,
    _another_alg_than_the_key,
    _tampered,
    _without_signature,
]


@pytest.mark.rule("B-10", "S-091", "S-092")
@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.__name__)
def test_a_forged_signature_is_the_providers_fault(
    fake: FakeProvider, client: Provider, forgery: Callable[[Changes, Changes], str]
) -> None:
    """None, HMAC keyed with what is public, foreign, embedded and linked keys (S-091, S-092)."""
    assert _validate(fake, client)["sub"] == "ada"
    fake.sign = forgery
    with pytest.raises(ProviderFault):
        _validate(fake, client)


@pytest.mark.rule("S-120")
@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "...",
        "a.b.c",
        "\u00e9.\u00e9.\u00e9",
        "e30.e30.",
        f"{_segment([])}.e30.",
        f"{_segment({'alg': 'RS256', 'kid': 7})}.e30.",
        f"{_segment({'alg': ['RS256'], 'kid': 'good'})}.e30.e30",
        f"{_segment('[' * 9000)}.e30.e30",
        "x" * 40_000,
        f"{_segment({'alg': 'dir', 'enc': 'A128GCM', 'zip': 'DEF'})}....",
    ],
)
def test_what_is_no_signed_token_is_the_providers_fault(
    fake: FakeProvider, client: Provider, token: str
) -> None:
    """Mangled, nested, encrypted and giant tokens are refused and break nothing (S-120)."""
    fake.sign = lambda _header, _claims: token
    with pytest.raises(ProviderFault):
        _validate(fake, client)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'"claims"',
        b"\xff\xfe",
        b"[" * 9000,
        b'{"a":' * 4000,
        b'{"exp":' + b"9" * 9000 + b"}",
    ],
)
def test_claims_that_are_no_plain_object_are_the_providers_fault(
    fake: FakeProvider, client: Provider, payload: bytes
) -> None:
    """Rightly signed nonsense is nonsense."""
    fake.sign = _sign_payload(payload)
    with pytest.raises(ProviderFault):
        _validate(fake, client)


@pytest.mark.rule("S-095")
@pytest.mark.parametrize("twice", ["sub", "aud", "exp", "nonce", "harmless"])
def test_a_claim_that_stands_twice_is_the_providers_fault(
    fake: FakeProvider, client: Provider, twice: str
) -> None:
    """Two readers would take two different ones (S-095)."""
    right = json.dumps(fake.right_claims(NONCE, ACCESS))
    fake.sign = _sign_payload(f'{{"{twice}": "mallory", "{twice}": "mallory", {right[1:]}'.encode())
    with pytest.raises(ProviderFault):
        _validate(fake, client)


@pytest.mark.parametrize(
    "claim",
    [
        b'"nonce": "\\ud800"',
        b'"name": "\\udfff"',
        b'"sub": "\\ud800"',
        b'"employee": 100000000000000000000000',
        b'"rate": NaN',
        b'"rate": Infinity',
        b'"deep": ' + b"[" * 2000 + b"]" * 2000,
    ],
)
def test_claims_that_no_session_can_hold_are_the_providers_fault(
    fake: FakeProvider, client: Provider, claim: bytes
) -> None:
    """Lone surrogates, numbers beyond 64 bits and not-a-numbers would fail later, as a bug."""
    name = claim.split(b'"')[1].decode()
    fake.claims = {name: None}
    right = json.dumps(fake.right_claims(None if name == "nonce" else NONCE, ACCESS)).encode()
    fake.sign = _sign_payload(b"{" + claim + b", " + right[1:])
    with pytest.raises(ProviderFault):
        _validate(fake, client)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("kind", ["EC", "OKP"])
def test_other_kinds_of_published_keys_sign_too(
    fake: FakeProvider, client: Provider, kind: str
) -> None:
    """ES256 and EdDSA pass, at_hash included."""
    alg = {"EC": "ES256", "OKP": "EdDSA"}[kind]
    key: ECKey | OKPKey = (
        ECKey.generate_key("P-256", {"kid": "other"})
        if kind == "EC"
        else OKPKey.generate_key("Ed25519", {"kid": "other"})
    )
    fake.keys.append(dict(key.as_dict(private=False)))
    fake.header = {"alg": alg, "kid": "other"}
    if kind == "OKP":
        fake.claims = {"at_hash": None}  # SHA-512 there
    fake.sign = lambda header, claims: jwt.encode(header, claims, key, algorithms=[alg])
    assert _validate(fake, client)["sub"] == "ada"


@pytest.mark.rule("B-43", "F-32", "S-122")
def test_a_rotated_key_is_found_by_one_more_fetch(fake: FakeProvider, client: Provider) -> None:
    """An unknown key id asks the provider once; a flood of invented ones no more (S-122, F-32)."""
    _validate(fake, client)
    fake.keys = [dict(signing_key("rotated").as_dict(private=False))]
    fake.header = {"kid": "rotated"}
    fake.sign = lambda header, claims: jwt.encode(header, claims, signing_key("rotated"))
    assert _validate(fake, client)["sub"] == "ada"
    assert fake.asked(JWKS) == 2
    for number in range(20):
        fake.header = {"kid": f"invented-{number}"}
        with pytest.raises(ProviderFault):
            _validate(fake, client)
    assert fake.asked(JWKS) == 2


@pytest.mark.rule("F-32")
def test_known_keys_keep_working_while_the_provider_is_down(
    fake: FakeProvider, client: Provider
) -> None:
    """What it has said it has said (F-32)."""
    _validate(fake, client)
    fake.misbehave(JWKS, *[says(500)] * 9)
    fake.header = {"kid": "invented"}
    with pytest.raises(ProviderFault):
        _validate(fake, client)
    fake.header = {}
    assert _validate(fake, client)["sub"] == "ada"


def test_a_token_without_key_id_needs_the_only_key(fake: FakeProvider, client: Provider) -> None:
    """With two keys published nobody guesses."""
    fake.header = {"kid": None}
    assert _validate(fake, client)["sub"] == "ada"


def test_nobody_guesses_among_several_keys(fake: FakeProvider, client: Provider) -> None:
    """No key id and two keys is the provider's fault."""
    fake.keys.append(dict(signing_key("second").as_dict(private=False)))
    fake.header = {"kid": None}
    with pytest.raises(ProviderFault):
        _validate(fake, client)
