"""The logout token: a provider's word that a sign-in is over.

Spec: OIDC Back-Channel Logout 1.0 §2.4, §2.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bff.tokens.signed import check_parties, check_times, header_of, instant, verified_claims
from bff.tokens.wire import ProviderFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bff.tokens.metadata import PublicKey

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
# An ID token of the same issuer for the same client must never pass for one of these.
_TYPES = frozenset({"logout+jwt", "application/logout+jwt"})
_NAME_LIMIT = 255


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """What a valid logout token says: end session *sid*, or all of *sub* where no sid is given."""

    jti: str
    expires_at: float
    sub: str | None
    sid: str | None


def validate(token: str, key: PublicKey, *, issuer: str, client_id: str, now: float) -> LogoutToken:
    """Return what *token* says.

    Raises:
        ProviderFault: it is not a valid logout token for us; nobody is signed out.
    """
    if str(header_of(token).get("typ", "")).lower() not in _TYPES:
        raise ProviderFault("typ is not logout+jwt")
    claims = verified_claims(token, key)
    check_parties(claims, issuer=issuer, client_id=client_id)
    check_times(claims, now)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise ProviderFault("events does not say back-channel logout")
    if "nonce" in claims:
        raise ProviderFault("a logout token must not carry a nonce")
    sub, sid, jti = (_name(claims, name) for name in ("sub", "sid", "jti"))
    if jti is None or (sub is None and sid is None):
        raise ProviderFault("jti, or both sub and sid, are missing")
    return LogoutToken(jti=jti, expires_at=instant(claims, "exp"), sub=sub, sid=sid)


def _name(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= _NAME_LIMIT):
        raise ProviderFault(f"{name} is no plain name")
    return value
