"""Who is admitted: the rules of RFC 9068 §4 and RFC 6750 §3, one test each."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import ECKey, RSAKey

from tests.unit.workbench.conftest import AUDIENCE
from workbench.bearer import BearerGuard
from workbench.issuer import IssuerClient, IssuerKeys
from workbench.problems import ISSUER_UNAVAILABLE, Refused, Unavailable

if TYPE_CHECKING:
    from tests.unit.workbench.conftest import Issuer


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now_s = time.time()

    def __call__(self) -> float:
        """Return the instant."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(issuer: Issuer, clock: Clock) -> BearerGuard:
    keys = IssuerKeys(IssuerClient(issuer.url), ttl_s=300, max_age_s=3600, clock=clock)
    return BearerGuard(keys, issuer=issuer.url, identifier=AUDIENCE, leeway_s=30, clock=clock)


def _refusal(guard: BearerGuard, token: str) -> Refused:
    with pytest.raises(Refused) as refused:
        guard.judge(token)
    assert refused.value.problem.code == "invalid_token"
    assert 'error="invalid_token"' in refused.value.headers["WWW-Authenticate"]
    return refused.value


def test_a_good_token_names_its_caller(guard: BearerGuard, issuer: Issuer) -> None:
    """Subject, client and scopes are the token's; its text is in no repr."""
    token = issuer.token(aud=["elsewhere", AUDIENCE])
    caller = guard.judge(token)
    assert (caller.subject, caller.client_id) == ("ann", "app")
    assert caller.scopes == {"openid", "users:read"}
    assert token not in repr(caller)


def test_es256_is_accepted(guard: BearerGuard, issuer: Issuer) -> None:
    """The second pinned algorithm works with a P-256 key of the issuer."""
    key = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
    issuer.keys.append(key)
    assert guard.judge(issuer.token(key=key, header={"alg": "ES256"})).subject == "ann"


def test_a_key_set_of_one_needs_no_kid(guard: BearerGuard, issuer: Issuer) -> None:
    """RFC 9068 does not demand a `kid`; with one key there is no doubt."""
    token = _forge({"alg": "RS256", "typ": "at+jwt"}, _claims_of(issuer.token()), issuer.keys[0])
    assert guard.judge(token).subject == "ann"


@pytest.mark.parametrize("typ", ["JWT", "jwt", None, "", "id+jwt", "logout+jwt", 7])
def test_only_access_tokens_are_tokens(guard: BearerGuard, issuer: Issuer, typ: object) -> None:
    """An ID token or a logout token of the same issuer opens nothing (RFC 9068 §4)."""
    header = {"alg": "RS256", "kid": issuer.keys[0].kid, "typ": typ}
    _refusal(guard, _forge(header, _claims_of(issuer.token()), issuer.keys[0]))


def test_typ_may_be_spelt_out(guard: BearerGuard, issuer: Issuer) -> None:
    """`application/at+jwt` in any case says the same (RFC 9068 §4)."""
    assert guard.judge(issuer.token(header={"typ": "application/AT+JWT"})).subject == "ann"


def test_alg_none_is_refused(guard: BearerGuard, issuer: Issuer) -> None:
    """An unsigned token is no token."""
    head = _b64({"alg": "none", "typ": "at+jwt"})
    _refusal(guard, f"{head}.{_b64(_claims_of(issuer.token()))}.")
    _refusal(guard, f"{head}.{_b64(_claims_of(issuer.token()))}.AAAA")


def test_the_public_key_is_no_secret(guard: BearerGuard, issuer: Issuer) -> None:
    """HS256 under the published key is the oldest confusion there is."""
    header = {"alg": "HS256", "typ": "at+jwt", "kid": issuer.keys[0].kid}
    head = f"{_b64(header)}.{_b64(_claims_of(issuer.token()))}"
    mac = hmac.digest(issuer.keys[0].as_pem(private=False), head.encode(), "sha256")
    _refusal(guard, f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


def test_a_key_in_the_header_is_not_believed(guard: BearerGuard, issuer: Issuer) -> None:
    """`jwk` of a stranger signs nothing (CVE-2026-27962 in a library of this kind)."""
    stranger = RSAKey.generate_key(2048, auto_kid=True)
    header = {"kid": issuer.keys[0].kid, "jwk": stranger.as_dict(private=False)}
    _refusal(guard, issuer.token(key=stranger, header=header))


def test_a_foreign_signature_is_refused(guard: BearerGuard, issuer: Issuer) -> None:
    """The right `kid` over the wrong key."""
    stranger = RSAKey.generate_key(2048, auto_kid=True)
    _refusal(guard, issuer.token(key=stranger, header={"kid": issuer.keys[0].kid}))


def test_an_encryption_key_signs_nothing(guard: BearerGuard, issuer: Issuer) -> None:
    """A published key with `use: enc` is not for signatures."""
    key = RSAKey.generate_key(2048, {"use": "enc"}, auto_kid=True)
    issuer.keys.append(key)
    stolen = RSAKey.import_key({k: v for k, v in key.as_dict(private=True).items() if k != "use"})
    _refusal(guard, issuer.token(key=stolen, header={"kid": key.kid}))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://127.0.0.1:9999"},
        {"iss": None},
        {"aud": "http://127.0.0.1:7001"},
        {"aud": []},
        {"aud": {AUDIENCE: 1}},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"exp": "never"},
        {"exp": True},
        {"iat": None},
        {"nbf": "later"},
        {"jti": None},
    ],
    ids=str,
)
def test_wrong_claims_are_refused(
    guard: BearerGuard, issuer: Issuer, claims: dict[str, Any]
) -> None:
    """Each claim of RFC 9068 §2.2 is what it must be, in type and value."""
    _refusal(guard, issuer.token(**claims))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "exp", "iat", "client_id", "jti"])
