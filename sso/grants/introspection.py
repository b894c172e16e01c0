"""Introspection: an API or a client asks whether a token stands.

Spec: RFC 7662; A-38; S-098.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sso.storage.digests import digest
from sso.storage.grants import Grant, RefreshToken

if TYPE_CHECKING:
    from sso.clock import Clock
    from sso.storage.clients import Client
    from sso.storage.engine import Storage
    from sso.tokens.access import AccessToken, AccessTokens

INACTIVE: Final[dict[str, Any]] = {"active": False}


class Introspection:
    """Tells whoever may know."""

    def __init__(
        self, storage: Storage, access_tokens: AccessTokens, clock: Clock, *, issuer: str
    ) -> None:
        self._storage = storage
        self._access_tokens = access_tokens
        self._clock = clock
        self._issuer = issuer

    def answer(self, client: Client, token: str) -> dict[str, Any]:
        """Return what *client* may know of *token*; unknown, expired and not-yours are alike."""
        access = self._access_tokens.find(token)
        if access is not None:
            return _told(access) if _may_know(client, access) else INACTIVE
        return self._refresh_token(client, token)

    def _refresh_token(self, client: Client, token: str) -> dict[str, Any]:
        now = self._clock()
        with self._storage.reading() as session:
            row = session.get(RefreshToken, digest(token))
            grant = session.get(Grant, row.grant_id) if row is not None else None
        if row is None or grant is None or grant.client_id != client.client_id:
            return INACTIVE
        if row.used_at or grant.revoked_at or min(row.expires_at, grant.expires_at) <= now:
            return INACTIVE
        return {
            "active": True,
            "iss": self._issuer,
            "client_id": grant.client_id,
            "sub": grant.sub,
            "scope": grant.scope,
            "iat": int(row.issued_at.timestamp()),
            "exp": int(min(row.expires_at, grant.expires_at).timestamp()),
            "token_type": "refresh_token",
        }


def _may_know(client: Client, token: AccessToken) -> bool:
    """A client its own tokens, an API those that were made for it."""
    own = token.client_id == client.client_id
    return own or token.claims.get("aud") in (client.introspects or [])


def _told(token: AccessToken) -> dict[str, Any]:
    shown = ("iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "act", "cnf")
    claims = {name: token.claims[name] for name in shown if name in token.claims}
    name = token.claims.get("preferred_username")
    username = {"username": name} if name else {}
    token_type = "DPoP" if token.jkt else "Bearer"
    return {"active": True, "token_type": token_type, **claims, **username}
