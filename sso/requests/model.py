"""The request as every later step knows it: judged, complete, frozen."""

from __future__ import annotations

import msgspec

from sso.tokens.claims import SCOPE_OF


class ReplyTo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the answer goes; every error after this is known is sent there."""

    redirect_uri: str
    state: str | None = None
    response_mode: str = "query"


class AuthorizationRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A valid request. ``started_at`` is when it came, in seconds since the epoch."""

    client_id: str
    reply_to: ReplyTo
    scopes: list[str]
    audience: str
    started_at: float
    code_challenge: str | None = None
    nonce: str | None = None
    prompt: list[str] = []
    max_age_s: int | None = None
    login_hint: str | None = None
    hinted_sub: str | None = None
    acr_values: list[str] = []
    acr_waived: bool = False
    dpop_jkt: str | None = None
    needed_acrs: list[str] = []
    id_token_claims: list[str] = []
    userinfo_claims: list[str] = []

    @property
    def agreed_scopes(self) -> list[str]:
        """What the person has to agree to: the scopes, and those of claims asked for singly."""
        named = [SCOPE_OF[each] for each in (*self.id_token_claims, *self.userinfo_claims)]
        return list(dict.fromkeys([*self.scopes, *named]))

    @property
    def named_claims(self) -> dict[str, list[str]] | None:
        """The claims asked for singly, as a grant keeps them."""
        named = {"id_token": self.id_token_claims, "userinfo": self.userinfo_claims}
        return named if any(named.values()) else None
