"""Clients that prove themselves by a key of their own, and never send a secret.

The assertion names one audience, this issuer: one made for another server, or for an endpoint that
somebody else could claim to have, is worth nothing here. Each is good once.

Spec: RFC 7523 with its revision (rfc7523bis), OIDC Core §9; A-19; S-090 to S-092.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from sqlalchemy.exc import IntegrityError

from sso.storage.digests import digest
from sso.storage.grants import UsedAssertion

if TYPE_CHECKING:
    from sso.clock import Clock
    from sso.storage.clients import Client
    from sso.storage.engine import Storage

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS: Final = ("RS256", "PS256", "ES256")
_MAX_CHARS: Final = 4_096
_MAX_LIFETIME_S: Final = 300
_LEEWAY_S: Final = 30
_MAX_JTI: Final = 255
# 2048 bits in base64url.
_MIN_MODULUS_CHARS: Final = 342
_MAX_KEYS: Final = 10


class AssertionInvalid(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The assertion proves nothing. The message is for the log."""


class Assertions:
    """Verifies client assertions."""

    def __init__(self, storage: Storage, clock: Clock, *, issuer: str) -> None:
        self._storage = storage
        self._clock = clock
        self._issuer = issuer

    def require(self, client: Client, assertion: str) -> None:
        """Return when *assertion* proves that *client* sent it, now and for the first time.

        Raises:
            AssertionInvalid: it does not.
            Unavailable: whether it was used before cannot be told.
        """
        claims = _verified(client, assertion)
        expires_at = self._judge(client, claims)
        row = UsedAssertion(
            digest=digest(f"{client.client_id} {claims['jti']}"), expires_at=expires_at
        )
        try:
            self._storage.write(lambda session: session.add(row))
        except IntegrityError as error:
            raise AssertionInvalid("the assertion was used before") from error

    def _judge(self, client: Client, claims: dict[str, Any]) -> datetime:
        now = int(self._clock().timestamp())
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            raise AssertionInvalid("iss and sub must both be the client id")
        # A string and nothing else: a list would let one assertion serve two servers.
        if claims.get("aud") != self._issuer:
            raise AssertionInvalid("aud must be the issuer, as a string")
        jti, exp = claims.get("jti"), claims.get("exp")
        if not isinstance(jti, str) or not 1 <= len(jti) <= _MAX_JTI:
            raise AssertionInvalid("jti is missing or too long")
        if type(exp) is not int or not now - _LEEWAY_S < exp <= now + _MAX_LIFETIME_S + _LEEWAY_S:
            raise AssertionInvalid(f"exp must be at most {_MAX_LIFETIME_S} s ahead")
        for name in ("nbf", "iat"):
            instant = claims.get(name, now)
            if type(instant) is not int or instant > now + _LEEWAY_S:
                raise AssertionInvalid(f"{name} is in the future")
        # Kept a little longer than it is accepted: the leeway must not let it come twice.
        return datetime.fromtimestamp(exp, UTC) + timedelta(seconds=2 * _LEEWAY_S)


def client_id_in(assertion: str) -> str | None:
    """Return the client id that *assertion* claims; nothing is proven yet."""
    try:
        claims = json.loads(jws.extract_compact(assertion.encode()).payload)
    except (JoseError, ValueError, RecursionError):
        return None
    sub = claims.get("sub") if isinstance(claims, dict) else None
    return sub if isinstance(sub, str) else None


def key_set_fault(jwks: object) -> str | None:
    """Return in words why *jwks* cannot be a client's key set, or None."""
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MAX_KEYS:
        return f"must be a JWK Set with 1 to {_MAX_KEYS} keys"
    for key in keys:
        if not isinstance(key, dict) or "d" in key or key.get("kty") not in {"RSA", "EC"}:
            return "holds public RSA or EC keys alone"
        # Judged before it is imported: the library only warns of a weak one.
        if key["kty"] == "RSA" and len(str(key.get("n"))) < _MIN_MODULUS_CHARS:
            return "holds an RSA key of less than 2048 bits"
        if key["kty"] == "EC" and key.get("crv") != "P-256":
            return "holds an EC key that is not of P-256"
        try:
            RSAKey.import_key(key) if key["kty"] == "RSA" else ECKey.import_key(key)
        except (JoseError, ValueError, KeyError, TypeError):
            return "holds a key that cannot be read"
    return None


def _verified(client: Client, assertion: str) -> dict[str, Any]:
    if len(assertion) > _MAX_CHARS or not assertion.isascii() or client.jwks is None:
        raise AssertionInvalid("too long, not ASCII, or the client has no keys")
    try:
        keys = KeySet.import_key_set(client.jwks)  # type: ignore[arg-type]
        return jwt.decode(assertion, keys, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise AssertionInvalid(f"no valid JWS of this client: {type(error).__name__}") from error
