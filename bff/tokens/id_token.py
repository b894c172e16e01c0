"""The ID token, fully checked. Nothing of a login is kept before every check here has passed.

Spec: OIDC Core §3.1.3.7, §3.1.3.8, §12.2; RFC 7515; RFC 8725.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from bff.problems import LOGIN_FAILED, Refused
from bff.tokens.wire import ProviderFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bff.tokens.metadata import PublicKey

# Pinned here and never taken from metadata or header: `none` and HMAC can not come back.
_KEY_OF_ALG: Final = {"RS256": RSAKey, "PS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}
_HASH_OF_ALG: Final = {
    "RS256": hashlib.sha256,
    "PS256": hashlib.sha256,
    "ES256": hashlib.sha256,
    "EdDSA": hashlib.sha512,
}
_SIZE_LIMIT = 32 * 1024
_SUB_LIMIT = 255
CLOCK_TOLERANCE_S: Final = 120
ISSUED_WITHIN_S: Final = 300


@dataclass(frozen=True, slots=True)
class Expected:
    """What this client asked for and so may expect of the ID token."""

    issuer: str
    client_id: str
    nonce: str | None = None
    max_age_s: int | None = None
    acr_values: tuple[str, ...] = ()


def key_id_of(id_token: str) -> str | None:
    """Return the ``kid`` of the token's header; raises `ProviderFault` where there is no header."""
    kid = _header_of(id_token).get("kid")
    if kid is not None and not isinstance(kid, str):
        raise ProviderFault("id_token: kid is not a string")
    return kid


def validate(
    id_token: str, key: PublicKey, expected: Expected, *, access_token: str | None, now: float
) -> dict[str, Any]:
    """Return the claims of *id_token*.

    Raises:
        ProviderFault: it is not a valid ID token for us.
        Refused: ``login_failed`` where it is valid but answers another request: a wrong nonce,
            an authentication too old or too weak.
    """
    alg = _require_algorithm(id_token, key)
    claims = _verified_claims(id_token, key, alg)
    _check_parties(claims, expected)
    _check_times(claims, now)
    _check_at_hash(claims, alg, access_token)
    _check_request(claims, expected, now)
    return claims


def _header_of(id_token: str) -> dict[str, Any]:
    if len(id_token) > _SIZE_LIMIT:
        raise ProviderFault("id_token: too large")
    try:
        segment = id_token.partition(".")[0]
        header = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError as error:
        raise ProviderFault("id_token: not a JWS") from error
    if not isinstance(header, dict):
        raise ProviderFault("id_token: not a JWS")
    return header


def _require_algorithm(id_token: str, key: PublicKey) -> str:
    alg = str(_header_of(id_token).get("alg"))
    if not isinstance(key, _KEY_OF_ALG.get(alg, ())):
        raise ProviderFault("id_token: algorithm is not accepted")
    return alg


def _verified_claims(id_token: str, key: PublicKey, alg: str) -> dict[str, Any]:
    try:
        payload = jws.deserialize_compact(id_token, key, algorithms=[alg]).payload
        claims = json.loads(payload, object_pairs_hook=_unique)
    except (JoseError, ValueError, TypeError) as error:
        raise ProviderFault(f"id_token: {type(error).__name__}") from error
    if not isinstance(claims, dict):
        raise ProviderFault("id_token: claims are not an object")
    return claims


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    claims = dict(pairs)
    if len(claims) != len(pairs):
        raise ValueError("a claim stands twice")
    return claims


def _check_parties(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise ProviderFault("id_token: iss")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    # No other audience is trusted: a token that also names another client is not ours alone.
    if audiences != [expected.client_id]:
        raise ProviderFault("id_token: aud")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise ProviderFault("id_token: azp")
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= _SUB_LIMIT:
        raise ProviderFault("id_token: sub")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    if _instant(claims, "exp") <= now - CLOCK_TOLERANCE_S:
        raise ProviderFault("id_token: exp")
    if abs(_instant(claims, "iat") - now) > ISSUED_WITHIN_S:
        raise ProviderFault("id_token: iat")
    if "nbf" in claims and _instant(claims, "nbf") > now + CLOCK_TOLERANCE_S:
        raise ProviderFault("id_token: nbf")


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # 1e300 and NaN are numbers to JSON, but no instants.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise ProviderFault(f"id_token: {name}")
    return float(value)


def _check_at_hash(claims: Mapping[str, Any], alg: str, access_token: str | None) -> None:
    if "at_hash" not in claims or access_token is None:
        return
    digest = _HASH_OF_ALG[alg](access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not hmac.compare_digest(half, str(claims["at_hash"]).encode()):
        raise ProviderFault("id_token: at_hash")


def _check_request(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    if expected.nonce is not None and not hmac.compare_digest(
        str(claims.get("nonce", "")).encode(), expected.nonce.encode()
    ):
        raise Refused(LOGIN_FAILED, hint="id_token: nonce")
    if expected.max_age_s is not None:
        since = now - _instant(claims, "auth_time")
        if since > expected.max_age_s + CLOCK_TOLERANCE_S:
            raise Refused(LOGIN_FAILED, hint="id_token: auth_time is older than max_age")
    if expected.acr_values and claims.get("acr") not in expected.acr_values:
        raise Refused(LOGIN_FAILED, hint="id_token: acr is none of those asked for")
