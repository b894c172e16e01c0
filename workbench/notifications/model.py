"""The tables `notifications`, `watches` and `mail_digests`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, DateTime, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from workbench.database import Base
from workbench.kit.clock import utc_now
from workbench.kit.ids import ID_LENGTH, ids_of

_Big = BigInteger().with_variant(Integer, "sqlite")


class Reason(StrEnum):
    """Why somebody is told; where several hold, the first one here is given."""

    MENTION = "mention"
    REPLY = "reply"
    COMMENT = "comment"
    MEMBERSHIP = "membership"
    APPLICATION = "application"
    WATCH = "watch"


class Notification(Base):
    """One person told of one event, once.

    Attributes:
        event_pk: the event's number in the journal.
        channel: who may see it, as the event's; the person's own where they are told although they
            cannot see the place it happened in.
        reason: a `Reason`.
        read_at: null while it is unread.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("user_pk", "event_pk", name="uq_notifications_user_event"),
        Index("ix_notifications_unread", "user_pk", "read_at", "event_pk"),
        Index("ix_notifications_event", "event_pk"),
    )

    pk: Mapped[int] = mapped_column(_Big, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("nt"))
    user_pk: Mapped[int] = mapped_column(BigInteger)
    event_pk: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(16))
    read_at: Mapped[datetime | None] = mapped_column(DateTime)


class Watch(Base):
    """One person who wants to be told of whatever happens to one thing."""

    __tablename__ = "watches"
    __table_args__ = (
        UniqueConstraint("user_pk", "kind", "subject_id", name="uq_watches_user_subject"),
        Index("ix_watches_subject", "kind", "subject_id", "user_pk"),
    )

    pk: Mapped[int] = mapped_column(_Big, primary_key=True, autoincrement=True)
    user_pk: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class MailDigest(Base):
    """One person's choice about the daily e-mail, and how far it has told.

    Attributes:
        wanted: whether there is to be one.
        told_until: the number of the last event that a message told of.
        claimed_at: when a run last took this person on.
    """

    __tablename__ = "mail_digests"

    user_pk: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    wanted: Mapped[bool] = mapped_column(Boolean)
    told_until: Mapped[int] = mapped_column(BigInteger, default=0)
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime)
