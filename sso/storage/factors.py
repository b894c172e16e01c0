"""Tables of second factors: one-time passwords, recovery codes, passkeys."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by SQLAlchemy at run time

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sso.storage.base import Base, Digest, OwnId


class Totp(Base):
    """The shared secret of one person's app, sealed; ``last_step`` was the last one accepted."""

    __tablename__ = "totp_factors"

    sub: Mapped[OwnId] = mapped_column(
        ForeignKey("users.sub", ondelete="CASCADE"), primary_key=True
    )
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary(200))
    last_step: Mapped[int] = mapped_column(BigInteger())
    created_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code that opens once where everything else is lost; its row goes when it is used."""

    __tablename__ = "recovery_codes"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    sub: Mapped[OwnId] = mapped_column(ForeignKey("users.sub", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]


class Passkey(Base):
    """A public key of a person's authenticator. ``id`` is the digest of its credential id."""

    __tablename__ = "passkeys"

    id: Mapped[Digest] = mapped_column(primary_key=True)
    credential_id: Mapped[str] = mapped_column(Text())
    sub: Mapped[OwnId] = mapped_column(ForeignKey("users.sub", ondelete="CASCADE"), index=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(2_048))
    sign_count: Mapped[int] = mapped_column(BigInteger())
    device_bound: Mapped[bool]
    label: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
