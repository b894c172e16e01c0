"""The table `users`."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from workbench.database import Base, ExactText

NAME_LENGTH = 200
_ID_BYTES = 12


def new_user_id() -> str:
    """Return a fresh public id; it tells neither how many people there are nor in which order."""
    return f"u_{secrets.token_hex(_ID_BYTES)}"


def utc_now() -> datetime:
    """Return the instant as it is stored: UTC, without zone, whole seconds on every backend."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


class User(Base):
    """A person as the workbench knows them.

    Attributes:
        pk: internal order; pages are cut by it.
        id: the public id.
        issuer: who vouches for `subject`; the pair is the identity, `name` never is.
        checked_at: when the name was last asked for, whether or not there was an answer.
    """

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("issuer", "subject", name="uq_users_identity"),)

    pk: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    id: Mapped[str] = mapped_column(String(32), unique=True, default=new_user_id)
    issuer: Mapped[str] = mapped_column(ExactText(255))
    subject: Mapped[str] = mapped_column(ExactText(255))
    name: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    username: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    email: Mapped[str | None] = mapped_column(String(320))
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    checked_at: Mapped[datetime | None] = mapped_column(DateTime)
