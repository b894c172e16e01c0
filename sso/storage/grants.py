"""Tables of what was granted: codes, the grants they became, and refresh tokens of each."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by SQLAlchemy at run time
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from sso.storage.base import Base, ClientId, Digest, OwnId, Uri, Words


class AuthorizationCode(Base):
    """A code and all that it is bound to. ``grant_id`` names the grant that it becomes."""

    __tablename__ = "authorization_codes"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    grant_id: Mapped[OwnId]
    client_id: Mapped[ClientId] = mapped_column(ForeignKey("clients.client_id", ondelete="CASCADE"))
    sub: Mapped[OwnId] = mapped_column(ForeignKey("users.sub", ondelete="CASCADE"))
    session_id: Mapped[OwnId]
    redirect_uri: Mapped[Uri]
    code_challenge: Mapped[str | None] = mapped_column(String(43))
    nonce: Mapped[str | None] = mapped_column(String(512))
    scope: Mapped[Words]
    audience: Mapped[Uri]
    auth_time: Mapped[datetime]
    acr: Mapped[str] = mapped_column(String(64))
    amr: Mapped[list[str]]
    claims: Mapped[dict[str, Any] | None]
    dpop_jkt: Mapped[str | None] = mapped_column(String(43))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class Grant(Base):
    """What one person granted one client once; revoking it kills every token it yielded."""

    __tablename__ = "grants"

    id: Mapped[OwnId] = mapped_column(primary_key=True)
    client_id: Mapped[ClientId] = mapped_column(
        ForeignKey("clients.client_id", ondelete="CASCADE"), index=True
    )
    sub: Mapped[OwnId] = mapped_column(ForeignKey("users.sub", ondelete="CASCADE"), index=True)
    session_id: Mapped[OwnId | None] = mapped_column(index=True)
    scope: Mapped[Words]
    audience: Mapped[Uri]
    auth_time: Mapped[datetime]
    acr: Mapped[str] = mapped_column(String(64))
    amr: Mapped[list[str]]
    claims: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None] = mapped_column(String(64))


class RefreshToken(Base):
    """One refresh token of a grant's chain; ``successor`` is the digest of what replaced it."""

    __tablename__ = "refresh_tokens"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    grant_id: Mapped[OwnId] = mapped_column(ForeignKey("grants.id", ondelete="CASCADE"), index=True)
    dpop_jkt: Mapped[str | None] = mapped_column(String(43))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    successor: Mapped[Digest | None]


class PushedRequest(Base):
    """A request that its client handed in, judged; a browser brings its name once."""

    __tablename__ = "pushed_requests"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    client_id: Mapped[ClientId] = mapped_column(ForeignKey("clients.client_id", ondelete="CASCADE"))
    request: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class RevokedAccessToken(Base):
    """The ``jti`` of an access token that was revoked by itself, until it would have expired."""

    __tablename__ = "revoked_access_tokens"

    jti: Mapped[str] = mapped_column(String(100), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class OpaqueAccessToken(Base):
    """An access token that says nothing by itself; what a JWT would carry is kept here."""

    __tablename__ = "opaque_access_tokens"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    client_id: Mapped[ClientId] = mapped_column(ForeignKey("clients.client_id", ondelete="CASCADE"))
    claims: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class UsedAssertion(Base):
    """A client assertion that was accepted, until it would have expired: each is good once."""

    __tablename__ = "used_assertions"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class LogoutDelivery(Base):
    """A client that is still to be told that a session ended."""

    __tablename__ = "logout_deliveries"

    id: Mapped[OwnId] = mapped_column(primary_key=True)
    client_id: Mapped[ClientId] = mapped_column(ForeignKey("clients.client_id", ondelete="CASCADE"))
    sub: Mapped[OwnId]
    session_id: Mapped[OwnId]
    ended_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(index=True)


class DeviceCode(Base):
    """A device that waits for a person. ``state``: pending, approved, denied or used."""

    __tablename__ = "device_codes"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    user_code_mac: Mapped[Digest] = mapped_column(unique=True)
    grant_id: Mapped[OwnId]
    client_id: Mapped[ClientId] = mapped_column(ForeignKey("clients.client_id", ondelete="CASCADE"))
    scope: Mapped[Words]
    audience: Mapped[Uri]
    state: Mapped[str] = mapped_column(String(8))
    sub: Mapped[OwnId | None] = mapped_column(ForeignKey("users.sub", ondelete="CASCADE"))
    auth_time: Mapped[datetime | None]
    acr: Mapped[str | None] = mapped_column(String(64))
    amr: Mapped[list[str] | None]
    interval_s: Mapped[int]
    polled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
