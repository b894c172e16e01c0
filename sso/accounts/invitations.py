"""Invitations: an operator's leave to make so many accounts, as a link that ends.

Spec: ASVS 6.4.1, 6.4.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from sso.storage.audit import record
from sso.storage.digests import digest, new_id, new_secret
from sso.storage.people import Invitation

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.storage.engine import Storage

OPEN: Final = "open"
INVITED: Final = "invited"
CLOSED: Final = "closed"
MAX_USES: Final = 10_000
MAX_TTL_S: Final = 365 * 86_400
DEFAULT_TTL_S: Final = 7 * 86_400
_MAX_NOTE: Final = 120


class InvitationGone(Exception):  # noqa: N818 - an outcome, not an error of ours
    """It was used up, ended, is too old, or never was one."""


class InvitationInvalid(Exception):  # noqa: N818 - an outcome, not an error of ours
    """It cannot be made; the message says why."""


@dataclass(frozen=True)
class Made:
    """A fresh invitation: its public id, and the link that is shown this once."""

    id: str
    link: str = field(repr=False)


class Invitations:
    """Makes, spends and ends invitations; the table knows their digests alone."""

    def __init__(self, storage: Storage, clock: Clock, *, issuer: str) -> None:
        self._storage = storage
        self._clock = clock
        self._issuer = issuer

    def create(self, *, uses: int = 1, ttl_s: int = DEFAULT_TTL_S, note: str = "") -> Made:
        """Return an invitation to make *uses* accounts within *ttl_s* seconds.

        Raises:
            InvitationInvalid: nothing was written.
        """
        if not 1 <= uses <= MAX_USES:
            raise InvitationInvalid(f"uses must be 1 to {MAX_USES}")
        if not 60 <= ttl_s <= MAX_TTL_S:  # noqa: PLR2004 - a minute, for whoever scripts it
            raise InvitationInvalid(f"the time must be 60 to {MAX_TTL_S} seconds")
        if len(note) > _MAX_NOTE or not note.isprintable():
            raise InvitationInvalid(f"the note must have at most {_MAX_NOTE} printable characters")
        secret, now, id_ = new_secret(), self._clock(), new_id()
        row = Invitation(
            id=id_,
            secret_digest=digest(secret),
            note=note,
            uses_left=uses,
            created_at=now,
            expires_at=now + timedelta(seconds=ttl_s),
        )

        def work(session: Session) -> None:
            session.add(row)
            record(session, now, "invitation.made", f"invitation:{id_}", uses=uses)

        self._storage.write(work)
        return Made(id_, f"{self._issuer}/sign-up?invitation={secret}")

    def is_good(self, secret: str) -> bool:
        """Return whether an account could be made with it just now."""
        query = select(Invitation).where(Invitation.secret_digest == digest(secret))
        with self._storage.reading() as session:
            row = session.scalar(query)
        if row is None or row.revoked_at is not None:
            return False
        return row.uses_left > 0 and row.expires_at > self._clock()

    def spend(self, session: Session, secret: str) -> None:
        """Take one use in the caller's transaction; of many at once no more succeed than are left.

        Raises:
            InvitationGone: none is left.
        """
        spending = (
            update(Invitation)
            .where(
                Invitation.secret_digest == digest(secret),
                Invitation.uses_left > 0,
                Invitation.revoked_at.is_(None),
                Invitation.expires_at > self._clock(),
            )
            .values(uses_left=Invitation.uses_left - 1)
            .execution_options(synchronize_session=False)
        )
        if session.execute(spending).rowcount != 1:  # type: ignore[attr-defined]
            raise InvitationGone

    def revoke(self, id_: str) -> bool:
        """End the invitation; return whether it was this call that did."""
        now = self._clock()
        ending = (
            update(Invitation)
            .where(Invitation.id == id_, Invitation.revoked_at.is_(None))
            .values(revoked_at=now)
            .execution_options(synchronize_session=False)
        )

        def work(session: Session) -> bool:
            if session.execute(ending).rowcount != 1:  # type: ignore[attr-defined]
                return False
            record(session, now, "invitation.revoked", f"invitation:{id_}")
            return True

        return self._storage.write(work)
