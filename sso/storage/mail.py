"""Tables of mail: letters on their way, and the one-use links that letters carry."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by SQLAlchemy at run time

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from sso.storage.base import Base, Digest, OwnId


class OutgoingLetter(Base):
    """A letter to be sent, sealed: it may hold a link. Its row goes when it is delivered."""

    __tablename__ = "outgoing_letters"

    id: Mapped[OwnId] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    sealed: Mapped[bytes] = mapped_column(LargeBinary(8_192))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class MailLink(Base):
    """A link that proves who reads an address. ``purpose``: verify, change or reset."""

    __tablename__ = "mail_links"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    sub: Mapped[OwnId] = mapped_column(ForeignKey("users.sub", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
