"""The end of a browser's session, wherever it is decided, and who must hear of it.

Who is to be told is written in the same transaction that ends the session: a crash in between
tells everybody a little later, and nobody never.

Spec: OIDC Back-Channel Logout §2.5 and §2.7; ASVS 7.4; A-55, A-56.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from sqlalchemy import event, select, update

from sso.grants.device_codes import take_back_approvals
from sso.grants.records import revoke_grant, spend_codes
from sso.storage.audit import record
from sso.storage.clients import Client
from sso.storage.digests import new_id
from sso.storage.grants import AuthorizationCode, DeviceCode, Grant, LogoutDelivery
from sso.storage.people import BrowserSession

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.storage.engine import Storage

PASSWORD_CHANGED: Final = "password changed"


class SessionEnd:
    """Ends sessions. ``waiting`` is set when clients are to be told."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self.waiting = threading.Event()

    def end(self, session_id: str, *, revoke_grants: bool = False) -> bool:
        """End the session; return whether it was this call that did.

        Refresh tokens stay good, since ``offline_access`` outlives a session (§2.7), unless
        *revoke_grants*: whoever ends a device means everything that it was given.
        """
        return self._storage.write(
            lambda session: self.end_within(session, session_id, revoke_grants=revoke_grants)
        )

    def end_within(self, session: Session, session_id: str, *, revoke_grants: bool = False) -> bool:
        """Do what `end` does, in the caller's transaction."""
        now = self._clock()
        ending = (
            update(BrowserSession)
            .where(BrowserSession.id == session_id, BrowserSession.ended_at.is_(None))
            .values(ended_at=now)
            .execution_options(synchronize_session=False)
        )
        if session.execute(ending).rowcount != 1:  # type: ignore[attr-defined]
            return False
        # A code on its way would make a grant of a session that is over: nobody would tell its
        # client, and nothing would revoke it.
        owner = session.scalar(select(BrowserSession.sub).where(BrowserSession.id == session_id))
        of_session = AuthorizationCode.session_id == session_id
        spend_codes(session, now, AuthorizationCode.sub == owner, of_session)
        for client_id, sub in session.execute(_to_be_told(session_id)):
            session.add(
                LogoutDelivery(
                    id=new_id(),
                    client_id=client_id,
                    sub=sub,
                    session_id=session_id,
                    ended_at=now,
                    attempts=0,
                    next_attempt_at=now,
                )
            )
        if revoke_grants:
            record(session, now, "session.ended", f"session:{session_id}")
            grants = select(Grant.id).where(Grant.session_id == session_id)
            for grant_id in list(session.scalars(grants)):
                revoke_grant(session, grant_id, now, because="session ended by its owner")
        event.listen(session, "after_commit", lambda _session: self.waiting.set(), once=True)
        return True

    def end_all_within(
        self, session: Session, sub: str, *, but_of: str = "", because: str = PASSWORD_CHANGED
    ) -> None:
        """End, in the caller's transaction, all that *sub* has open but what is *but_of* a session.

        Sessions, grants, and what would still become a grant: a code that is on its way, a device
        that was let in and has not come for it.
        """
        now = self._clock()
        # First of all, so that no redemption slips between.
        other = AuthorizationCode.session_id != but_of
        spend_codes(session, now, AuthorizationCode.sub == sub, other)
        take_back_approvals(session, now, DeviceCode.sub == sub)
        living = select(BrowserSession.id).where(
            BrowserSession.sub == sub,
            BrowserSession.ended_at.is_(None),
            BrowserSession.id != but_of,
        )
        for session_id in list(session.scalars(living)):
            self.end_within(session, session_id, revoke_grants=True)
        standing = select(Grant).where(Grant.sub == sub, Grant.revoked_at.is_(None))
        for grant in list(session.scalars(standing)):
            if grant.session_id != but_of:
                revoke_grant(session, grant.id, now, because=because)


def _to_be_told(session_id: str) -> Select[str, str]:
    return (
        select(Grant.client_id, Grant.sub)
        .join(Client, Client.client_id == Grant.client_id)
        .where(Grant.session_id == session_id, Client.backchannel_logout_uri.is_not(None))
        .distinct()
    )
