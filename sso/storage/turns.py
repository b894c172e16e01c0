"""Work that one process does for all of them: whose turn it is, and when it was done last."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by SQLAlchemy at run time
from typing import TYPE_CHECKING, Final

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from sso.storage.base import Base

if TYPE_CHECKING:
    from datetime import timedelta

KEYS: Final = "keys"
SWEEP: Final = "sweep"


class Turn(Base):
    """One kind of work; the rows are made by the migration and never deleted."""

    __tablename__ = "turns"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    last_at: Mapped[datetime]


def take_turn(session: Session, name: str, now: datetime, *, every: timedelta) -> bool:
    """Return whether the work is due, and is the caller's in this transaction; others wait."""
    turn = session.get_one(Turn, name, with_for_update=True)
    if now - turn.last_at < every:
        return False
    turn.last_at = now
    return True


def hold_turn(session: Session, name: str) -> None:
    """Let nobody else do the work until this transaction ends."""
    session.get_one(Turn, name, with_for_update=True)
