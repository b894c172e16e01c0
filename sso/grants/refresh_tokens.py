"""Refresh tokens: each used once, each replaced by a successor that only its holder can repeat.

The successor is derived from the token presented and the server's keys. So the table keeps digests
alone, and a client whose reply was lost gets the very same successor when it asks again within the
grace window. Whoever comes later, or after the successor was used, is a thief or was robbed: the
whole grant ends.

Spec: OAuth 2.1 §4.3; RFC 9700 §4.14; A-24, A-26 to A-28; S-085, S-086, F-27.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select

from sso.clients.registration import AUTH_NONE, REFRESH_TOKEN
from sso.errors import INVALID_GRANT, INVALID_SCOPE, INVALID_TARGET, OAuthError
from sso.grants.records import TOLD, revoke_grant
from sso.parameters import space_separated
from sso.storage.base import as_table
from sso.storage.digests import digest, new_secret
from sso.storage.grants import Grant, RefreshToken
from sso.storage.people import User
from sso.tokens.claims import OFFLINE_ACCESS

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.keys.ring import KeyRing
    from sso.settings import Lifetimes
    from sso.storage.clients import Client
    from sso.storage.engine import Storage

_PURPOSE = "refresh successor"


# All that a rotation judges, by one question.
_WITH_ITS_GRANT = (
    select(RefreshToken, Grant, User)
    .join(Grant, Grant.id == RefreshToken.grant_id)
    .join(User, User.sub == Grant.sub)
    .where(RefreshToken.digest == bindparam("digest"))
    .options(TOLD)
)
_TABLE: Final = as_table(RefreshToken)
_TAKE = (
    _TABLE.update()
    .where(_TABLE.c.digest == bindparam("taken"), _TABLE.c.used_at.is_(None))
    .values(used_at=bindparam("now"), successor=bindparam("next"))
)
_ADD: Final = _TABLE.insert()
_GRANTS: Final = as_table(Grant)
_USED = (
    _GRANTS.update().where(_GRANTS.c.id == bindparam("used")).values(last_used_at=bindparam("now"))
)


@dataclass(frozen=True)
class Rotated:
    """A grant carried on: its person, and the token that replaces the one presented."""

    grant: Grant
    user: User
    refresh_token: str = field(repr=False)


@dataclass(frozen=True)
class _Asked:
    scopes: Collection[str]
    resource: str | None
    jkt: str | None


@dataclass(frozen=True)
class _Refusal:
    reason: str
    error: str = INVALID_GRANT
    description: str = "the refresh token is not valid for this request"


class RefreshTokens:
    """Issues refresh tokens and rotates them."""

    def __init__(self, storage: Storage, ring: KeyRing, lifetimes: Lifetimes, clock: Clock) -> None:
        self._storage = storage
        self._ring = ring
        self._lifetimes = lifetimes
        self._clock = clock

    def first(self, session: Session, client: Client, grant: Grant, jkt: str | None) -> str | None:
        """Return the first refresh token of *grant*, where one was asked for and is allowed."""
        asked = OFFLINE_ACCESS in space_separated(grant.scope)
        if not asked or REFRESH_TOKEN not in client.grant_types:
            return None
        token = new_secret()
        session.connection().execute(_ADD, self._values(client, grant, token, jkt))
        return token

    def rotate(
        self,
        client: Client,
        token: str,
        *,
        scopes: Collection[str],
        resource: str | None = None,
        jkt: str | None = None,
    ) -> Rotated:
        """Return the successor of *token*; asked again in time, the same one.

        Args:
            client: who presents it.
            token: what was presented.
            scopes: what the next access token is narrowed to; empty for all that was granted.
            resource: the audience that the caller expects, where it names one (RFC 8707).
            jkt: the thumbprint of the key that the caller proved to have, if it did.

        Raises:
            OAuthError: ``invalid_grant``, after a replay with the grant revoked; or
                ``invalid_scope``, with the token still good.
        """
        asked = _Asked(scopes, resource, jkt)

        def work(session: Session) -> Rotated | _Refusal:
            return self._rotate(session, client, token, asked)

        outcome = self._storage.write(work)
        if isinstance(outcome, _Refusal):
            raise OAuthError(outcome.error, outcome.description, reason=outcome.reason)
        return outcome

    def _rotate(
        self,
        session: Session,
        client: Client,
        token: str,
        asked: _Asked,
    ) -> Rotated | _Refusal:
        found = session.execute(_WITH_ITS_GRANT, {"digest": digest(token)}).one_or_none()
        if found is None:
            return _Refusal("unknown refresh token")
        row, grant, user = found
        if refusal := self._refusal(client, row, grant, user, asked):
            return refusal
        now = self._clock()
        successor = self._successors(token)[0]
        # Statements that are there already: a refresh is what a gateway asks for most often.
        tables, next_ = session.connection(), digest(successor)
        taken = tables.execute(_TAKE, {"taken": row.digest, "now": now, "next": next_})
        if taken.rowcount != 1:
            return self._repeat(session, row, grant, user, token)
        tables.execute(_ADD, self._values(client, grant, successor, asked.jkt))
        tables.execute(_USED, {"used": grant.id, "now": now})
        return Rotated(grant, user, successor)

    def _repeat(
        self, session: Session, row: RefreshToken, grant: Grant, user: User, token: str
    ) -> Rotated | _Refusal:
        """Answer a token that was used before: once more the same, or the end of the grant."""
        session.refresh(row)  # the winner may have committed after the first look
        now = self._clock()
        grace = timedelta(seconds=self._lifetimes.refresh_grace_s)
        next_row = session.get(RefreshToken, row.successor) if row.successor else None
        if row.used_at and now - row.used_at <= grace and next_row and next_row.used_at is None:
            for successor in self._successors(token):
                if digest(successor) == row.successor:
                    return Rotated(grant, user, successor)
        revoke_grant(session, grant.id, now, because="refresh token replayed")
        return _Refusal("refresh token replayed: the grant is revoked")

    def _refusal(
        self,
        client: Client,
        row: RefreshToken,
        grant: Grant,
        user: User,
        asked: _Asked,
    ) -> _Refusal | None:
        now = self._clock()
        if grant.client_id != client.client_id:
            return _Refusal("refresh token of another client")
        if grant.revoked_at is not None:
            return _Refusal(f"the grant was revoked: {grant.revoked_because}")
        if row.expires_at <= now or grant.expires_at <= now:
            return _Refusal("refresh token expired")
        if user.disabled_at is not None:
            return _Refusal("the account is disabled")
        return _asked_too_much(row, grant, asked)

    def _values(
        self, client: Client, grant: Grant, token: str, jkt: str | None
    ) -> dict[str, object]:
        now = self._clock()
        idle_s = client.refresh_token_ttl_s or self._lifetimes.refresh_idle_s
        return {
            "digest": digest(token),
            "grant_id": grant.id,
            # A confidential client proves itself anyway, and may change its key (RFC 9449 §5).
            "dpop_jkt": jkt if client.auth_method == AUTH_NONE else None,
            "issued_at": now,
            "expires_at": min(now + timedelta(seconds=idle_s), grant.expires_at),
        }

    def _successors(self, token: str) -> list[str]:
        """Return the successor of *token* under each server key, the newest first."""
        macs = self._ring.macs(_PURPOSE, token.encode())
        return [base64.urlsafe_b64encode(mac).rstrip(b"=").decode() for mac in macs]


def _asked_too_much(row: RefreshToken, grant: Grant, asked: _Asked) -> _Refusal | None:
    if row.dpop_jkt not in {None, asked.jkt}:
        return _Refusal("the key is not the one that the refresh token is bound to")
    if not set(asked.scopes) <= set(space_separated(grant.scope)):
        return _Refusal("scope widened on refresh", INVALID_SCOPE, "scope exceeds what was granted")
    if asked.resource not in {None, grant.audience}:
        return _Refusal("another resource", INVALID_TARGET, "resource was not granted")
    return None
