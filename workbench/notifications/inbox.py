"""The inbox: what one person is told, as long as they may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from workbench.database import db
from workbench.journal import Event
from workbench.kit.clock import utc_now
from workbench.kit.pages import cut
from workbench.notifications.model import Notification

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import ColumnElement

    from workbench.journal import Channel
    from workbench.paging import PageRequest

# Nobody needs to know how many more there are; counting stays bounded.
UNREAD_MAX = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """A notification with the event that it tells of."""

    notification: Notification
    event: Event


def page(
    user_pk: int, visible: Collection[Channel], wanted: PageRequest, *, unread: bool
) -> tuple[list[Item], str | None]:
    """Return a page of the person's inbox, newest first, and the next page's cursor."""
    query = (
        select(Notification, Event)
        .join(Event, Event.pk == Notification.event_pk)
        .where(Notification.user_pk == user_pk, _seen_in(visible))
    )
    if unread:
        query = query.where(Notification.read_at.is_(None))
    rows, following = cut(query, Notification.event_pk, wanted, newest_first=True)
    return [Item(row[0], row[1]) for row in rows], following


def of_events(
    user_pks: Collection[int], after: int, until: int, *, limit: int | None = None
) -> list[Item]:
    """Return what *user_pks* were told of the events above *after* and up to *until*, in order."""
    query = (
        select(Notification, Event)
        .join(Event, Event.pk == Notification.event_pk)
        .where(
            Notification.user_pk.in_(user_pks),
            Notification.event_pk > after,
            Notification.event_pk <= until,
        )
        .order_by(Notification.event_pk)
        .limit(limit)
    )
    return [Item(row[0], row[1]) for row in db.session.execute(query)]


def unread_of(user_pk: int, visible: Collection[Channel]) -> int:
    """Return how many are unread; `UNREAD_MAX` stands for that many or more."""
    found = (
        select(Notification.pk)
        .where(
            Notification.user_pk == user_pk,
            Notification.read_at.is_(None),
            _seen_in(visible),
        )
        .limit(UNREAD_MAX)
        .subquery()
    )
    return db.session.execute(select(func.count()).select_from(found)).scalar_one()


def unread_since(
    user_pk: int, visible: Collection[Channel], after: int, *, limit: int
) -> list[Item]:
    """Return at most *limit* unread ones of the events above *after*, newest first."""
    query = (
        select(Notification, Event)
        .join(Event, Event.pk == Notification.event_pk)
        .where(
            Notification.user_pk == user_pk,
            Notification.read_at.is_(None),
            Notification.event_pk > after,
            _seen_in(visible),
        )
        .order_by(Notification.event_pk.desc())
        .limit(limit)
    )
    return [Item(row[0], row[1]) for row in db.session.execute(query)]


def read(user_pk: int, ids: Iterable[str]) -> None:
    """Mark those of *ids* that are the person's own as read; in the transaction at hand."""
    _mark(user_pk, Notification.id.in_(list(ids)))


def read_up_to(user_pk: int, newest_id: str) -> bool:
    """Mark *newest_id* and everything older as read; False where it is not the person's own."""
    newest = db.session.scalars(
        select(Notification.event_pk).where(
            Notification.user_pk == user_pk, Notification.id == newest_id
        )
    ).one_or_none()
    if newest is None:
        return False
    _mark(user_pk, Notification.event_pk <= newest)
    return True


def _mark(user_pk: int, which: ColumnElement[bool]) -> None:
    db.session.execute(
        update(Notification)
        .where(Notification.user_pk == user_pk, Notification.read_at.is_(None), which)
        .values(read_at=utc_now())
        .execution_options(synchronize_session=False)
    )


def _seen_in(visible: Collection[Channel]) -> ColumnElement[bool]:
    return Notification.channel.in_(sorted(channel.number for channel in visible))
