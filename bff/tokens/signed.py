"""Signed tokens of a provider: one place where a signature is verified and claims are read.

Spec: RFC 7515, RFC 7519, RFC 8725.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from bff.tokens.wire import ProviderFault, require_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bff.tokens.metadata import PublicKey

# Pinned here and never taken from metadata or header: `none` and HMAC can not come back.
_KEY_OF_ALG: Final = {"RS256": RSAKey, "PS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}
_SIZE_LIMIT = 32 * 1024
CLOCK_TOLERANCE_S: Final = 120
ISSUED_WITHIN_S: Final = 300


def header_of(token: str) -> dict[str, Any]:
    """Return the header, not verified; raises `ProviderFault` where there is none."""
    if len(token) > _SIZE_LIMIT:
        raise ProviderFault("token is too large")
    try:
        segment = token.partition(".")[0]
        header = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError) as error:
        raise ProviderFault("token is not a JWS") from error
    if not isinstance(header, dict):
        raise ProviderFault("token is not a JWS")
    return header


def key_id_of(token: str) -> str | None:
    """Return the ``kid`` of the header; raises `ProviderFault` where there is no header."""
    kid = header_of(token).get("kid")
    if kid is not None and not isinstance(kid, str):
        raise ProviderFault("kid is not a string")
    return kid


def algorithm_of(token: str, key: PublicKey) -> str:
    """Return the ``alg`` of the header, where it is one of ours and *key* is of its kind.

    Raises:
        ProviderFault: it is not; a key is never used with an algorithm of another kind.
    """
    alg = str(header_of(token).get("alg"))
    if not isinstance(key, _KEY_OF_ALG.get(alg, ())):
        raise ProviderFault("algorithm is not accepted")
    return alg


def verified_claims(token: str, key: PublicKey) -> dict[str, Any]:
    """Return the claims of *token*, whose signature by *key* is verified.

    Raises:
        ProviderFault: it is no valid JWS by this key, or its claims are no plain object.
    """
    alg = algorithm_of(token, key)
    try:
        payload = jws.deserialize_compact(token, key, algorithms=[alg]).payload
        claims = json.loads(payload, object_pairs_hook=_unique)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise ProviderFault(type(error).__name__) from error
    if not isinstance(claims, dict):
        raise ProviderFault("claims are not an object")
    return require_plain(claims)


def check_parties(claims: Mapping[str, Any], *, issuer: str, client_id: str) -> None:
    """Pass when *claims* are of *issuer* and for *client_id* alone; else `ProviderFault`."""
    if claims.get("iss") != issuer:
        raise ProviderFault("iss is another issuer's")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    # No other audience is trusted: a token that also names another client is not ours alone.
    if audiences != [client_id]:
        raise ProviderFault("aud is not this client alone")
    if claims.get("azp", client_id) != client_id:
        raise ProviderFault("azp is another client")


def check_times(claims: Mapping[str, Any], now: float) -> None:
    """Pass when *claims* were issued just now and are not over; else `ProviderFault`."""
    if instant(claims, "exp") <= now - CLOCK_TOLERANCE_S:
        raise ProviderFault("exp is past")
    if abs(instant(claims, "iat") - now) > ISSUED_WITHIN_S:
        raise ProviderFault("iat is not now: compare this clock with the provider's")
    if "nbf" in claims and instant(claims, "nbf") > now + CLOCK_TOLERANCE_S:
        raise ProviderFault("nbf is to come")


def instant(claims: Mapping[str, Any], name: str) -> float:
    """Return the claim *name* in Unix seconds; raises `ProviderFault` where it is no instant."""
    value = claims.get(name)
    # 1e300 and NaN are numbers to JSON, but no instants.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise ProviderFault(f"{name} is no instant")
    return float(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    claims = dict(pairs)
    if len(claims) != len(pairs):
        raise ValueError("a claim stands twice")
    return claims
