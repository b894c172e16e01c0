"""The tables `events` and `journal_head`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from workbench.database import Base
from workbench.journal.channels import Channel

TITLE_LENGTH = 200
_Big = BigInteger().with_variant(Integer, "sqlite")


class Event(Base):
    """One thing that happened. Rows are never changed, and nothing points at what they name.

    Attributes:
        pk: the number, drawn in the order of commits.
        channel: whom it is for (`Channel`).
        team_pk: the team it belongs to; null where it is one person's own affair.
        actor_pk: who did it; null where it was no person.
        group_pk: the group it belongs to.
        subject_kind: `document`, `status`, `user`, …
        subject_id: the public id, which may lead nowhere by now.
        title: what the subject was called then.
        detail: one more word: a role, an old name, a place.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_channel", "channel", "pk"),
        Index("ix_events_actor", "actor_pk", "channel", "pk"),
        Index("ix_events_group", "group_pk", "channel", "pk"),
    )

    pk: Mapped[int] = mapped_column(_Big, primary_key=True, autoincrement=False)
    channel: Mapped[int] = mapped_column(BigInteger)
    team_pk: Mapped[int | None] = mapped_column(BigInteger)
    actor_pk: Mapped[int | None] = mapped_column(BigInteger)
    group_pk: Mapped[int | None] = mapped_column(BigInteger)
    verb: Mapped[str] = mapped_column(String(32))
    subject_kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    detail: Mapped[str | None] = mapped_column(String(TITLE_LENGTH))
    created_at: Mapped[datetime] = mapped_column(DateTime)

    @property
    def project_pk(self) -> int | None:
        """The project it happened in."""
        return Channel(self.channel).project_pk


class JournalHead(Base):
    """One row: the last number that was given away."""

    __tablename__ = "journal_head"

    pk: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(BigInteger)
