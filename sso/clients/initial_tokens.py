"""Initial access tokens: an operator's leave to register so many clients for so long.

Spec: RFC 7591 §3; A-50.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import update

from sso.storage.audit import record
from sso.storage.clients import InitialAccessToken
from sso.storage.digests import digest, new_secret

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.storage.engine import Storage


class TokenSpent(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The token lets nobody register any more."""


class InitialTokens:
    """Makes and spends them; the table knows their digests alone."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def create(self, *, uses: int, ttl_s: int) -> str:
        """Return a token good for *uses* registrations within *ttl_s* seconds."""
        token, now = new_secret(), self._clock()
        row = InitialAccessToken(
            digest=digest(token),
            uses_left=uses,
            created_at=now,
            expires_at=now + timedelta(seconds=ttl_s),
        )

        def work(session: Session) -> None:
            session.add(row)
            record(session, now, "registration_token.made", f"registration:{named(token)}")

        self._storage.write(work)
        return token

    def is_good(self, token: str) -> bool:
        """Return whether *token* would be spent by a registration."""
        with self._storage.reading() as session:
            row = session.get(InitialAccessToken, digest(token))
        return row is not None and row.uses_left > 0 and row.expires_at > self._clock()

    def spend(self, session: Session, token: str) -> None:
        """Take one use in the caller's transaction; of many at once no more succeed than are left.

        Raises:
            TokenSpent: none is left.
        """
        spending = (
            update(InitialAccessToken)
            .where(
                InitialAccessToken.digest == digest(token),
                InitialAccessToken.uses_left > 0,
                InitialAccessToken.expires_at > self._clock(),
            )
            .values(uses_left=InitialAccessToken.uses_left - 1)
            .execution_options(synchronize_session=False)
        )
        if session.execute(spending).rowcount != 1:  # type: ignore[attr-defined]
            raise TokenSpent


def named(token: str) -> str:
    """Return the name by which the audit log knows *token*."""
    return digest(token)[:12]
