"""Forgetting: what is too old goes, the oldest first, a batch at a time.

Numbers follow each other without a gap, so what a reader has missed by it can be told.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from workbench.database import db
from workbench.journal.model import Event

if TYPE_CHECKING:
    from datetime import datetime


def oldest_before(instant: datetime, *, most: int) -> list[int]:
    """Return the numbers of the oldest events from before *instant*, *most* of them at once.

    Costs what it looks at: events lie in the order of their numbers.
    """
    query = select(Event.pk, Event.created_at).order_by(Event.pk).limit(most)
    rows = db.session.execute(query).all()
    return [row.pk for row in takewhile(lambda row: row.created_at < instant, rows)]


def forget(until: int) -> None:
    """Delete every event up to *until*, in the transaction at hand."""
    db.session.execute(
        delete(Event).where(Event.pk <= until), execution_options={"synchronize_session": False}
    )


def is_forgotten(number: int, head: int) -> bool:
    """Return whether the event *number*, which is at most *head*, is there no longer."""
    oldest = db.session.scalar(select(func.min(Event.pk)))
    return number <= head and (oldest is None or number < oldest)
