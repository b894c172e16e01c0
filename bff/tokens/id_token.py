"""The ID token, fully checked. Nothing of a login is kept before every check here has passed.

Spec: OIDC Core §3.1.3.7, §3.1.3.8, §12.2.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bff.problems import LOGIN_FAILED, Refused
from bff.tokens.signed import (
    CLOCK_TOLERANCE_S,
    algorithm_of,
    check_parties,
    check_times,
    header_of,
    instant,
    verified_claims,
)
from bff.tokens.wire import ProviderFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bff.tokens.metadata import PublicKey

_HASH_OF_ALG: Final = {
    "RS256": hashlib.sha256,
    "PS256": hashlib.sha256,
    "ES256": hashlib.sha256,
    "EdDSA": hashlib.sha512,
}
_SUB_LIMIT = 255


@dataclass(frozen=True, slots=True)
class Expected:
    """What this client asked for and so may expect of the ID token."""

    issuer: str
    client_id: str
    nonce: str | None = None
    max_age_s: int | None = None
    acr_values: tuple[str, ...] = ()


def validate(
    id_token: str, key: PublicKey, expected: Expected, *, access_token: str | None, now: float
) -> dict[str, Any]:
    """Return the claims of *id_token*.

    Raises:
        ProviderFault: it is not a valid ID token for us.
        Refused: ``login_failed`` where it is valid but answers another request: a wrong nonce,
            an authentication too old or too weak.
    """
    # A logout token or an access token of the same issuer must not pass for it (RFC 8725 §3.12).
    if str(header_of(id_token).get("typ", "JWT")).upper() != "JWT":
        raise ProviderFault("id_token: typ is that of another token")
    claims = verified_claims(id_token, key)
    check_parties(claims, issuer=expected.issuer, client_id=expected.client_id)
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= _SUB_LIMIT:
        raise ProviderFault("id_token: sub")
    check_times(claims, now)
    _check_at_hash(claims, algorithm_of(id_token, key), access_token)
    _check_request(claims, expected, now)
    return claims


def _check_at_hash(claims: Mapping[str, Any], alg: str, access_token: str | None) -> None:
    if "at_hash" not in claims or access_token is None:
        return
    digest = _HASH_OF_ALG[alg](access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not hmac.compare_digest(half, _bytes(claims["at_hash"])):
        raise ProviderFault("id_token: at_hash")


def _check_request(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    if expected.nonce is not None and not hmac.compare_digest(
        _bytes(claims.get("nonce", "")), expected.nonce.encode()
    ):
        raise Refused(LOGIN_FAILED, hint="id_token: nonce")
    if "auth_time" in claims:
        instant(claims, "auth_time")  # the session keeps it, asked for or not
    if expected.max_age_s is not None:
        since = now - instant(claims, "auth_time")
        if since > expected.max_age_s + CLOCK_TOLERANCE_S:
            raise Refused(LOGIN_FAILED, hint="id_token: auth_time is older than max_age")
    if expected.acr_values and claims.get("acr") not in expected.acr_values:
        raise Refused(LOGIN_FAILED, hint="id_token: acr is none of those asked for")


def _bytes(claim: object) -> bytes:
    """Return *claim* for a comparison; JSON may spell characters that UTF-8 does not know."""
    return str(claim).encode(errors="replace")
