"""The table `users`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from workbench.database import Base, ExactText
from workbench.kit.clock import utc_now
from workbench.kit.ids import ID_LENGTH, ids_of

NAME_LENGTH = 200


class User(Base):
    """A person as the workbench knows them.

    Attributes:
        pk: internal order; pages are cut by it.
        id: the public id.
        issuer: who vouches for `subject`; the pair is the identity, `name` never is.
        checked_at: when the name was last asked for, whether or not there was an answer.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("issuer", "subject", name="uq_users_identity"),
        Index("ix_users_username", "username"),
    )

    pk: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("u"))
    issuer: Mapped[str] = mapped_column(ExactText(255))
    subject: Mapped[str] = mapped_column(ExactText(255))
    name: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    username: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    email: Mapped[str | None] = mapped_column(String(320))
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    checked_at: Mapped[datetime | None] = mapped_column(DateTime)
