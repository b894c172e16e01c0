"""Tables of clients: what each registered, and digests of its secrets."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by SQLAlchemy at run time
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sso.storage.base import Base, ClientId, Digest, Name, OwnId, Uri, Words


class Client(Base):
    """A registered client. Empty lists of limits mean the server's own defaults."""

    __tablename__ = "clients"

    client_id: Mapped[ClientId] = mapped_column(primary_key=True)
    name: Mapped[Name]
    auth_method: Mapped[str] = mapped_column(String(32))
    first_party: Mapped[bool] = mapped_column(default=False)
    owner_sub: Mapped[OwnId | None] = mapped_column(
        ForeignKey("users.sub", ondelete="SET NULL"), index=True
    )
    redirect_uris: Mapped[list[str]]
    post_logout_redirect_uris: Mapped[list[str]]
    backchannel_logout_uri: Mapped[Uri | None]
    frontchannel_logout_uri: Mapped[Uri | None]
    grant_types: Mapped[list[str]]
    response_modes: Mapped[list[str]]
    scope: Mapped[Words]
    audiences: Mapped[list[str]]
    introspects: Mapped[list[str] | None]
    access_token_format: Mapped[str] = mapped_column(String(8), default="jwt")
    # None is RS256, which every relying party knows.
    access_token_alg: Mapped[str | None] = mapped_column(String(8))
    id_token_alg: Mapped[str | None] = mapped_column(String(8))
    code_ttl_s: Mapped[int | None]
    access_token_ttl_s: Mapped[int | None]
    refresh_token_ttl_s: Mapped[int | None]
    pkce_required: Mapped[bool] = mapped_column(default=True)
    par_required: Mapped[bool] = mapped_column(default=False)
    dpop_required: Mapped[bool] = mapped_column(default=False)
    jwks: Mapped[dict[str, Any] | None]
    registration_token_digest: Mapped[Digest | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]

    secrets: Mapped[list[ClientSecret]] = relationship(
        back_populates="client", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def self_registered(self) -> bool:
        """Whether no operator wrote it down, but a developer or a program of somebody's."""
        return self.owner_sub is not None or self.registration_token_digest is not None


class ClientSecret(Base):
    """One secret of a client; two may be valid while one replaces the other."""

    __tablename__ = "client_secrets"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    client_id: Mapped[ClientId] = mapped_column(
        ForeignKey("clients.client_id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]

    client: Mapped[Client] = relationship(back_populates="secrets")


class ExchangePolicy(Base):
    """A client that may exchange tokens of another, of one audience for one audience."""

    __tablename__ = "exchange_policies"

    id: Mapped[OwnId] = mapped_column(primary_key=True)
    client_id: Mapped[ClientId] = mapped_column(
        ForeignKey("clients.client_id", ondelete="CASCADE"), index=True
    )
    subject_client_id: Mapped[ClientId] = mapped_column(
        ForeignKey("clients.client_id", ondelete="CASCADE")
    )
    from_audience: Mapped[Uri]
    to_audience: Mapped[Uri]
    scope: Mapped[Words]
    created_at: Mapped[datetime]


class InitialAccessToken(Base):
    """An operator's leave to register so many clients for so long."""

    __tablename__ = "initial_access_tokens"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    uses_left: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
