"""The directory: entries made at first sight, names refreshed now and then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from httpkit import events
from workbench.database import db, outages_named, start_over
from workbench.kit.clock import utc_now
from workbench.kit.names import index_name, named_like
from workbench.kit.pages import cut
from workbench.kit.transactions import write
from workbench.users.model import Avatar, User

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Select

    from workbench.bearer import Caller
    from workbench.paging import PageRequest
    from workbench.users.profile import Profile, ProfileSource

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
            start_over()  # no row is held while the issuer takes its time
            user = self._refresh(caller)
        return user

    def page(
        self, wanted: PageRequest, *, among: Select[int] | None, sought: str | None
    ) -> tuple[list[User], str | None]:
        """Return one page of entries, and the `after` of the next page or None.

        Args:
            wanted: which page.
            among: the query of the pks that are looked at; None: everybody.
            sought: part of a name.

        Raises:
            Refused: ``bad_request``: *sought* is too long.
            Unavailable: the database gave no answer.
        """
        query = select(User)
        if among is not None:
            query = query.where(User.pk.in_(among))
        if sought:
            query = query.where(User.pk.in_(named_like("u", sought)))
        with outages_named():
            rows, following = cut(query, User.pk, wanted)
        return [row[0] for row in rows], following

    def with_ids(self, public_ids: Collection[str]) -> Sequence[User]:
        """Return the entries that there are of *public_ids*, in the order of arrival.

        Raises:
            Unavailable: the database gave no answer.
        """
        with outages_named():
            query = select(User).where(User.id.in_(public_ids)).order_by(User.pk)
            return db.session.scalars(query).all() if public_ids else ()

    def picture_of(self, public_id: str) -> tuple[str, str, bytes] | None:
        """Return digest, media type and bytes of somebody's picture, or None.

        Raises:
            Unavailable: the database gave no answer.
        """
        query = (
            select(User.avatar, Avatar.media_type, Avatar.content)
            .join(Avatar, Avatar.user_pk == User.pk)
            .where(User.id == public_id)
        )
        with outages_named():
            row = db.session.execute(query).one_or_none()
        return (row[0] or "", row[1], row[2]) if row else None

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
                _adopt(user, profile)
            user.checked_at = self._clock()
            return user

        return write(work)


def _adopt(user: User, profile: Profile) -> None:
    """Take over what the issuer says; an address that it was not asked for stays."""
    email = profile.email if profile.email_told else user.email
    if (user.name, user.username, user.email) != (profile.name, profile.username, email):
        user.name, user.username, user.email = profile.name, profile.username, email
        user.version += 1
    index_name("u", user.pk, user.shown_name, user.username)


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
