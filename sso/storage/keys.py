"""The table of signing keys."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by SQLAlchemy at run time
from typing import Any

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from sso.storage.base import Base


class SigningKey(Base):
    """A key pair: published from ``created_at``, signing from ``signs_from``.

    It signs until a newer key does, and is published until ``expires_at``.
    """

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(8))
    public_jwk: Mapped[dict[str, Any]]
    sealed_private_key: Mapped[bytes] = mapped_column(LargeBinary(8_192))
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]
    expires_at: Mapped[datetime | None]
