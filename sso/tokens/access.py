"""Access tokens: JWTs or opaque, for one audience, read back only while their grant stands.

Spec: RFC 9068 §2; A-30, A-31.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, exists, select
from sqlalchemy.exc import IntegrityError

from sso.keys.signing import TokenUnreadable
from sso.parameters import space_separated
from sso.storage.clients import Client
from sso.storage.digests import digest, new_secret
from sso.storage.grants import Grant, OpaqueAccessToken, RevokedAccessToken
from sso.storage.people import User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sso.clock import Clock
    from sso.keys.signing import SigningKeys
    from sso.storage.engine import Storage

TYPE: Final = "at+jwt"
OPAQUE: Final = "opaque"
_SOURCES: Final = "exchanged_from"
_ONE_FOR_ALL: Final[Mapping[str, int]] = MappingProxyType({})
_JTI_BYTES = 16
_GRANT_ID_CHARS = 32

# One question to the database, whatever the token hangs on; built once, for it is asked often.
_NOT_REVOKED = ~exists().where(RevokedAccessToken.jti.in_(bindparam("ids", expanding=True)))
_GRANT_STANDS = select(
    and_(
        _NOT_REVOKED,
        exists().where(
            Grant.id == bindparam("grant_id"),
            Grant.revoked_at.is_(None),
            User.sub == Grant.sub,
            User.disabled_at.is_(None),
        ),
    )
)
# A program's own: nothing was granted to it that could be revoked instead.
_CLIENT_STANDS = select(
    and_(
        _NOT_REVOKED,
        exists().where(Client.client_id == bindparam("client_id"), Client.disabled_at.is_(None)),
    )
)


@dataclass(frozen=True)
class Issued:
    """A token on its way to its client."""

    value: str = field(repr=False)
    expires_in_s: int


@dataclass(frozen=True)
class AccessToken:
    """A token of ours that is valid just now."""

    sub: str
    client_id: str
    scopes: frozenset[str]
    jti: str
    grant_id: str | None
    expires_at: datetime
    claims: Mapping[str, Any]

    @property
    def sources(self) -> list[str]:
        """The tokens that it was made of, by ``jti``; it stands while they all do."""
        return list(self.claims.get(_SOURCES, []))

    @property
    def jkt(self) -> str | None:
        """The thumbprint of the key that the token is bound to, where it is to one."""
        found = (self.claims.get("cnf") or {}).get("jkt")
        return str(found) if found else None


class AccessTokens:
    """Issues and reads access tokens."""

    def __init__(
        self,
        keys: SigningKeys,
        storage: Storage,
        clock: Clock,
        *,
        issuer: str,
        ttl_s: int,
        ttl_by_grant_s: Mapping[str, int] = _ONE_FOR_ALL,
    ) -> None:
        self._keys = keys
        self._storage = storage
        self._clock = clock
        self._issuer = issuer
        self._ttl_s = ttl_s
        self._ttl_by_grant_s = ttl_by_grant_s

    def issue(
        self,
        client: Client,
        grant_type: str,
        *,
        sub: str,
        audience: str,
        scopes: list[str],
        grant_id: str | None,
        extra: Mapping[str, Any],
        source: AccessToken | None = None,
    ) -> Issued:
        """Return a token for *client* to act at *audience*, that it got by *grant_type*.

        It lasts as long as the client's own do, else the grant type's, else any.

        Its ``jti`` begins with the grant's id, so that a revoked grant is seen in every token. One
        that was made of *source* ends with it, and names it in ``exchanged_from``.
        """
        of_grant_s = self._ttl_by_grant_s.get(grant_type, self._ttl_s)
        ttl_s = client.access_token_ttl_s or of_grant_s
        now = int(self._clock().timestamp())
        if source is not None:
            ttl_s = max(1, min(ttl_s, int(source.expires_at.timestamp()) - now))
            extra = {**extra, _SOURCES: [source.jti, *source.sources]}
        unique = secrets.token_hex(_JTI_BYTES)
        claims = {
            "iss": self._issuer,
            "sub": sub,
            "aud": audience,
            "client_id": client.client_id,
            "iat": now,
            "exp": now + ttl_s,
            "jti": f"{grant_id}.{unique}" if grant_id else unique,
            "scope": " ".join(scopes),
            **extra,
        }
        if client.access_token_format == OPAQUE:
            return Issued(self._keep(claims), ttl_s)
        return Issued(self._keys.sign(claims, typ=TYPE, algorithm=client.access_token_alg), ttl_s)

    def find(self, value: str) -> AccessToken | None:
        """Return the token that *value* is, or None where it is foreign, expired or revoked.

        Raises:
            Unavailable: whether it was revoked cannot be told just now.
        """
        token = self.parse(value)
        if token is None or token.expires_at <= self._clock():
            return None
        return token if self._stands(token) else None

    def parse(self, value: str) -> AccessToken | None:
        """Return the token that *value* is, expired or not; None where it is none of ours."""
        claims = self._claims(value)
        if claims is None:
            return None
        # Ours and signed by us: the members below are there, because `issue` wrote them.
        if claims.get("iss") != self._issuer:
            return None
        grant_id, dot, _unique = str(claims["jti"]).partition(".")
        return AccessToken(
            sub=str(claims["sub"]),
            client_id=str(claims["client_id"]),
            scopes=frozenset(space_separated(str(claims["scope"]))),
            jti=str(claims["jti"]),
            grant_id=grant_id if dot and len(grant_id) == _GRANT_ID_CHARS else None,
            expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
            claims=claims,
        )

    def revoke(self, token: AccessToken) -> None:
        """Make *token* invalid from now on; a second call changes nothing."""
        row = RevokedAccessToken(jti=token.jti, expires_at=token.expires_at)
        try:
            self._storage.write(lambda session: session.add(row))
        except IntegrityError:
            return  # somebody else was first

    def _keep(self, claims: dict[str, Any]) -> str:
        """Return an opaque token for *claims*, which stay here."""
        value = new_secret()
        row = OpaqueAccessToken(
            digest=digest(value),
            client_id=claims["client_id"],
            claims=claims,
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )
        self._storage.write(lambda session: session.add(row))
        return value

    def _claims(self, value: str) -> dict[str, Any] | None:
        if "." not in value:
            with self._storage.reading() as session:
                row = session.get(OpaqueAccessToken, digest(value))
            return row.claims if row is not None else None
        try:
            return self._keys.read(value, typ=TYPE)
        except TokenUnreadable:
            return None

    def _stands(self, token: AccessToken) -> bool:
        ids = [token.jti, *token.sources]
        of_grant = token.grant_id is not None
        named = {"grant_id": token.grant_id} if of_grant else {"client_id": token.client_id}
        asked = _GRANT_STANDS if of_grant else _CLIENT_STANDS
        with self._storage.reading() as session:
            return bool(session.connection().scalar(asked, {"ids": ids, **named}))