def test_missing_claims_are_refused(guard: BearerGuard, issuer: Issuer, claim: str) -> None:
    """What RFC 9068 §2.2 requires is required."""
    _refusal(guard, issuer.token(without=(claim,)))


def test_the_issuer_is_compared_exactly(guard: BearerGuard, issuer: Issuer) -> None:
    """A slash behind makes another issuer."""
    _refusal(guard, issuer.token(iss=f"{issuer.url}/"))


@pytest.mark.parametrize(("exp", "good"), [(-29, True), (-31, False)])
def test_expiry_has_a_small_leeway(
    guard: BearerGuard, issuer: Issuer, clock: Clock, exp: int, good: object
) -> None:
    """Clocks may differ by 30 s, not more."""
    token = issuer.token(exp=clock.now_s + exp)
    if good:
        guard.judge(token)
    else:
        assert _refusal(guard, token).hint == "exp has passed"


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_tokens_of_the_future_are_refused(
    guard: BearerGuard, issuer: Issuer, clock: Clock, claim: str
) -> None:
    """Beyond the leeway, a token is not valid yet."""
    near: dict[str, Any] = {claim: clock.now_s + 25}
    far: dict[str, Any] = {claim: clock.now_s + 45}
    guard.judge(issuer.token(**near))
    _refusal(guard, issuer.token(**far))


@pytest.mark.parametrize(
    "token", ["", "a", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", "..", "é.é.é", "a b.c.d", "=.=.="]
)
def test_what_is_no_jwt_is_refused(guard: BearerGuard, token: str) -> None:
    """Garbage is a refusal, never an exception."""
    with pytest.raises(Refused):
        guard.judge(token)


def test_keys_are_asked_for_once(guard: BearerGuard, issuer: Issuer) -> None:
    """A thousand good tokens cost the issuer one question."""
    for _ in range(5):
        guard.judge(issuer.token())
    assert issuer.requests("/jwks") == 1


@pytest.mark.rule("S-122")
def test_invented_key_ids_do_not_flood_the_issuer(
    guard: BearerGuard, issuer: Issuer, clock: Clock
) -> None:
    """An unknown `kid` asks again at most once a minute."""
    guard.judge(issuer.token())
    for number in range(5):
        _refusal(guard, issuer.token(header={"kid": f"invented-{number}"}))
    assert issuer.requests("/jwks") == 1
    clock.now_s += 61
    for number in range(5):
        _refusal(guard, issuer.token(header={"kid": f"invented-{number}"}, exp=clock.now_s + 9))
    assert issuer.requests("/jwks") == 2


def test_a_new_key_is_found_after_rotation(
    guard: BearerGuard, issuer: Issuer, clock: Clock
) -> None:
    """A token of a key that appeared meanwhile is good, without a restart."""
    guard.judge(issuer.token())
    clock.now_s += 61
    fresh = RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)
    issuer.keys.append(fresh)
    assert guard.judge(issuer.token(key=fresh, exp=clock.now_s + 9)).subject == "ann"


def test_a_silent_issuer_without_keys_is_an_outage(guard: BearerGuard, issuer: Issuer) -> None:
    """No keys yet and no answer: 503, for the token may well be good."""
    issuer.status = 500
    with pytest.raises(Unavailable) as unavailable:
        guard.judge(issuer.token())
    assert unavailable.value.problem is ISSUER_UNAVAILABLE


def test_a_silent_issuer_with_keys_is_no_outage(
    guard: BearerGuard, issuer: Issuer, clock: Clock
) -> None:
    """The last good copy serves while the issuer is away, until it is too old."""
    guard.judge(issuer.token())
    issuer.status = 500
    clock.now_s += 301
    assert guard.judge(issuer.token(exp=clock.now_s + 9)).subject == "ann"
    clock.now_s += 3600
    with pytest.raises(Unavailable):
        guard.judge(issuer.token(exp=clock.now_s + 9))


def test_an_unknown_key_while_the_issuer_is_silent_is_an_outage(
    guard: BearerGuard, issuer: Issuer, clock: Clock
) -> None:
    """The key may be new: an outage is never taken for a bad token."""
    guard.judge(issuer.token())
    issuer.status = 500
    clock.now_s += 61
    with pytest.raises(Unavailable):
        guard.judge(issuer.token(header={"kid": "new"}, exp=clock.now_s + 9))


def test_an_outage_is_not_hammered(guard: BearerGuard, issuer: Issuer) -> None:
    """While the issuer is silent, it is asked at most once in two seconds."""
    issuer.status = 500
    for _ in range(5):
        with pytest.raises(Unavailable):
            guard.judge(issuer.token())
    assert len(issuer.asked) == 1


def test_a_discovery_document_of_another_issuer_is_not_used(
    guard: BearerGuard, issuer: Issuer
) -> None:
    """Keys come from the issuer that the operator named and from nobody else."""
    issuer.claimed_issuer = "http://127.0.0.1:1"
    with pytest.raises(Unavailable):
        guard.judge(issuer.token())
    assert issuer.requests("/jwks") == 0


def _claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


def _b64(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _forge(header: dict[str, Any], claims: dict[str, Any], key: RSAKey | ECKey) -> str:
    """Sign what a library would refuse to sign."""
    assert isinstance(key, RSAKey)
    head = f"{_b64(header)}.{_b64(claims)}"
    assert key.private_key is not None
    signature = key.private_key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
