"""ID tokens: who signed in, for one client; and the same tokens come back as hints.

Spec: OIDC Core §2, §3.1.3.6 and §12.2; A-33, A-34, A-43.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sso.keys.signing import TokenUnreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sso.clock import Clock
    from sso.keys.signing import SigningKeys
    from sso.storage.grants import Grant

TYPE: Final = "JWT"


@dataclass(frozen=True)
class Hint:
    """Whom an ID token of ours names, expired or not."""

    sub: str
    client_id: str
    session_id: str | None


class IdTokens:
    """Issues ID tokens and reads them back."""

    def __init__(self, keys: SigningKeys, clock: Clock, *, issuer: str, ttl_s: int) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._ttl_s = ttl_s

    def issue(
        self,
        grant: Grant,
        *,
        access_token: str,
        nonce: str | None,
        person: Mapping[str, Any],
        algorithm: str | None = None,
    ) -> str:
        """Return the ID token of *grant* beside *access_token*.

        On refresh *nonce* is None and ``auth_time`` is still that of the sign-in.
        """
        now = int(self._clock().timestamp())
        claims = {
            **person,
            "iss": self._issuer,
            "sub": grant.sub,
            "aud": grant.client_id,
            "iat": now,
            "exp": now + self._ttl_s,
            "auth_time": int(grant.auth_time.timestamp()),
            "acr": grant.acr,
            "amr": list(grant.amr),
            "at_hash": at_hash(access_token),
        }
        if grant.session_id:
            claims["sid"] = grant.session_id
        if nonce is not None:
            claims["nonce"] = nonce
        return self._keys.sign(claims, typ=TYPE, algorithm=algorithm)

    def read_hint(self, value: str) -> Hint | None:
        """Return whom the hint names; None where it is no ID token of ours.

        An expired one is as good: it proves who was here, and opens nothing.
        """
        try:
            claims = self._keys.read(value, typ=TYPE)
        except TokenUnreadable:
            return None
        # Only ID tokens are signed under this type, but only those of this issuer are meant.
        if claims.get("iss") != self._issuer or "at_hash" not in claims:
            return None
        sid = claims.get("sid")
        return Hint(str(claims["sub"]), str(claims["aud"]), str(sid) if sid else None)


def at_hash(access_token: str) -> str:
    """Return the left half of the token's SHA-256, in base64url (OIDC Core §3.1.3.6)."""
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()
