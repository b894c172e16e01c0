"""The request as every later step knows it: judged, complete, frozen."""

from __future__ import annotations

import msgspec


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
