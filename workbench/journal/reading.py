"""Reading: a page of the newest, and what came between two numbers. Each costs what it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, union_all

from workbench.database import db
from workbench.journal.model import Event, JournalHead

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from workbench.journal.channels import Channel

# SQLite takes 500 parts in one statement; few people read more channels than this.
_CHANNELS_A_STATEMENT = 200


def head() -> int:
    """Return the number of the newest event, 0 before the first."""
    return db.session.execute(select(JournalHead.last)).scalar_one()


def between(after: int, until: int) -> Sequence[Event]:
    """Return every event whose number is above *after* and not above *until*, oldest first."""
    query = select(Event).where(Event.pk > after, Event.pk <= until).order_by(Event.pk)
    return db.session.scalars(query).all()


def newest(
    channels: Collection[Channel],
    *,
    limit: int,
    before: int | None = None,
    after: int | None = None,
    actor: int | None = None,
    group: int | None = None,
) -> Sequence[Event]:
    """Return at most *limit* events of *channels*, newest first.

    Each channel gives at most *limit* index entries, whatever lies around them; the rows are then
    fetched by their numbers.

    Args:
        channels: whose events; of none there are none.
        limit: at most so many.
        before: only numbers below this.
        after: only numbers above this.
        actor: only what this person did.
        group: only what belongs to this group.
    """
    numbers: list[int] = []
    wanted = sorted({channel.number for channel in channels})
    for start in range(0, len(wanted), _CHANNELS_A_STATEMENT):
        parts = []
        for number in wanted[start : start + _CHANNELS_A_STATEMENT]:
            part = select(Event.pk).where(Event.channel == number)
            if before is not None:
                part = part.where(Event.pk < before)
            if after is not None:
                part = part.where(Event.pk > after)
            if actor is not None:
                part = part.where(Event.actor_pk == actor)
            if group is not None:
                part = part.where(Event.group_pk == group)
            newest_of_one = part.order_by(Event.pk.desc()).limit(limit).subquery()
            parts.append(select(newest_of_one.c.pk))
        merged = union_all(*parts).subquery()
        statement = select(merged.c.pk).order_by(merged.c.pk.desc()).limit(limit)
        numbers += db.session.scalars(statement).all()
    chosen = sorted(numbers, reverse=True)[:limit]
    if not chosen:
        return []
    rows = select(Event).where(Event.pk.in_(chosen)).order_by(Event.pk.desc())
    return db.session.scalars(rows).all()
