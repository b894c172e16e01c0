"""Tables of people: accounts, their browsers' sessions, what they agreed to."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by SQLAlchemy at run time

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from sso.storage.base import Base, ClientId, Digest, OwnId, Words


class User(Base):
    """An account. ``username_key`` and ``email_key`` are the compared forms of what is shown."""

    __tablename__ = "users"

    sub: Mapped[OwnId] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64))
    username_key: Mapped[str] = mapped_column(String(190), unique=True)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254), index=True)
    email_verified: Mapped[bool] = mapped_column(default=False)
    password_hash: Mapped[str] = mapped_column(String(255))
    password_changed_at: Mapped[datetime]
    is_admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class BrowserSession(Base):
    """One browser signed in as one person. ``id`` is the public ``sid`` of ID tokens."""

    __tablename__ = "browser_sessions"

    id: Mapped[OwnId] = mapped_column(primary_key=True)
    secret_digest: Mapped[Digest] = mapped_column(unique=True)
    sub: Mapped[OwnId] = mapped_column(ForeignKey("users.sub", ondelete="CASCADE"), index=True)
    auth_time: Mapped[datetime]
    acr: Mapped[str] = mapped_column(String(64))
    amr: Mapped[list[str]]
    ip: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(String(400))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class Consent(Base):
    """What one person lets one client have, until they withdraw it."""

    __tablename__ = "consents"

    sub: Mapped[OwnId] = mapped_column(
        ForeignKey("users.sub", ondelete="CASCADE"), primary_key=True
    )
    client_id: Mapped[ClientId] = mapped_column(
        ForeignKey("clients.client_id", ondelete="CASCADE"), primary_key=True
    )
    scope: Mapped[Words]
    granted_at: Mapped[datetime]


class Invitation(Base):
    """Leave to make so many accounts for so long, where registration is by invitation."""

    __tablename__ = "invitations"

    id: Mapped[OwnId] = mapped_column(primary_key=True)
    secret_digest: Mapped[Digest] = mapped_column(unique=True)
    note: Mapped[str] = mapped_column(String(120))
    uses_left: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
