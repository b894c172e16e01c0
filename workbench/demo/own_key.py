"""A key of this process alone, in the issuer's place: for requests that it makes to itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from joserfc import jwt
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from workbench.settings import Settings

_TOKEN_S = 3600
_SCOPE = (
    "users:read users:write team:read team:write project:read project:write "
    "status:read status:write feed:read notification:read notification:write"
)


class OwnKey:
    """Signs access tokens that only an application with this very key accepts."""

    def __init__(self) -> None:
        self._key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)

    def find(self, kid: str | None, kty: str) -> RSAKey | None:
        """Return the key where it is meant."""
        return self._key if (kid, kty) == (self._key.kid, self._key.key_type) else None

    def headers(
        self, settings: Settings, sub: str, *, name: str, username: str, email: str
    ) -> dict[str, str]:
        """Return what a request of the person *sub* carries; good for an hour."""
        now = int(time.time())
        claims = {
            "iss": settings.issuer,
            "aud": settings.identifier,
            "sub": sub,
            "client_id": "demo",
            "jti": "demo",
            "iat": now,
            "exp": now + _TOKEN_S,
            "scope": _SCOPE,
            "name": name,
            "preferred_username": username,
            "email": email,
        }
        header = {"alg": "RS256", "typ": "at+jwt", "kid": self._key.kid}
        token = jwt.encode(header, claims, self._key, algorithms=["RS256"])
        return {"Authorization": f"Bearer {token}"}
