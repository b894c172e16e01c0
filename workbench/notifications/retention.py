"""How far feed and inbox reach back: an event that is too old goes with all that was told of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete

from workbench.database import db
from workbench.journal import forgetting
from workbench.kit.clock import utc_now
from workbench.kit.transactions import write
from workbench.notifications.model import Notification

if TYPE_CHECKING:
    from datetime import datetime

_BATCH = 500


def forget_some(retention_s: int, now: datetime | None = None) -> int:
    """Delete a batch of the events that are older than *retention_s*; return how many there were.

    Raises:
        Unavailable: the database gave no answer.
    """
    instant = (now or utc_now()) - timedelta(seconds=retention_s)

    def work() -> int:
        old = forgetting.oldest_before(instant, most=_BATCH)
        if old:
            db.session.execute(
                delete(Notification).where(Notification.event_pk <= old[-1]),
                execution_options={"synchronize_session": False},
            )
            forgetting.forget(old[-1])
        return len(old)

    return write(work)


def forget_all(retention_s: int, now: datetime | None = None) -> int:
    """Delete all of them, a transaction a batch; return how many there were.

    Raises:
        Unavailable: the database gave no answer; the rest goes the next time.
    """
    count = 0
    while gone := forget_some(retention_s, now):
        count += gone
    return count
