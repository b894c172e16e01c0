"""A successful reply of the token endpoint, parsed or refused.

Spec: RFC 6749 §5.1; RFC 6750 §4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bff.sessions.model import AccessToken
from bff.tokens.wire import ProviderFault

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIFETIME_LIMIT_S = 10 * 365 * 86400
_DEFAULT_LIFETIME_S = 3600.0  # where a provider does not say (RFC 6749 §5.1 only recommends it)


@dataclass(frozen=True, slots=True)
class TokenReply:
    """A successful reply of the token endpoint (RFC 6749 §5.1)."""

    access_token: AccessToken
    refresh_token: str | None
    id_token: str | None

    def __repr__(self) -> str:
        return "TokenReply(…)"


def parse_token_reply(reply: Mapping[str, Any], asked_at: float) -> TokenReply:
    """Return the tokens in *reply* to what was asked at *asked_at* (Unix seconds).

    Raises:
        ProviderFault: it carries no bearer token, or one without a sensible lifetime.
    """
    access_token = reply.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        raise ProviderFault("token reply without access_token")
    if str(reply.get("token_type", "")).lower() != "bearer":
        raise ProviderFault("token reply with another token_type than Bearer")
    lifetime_s = _lifetime_s(reply.get("expires_in"))
    return TokenReply(
        access_token=AccessToken(
            value=access_token,
            expires_at=asked_at + lifetime_s,
            lifetime_s=lifetime_s,
            scope=str(reply.get("scope") or ""),
        ),
        refresh_token=_optional_text(reply, "refresh_token"),
        id_token=_optional_text(reply, "id_token"),
    )


def _lifetime_s(expires_in: object) -> float:
    if expires_in is None:
        return _DEFAULT_LIFETIME_S
    lifetime_s = float(str(expires_in))
    if not 0 <= lifetime_s < _LIFETIME_LIMIT_S:  # NaN is in no range
        raise ProviderFault("token reply: expires_in is no lifetime")
    return lifetime_s


def _optional_text(reply: Mapping[str, Any], name: str) -> str | None:
    value = reply.get(name)
    if value is not None and not isinstance(value, str):
        raise ProviderFault(f"token reply: {name} is not a string")
    return value
