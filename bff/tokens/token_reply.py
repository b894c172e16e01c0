"""A successful reply of the token endpoint, parsed or refused.

Spec: RFC 6749 §5.1; RFC 6750 §4; RFC 9449 §5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from bff.sessions.model import BEARER, AccessToken, BoundToken
from bff.tokens.dpop import SCHEME
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

    def bound_to(self, proof_key: bytes | None) -> BoundToken:
        """Return the access token, with *proof_key* where it is bound to that."""
        is_bound = self.access_token.token_type == SCHEME
        return BoundToken(self.access_token, proof_key if is_bound else None)

    def __repr__(self) -> str:
        return "TokenReply(…)"


class Binding(Enum):
    """Which kinds of token a request may yield."""

    NONE = frozenset({"bearer"})
    OFFERED = frozenset({"bearer", "dpop"})
    DEMANDED = frozenset({"dpop"})

    @classmethod
    def of(cls, proof_key: bytes | None, *, demanded: bool) -> Binding:
        """Return what a request with *proof_key* may yield."""
        if proof_key is None:
            return cls.NONE
        return cls.DEMANDED if demanded else cls.OFFERED


def parse_token_reply(
    reply: Mapping[str, Any], asked_at: float, binding: Binding = Binding.NONE
) -> TokenReply:
    """Return the tokens in *reply* to what was asked at *asked_at* (Unix seconds).

    Raises:
        ProviderFault: it carries no token of the kind that was asked for, or one without a
            sensible lifetime.
    """
    access_token = reply.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        raise ProviderFault("token reply without access_token")
    kind = str(reply.get("token_type", "")).lower()
    if kind not in binding.value:
        wanted = " or ".join(sorted(binding.value))
        raise ProviderFault(f"token reply with another token_type than {wanted}")
    lifetime_s = _lifetime_s(reply.get("expires_in"))
    return TokenReply(
        access_token=AccessToken(
            value=access_token,
            expires_at=asked_at + lifetime_s,
            lifetime_s=lifetime_s,
            scope=str(reply.get("scope") or ""),
            token_type=SCHEME if kind == SCHEME.lower() else BEARER,
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
