"""The tables `users` and `avatars`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import MEDIUMBLOB
from sqlalchemy.orm import Mapped, mapped_column, validates

from workbench.database import Base, ExactText
from workbench.kit.clock import utc_now
from workbench.kit.ids import ID_LENGTH, ids_of
from workbench.kit.names import fold

NAME_LENGTH = 200
EMAIL_LENGTH = 320
BIO_LENGTH = 1000
PHONE_LENGTH = 32
LOCALE_LENGTH = 16
_DIGEST_LENGTH = 64
_PK = BigInteger().with_variant(Integer, "sqlite")


def key_of(username: str) -> str:
    """Return *username* as it is looked up: without case and width, no longer than its column."""
    return fold(username)[:NAME_LENGTH]


class User(Base):
    """A person as the workbench knows them.

    Attributes:
        pk: internal order; pages are cut by it.
        id: the public id.
        issuer: who vouches for `subject`; the pair is the identity, `name` never is.
        checked_at: when the name was last asked for, whether or not there was an answer.
        username_key: what usernames share that a person would take for the same one.
        chosen_name: what they call themselves here; `name` is the issuer's word.
        chosen_email: likewise.
        avatar: the digest of their picture.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("issuer", "subject", name="uq_users_identity"),
        Index("ix_users_username_key", "username_key"),
    )

    pk: Mapped[int] = mapped_column(_PK, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("u"))
    issuer: Mapped[str] = mapped_column(ExactText(255))
    subject: Mapped[str] = mapped_column(ExactText(255))
    name: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    username: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    username_key: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    email: Mapped[str | None] = mapped_column(String(EMAIL_LENGTH))
    chosen_name: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    chosen_email: Mapped[str | None] = mapped_column(String(EMAIL_LENGTH))
    phone: Mapped[str | None] = mapped_column(String(PHONE_LENGTH))
    bio: Mapped[str | None] = mapped_column(String(BIO_LENGTH))
    locale: Mapped[str | None] = mapped_column(String(LOCALE_LENGTH))
    avatar: Mapped[str | None] = mapped_column(String(_DIGEST_LENGTH))
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    checked_at: Mapped[datetime | None] = mapped_column(DateTime)

    @validates("username")
    def _with_its_key(self, _: str, username: str | None) -> str | None:
        self.username_key = key_of(username) if username else None
        return username

    @property
    def shown_name(self) -> str | None:
        """The name that others read."""
        return self.chosen_name or self.name

    @property
    def shown_email(self) -> str | None:
        """The address that others write to."""
        return self.chosen_email or self.email

    @property
    def avatar_url(self) -> str | None:
        """Where the picture is; another picture is elsewhere."""
        return f"/users/{self.id}/avatar?v={self.avatar[:12]}" if self.avatar else None


class Avatar(Base):
    """A person's picture as they sent it, without what it told beside (`metadata`)."""

    __tablename__ = "avatars"

    user_pk: Mapped[int] = mapped_column(
        ForeignKey("users.pk"), primary_key=True, autoincrement=False
    )
    media_type: Mapped[str] = mapped_column(String(32))
    content: Mapped[bytes] = mapped_column(LargeBinary().with_variant(MEDIUMBLOB(), "mysql"))
