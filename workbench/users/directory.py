"""The directory: entries made at first sight, names refreshed now and then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from httpkit import events
from workbench.database import db, outages_named
from workbench.kit.clock import utc_now
from workbench.kit.transactions import write
from workbench.users.model import User

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Select

    from workbench.bearer import Caller
    from workbench.paging import PageRequest
    from workbench.users.profile import ProfileSource

USER_SEEN = "user.first_seen"
_NAMELESS_PAUSE_S = 30


class Directory:
    """People by (issuer, subject)."""

    def __init__(
        self,
        profiles: ProfileSource,
        *,
        profile_ttl_s: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._profiles = profiles
        self._ttl = timedelta(seconds=profile_ttl_s)
        self._pause = timedelta(seconds=min(_NAMELESS_PAUSE_S, profile_ttl_s))
        self._clock = clock

    def entry_of(self, caller: Caller) -> User:
        """Return the caller's entry, which is made when there is none.

        Raises:
            Unavailable: the database gave no answer.
        """
        with outages_named():
            user = _find(caller)
        if user is None:
            user = _create(caller)
        if self._wants_name(user):
            db.session.rollback()  # no row is held while the issuer takes its time
            user = self._refresh(caller)
        return user

    def page(self, wanted: PageRequest) -> tuple[Sequence[User], bool]:
        """Return at most `wanted.limit` entries and whether more follow.

        Raises:
            Unavailable: the database gave no answer.
        """
        query = select(User).where(User.pk > wanted.after).order_by(User.pk)
        with outages_named():
            found = db.session.scalars(query.limit(wanted.limit + 1)).all()
        return found[: wanted.limit], len(found) > wanted.limit

    def _wants_name(self, user: User) -> bool:
        if user.checked_at is None:
            return True
        patience = self._ttl if user.name else self._pause
        return not timedelta(0) <= self._clock() - user.checked_at < patience

    def _refresh(self, caller: Caller) -> User:
        profile = self._profiles.find(caller)

        def work() -> User:
            user = db.session.scalars(_entry(caller).with_for_update()).one()
            if profile is not None:
                user.name, user.username, user.email = profile.name, profile.username, profile.email
            user.checked_at = self._clock()
            return user

        return write(work)


def _entry(caller: Caller) -> Select[User]:
    return select(User).where(User.issuer == caller.issuer, User.subject == caller.subject)


def _find(caller: Caller) -> User | None:
    return db.session.scalars(_entry(caller)).one_or_none()


def _create(caller: Caller) -> User:
    def work() -> User:
        user = User(issuer=caller.issuer, subject=caller.subject)
        db.session.add(user)
        db.session.flush()
        return user

    try:
        user = write(work)
    except IntegrityError:  # two first requests at once: the other made the entry
        with outages_named():
            return db.session.scalars(_entry(caller)).one()
    events.get_logger().info(USER_SEEN, user=user.id)
    return user
