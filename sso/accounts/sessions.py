"""Sessions of browsers at this server: what single sign-on rests on.

The cookie is 256 random bits and the table knows its digest alone. The session's ``id`` is public
(the ``sid`` of ID tokens) and opens nothing.

Spec: ASVS V7; A-54.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from httpkit.problems import Refused
from sso.accounts.assurance import acr_of
from sso.problems import SIGN_IN_REQUIRED
from sso.storage.digests import digest, new_id, new_secret
from sso.storage.people import BrowserSession, User

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.settings import Lifetimes
    from sso.storage.engine import Storage

_TOUCH_AFTER = timedelta(minutes=1)
_MAX_AGENT = 400


@dataclass(frozen=True)
class Visitor:
    """The browser at hand, as far as its owner may later recognise it."""

    ip: str
    user_agent: str


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in, since when and how."""

    user: User
    session_id: str
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]


class Sessions:
    """Starts and finds sessions of browsers; they end by `sso.grants.session_end`."""

    def __init__(self, storage: Storage, lifetimes: Lifetimes, clock: Clock) -> None:
        self._storage = storage
        self._lifetimes = lifetimes
        self._clock = clock

    def start(
        self,
        user: User,
        visitor: Visitor,
        *,
        amr: tuple[str, ...],
        replaces: SignedIn | None,
        since: datetime | None = None,
    ) -> str:
        """Return the cookie value of *user* signing in at *visitor*, or adding to it *since* then.

        The same person keeps the session's id, so that applications' sessions stay joined to it,
        but never the cookie value (ASVS 7.2.4).

        Raises:
            Refused: the account was shut, or given another password, since *user* was read. Whoever
                changed it ended every session there was; none may begin on what was proven before.
        """
        secret = new_secret()
        now = self._clock()
        proven_at = since or now
        same = replaces is not None and replaces.user.sub == user.sub

        def work(session: Session) -> None:
            # Locked: a change that is under way is waited for, one to come finds this session.
            current = session.get(User, user.sub, with_for_update={"read": True})
            if current is None or current.disabled_at is not None:
                raise Refused(SIGN_IN_REQUIRED, hint="the account was shut during the sign-in")
            if current.password_changed_at != user.password_changed_at:
                raise Refused(SIGN_IN_REQUIRED, hint="another password during the sign-in")
            row = session.get(BrowserSession, replaces.session_id) if same and replaces else None
            if row is None:
                row = BrowserSession(id=new_id(), sub=user.sub, created_at=now)
                session.add(row)
            row.secret_digest = digest(secret)
            row.auth_time = proven_at
            row.acr = acr_of(amr)
            row.amr = list(amr)
            row.ip = visitor.ip
            row.user_agent = visitor.user_agent[:_MAX_AGENT]
            row.last_seen_at = now
            row.expires_at = proven_at + timedelta(seconds=self._lifetimes.session_absolute_s)

        self._storage.write(work)
        return secret

    def find(self, secret: str | None) -> SignedIn | None:
        """Return who is signed in under the cookie value *secret*, or None.

        Raises:
            Unavailable: the database did not answer, which is not the same as nobody.
        """
        if not secret:
            return None
        now = self._clock()
        query = (
            select(BrowserSession, User)
            .join(User, User.sub == BrowserSession.sub)
            .where(
                BrowserSession.secret_digest == digest(secret),
                BrowserSession.ended_at.is_(None),
                BrowserSession.expires_at > now,
                BrowserSession.last_seen_at
                > now - timedelta(seconds=self._lifetimes.session_idle_s),
                User.disabled_at.is_(None),
            )
        )
        with self._storage.reading() as session:
            found = session.execute(query).one_or_none()
        if found is None:
            return None
        row, user = found
        if now - row.last_seen_at > _TOUCH_AFTER:
            self._touch(row.id, now)
        return SignedIn(user, row.id, row.auth_time, row.acr, tuple(row.amr))

    def _touch(self, session_id: str, now: datetime) -> None:
        touching = (
            update(BrowserSession).where(BrowserSession.id == session_id).values(last_seen_at=now)
        )
        self._storage.write(lambda session: session.execute(touching))
