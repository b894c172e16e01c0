"""The audit log: who changed what, written in the transaction that changes it.

Nothing here updates or deletes a row, and the model refuses both. Where the database account can be
limited, let it only insert into and read this table.

Spec: ASVS 16.2, 16.3; A-60.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime  # noqa: TC003 - read by SQLAlchemy at run time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, Integer, String, event
from sqlalchemy.orm import Mapped, mapped_column

from httpkit.request_ids import current_request_id
from sso.storage.base import Base

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SYSTEM: Final = "system"
_actor: ContextVar[str] = ContextVar("audit_actor", default=SYSTEM)
_MAX_OBJECT = 100


class AuditEntry(Base):
    """One change. ``actor`` and ``object`` are a kind, a colon and an id."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(100), index=True)
    action: Mapped[str] = mapped_column(String(48))
    object: Mapped[str] = mapped_column(String(_MAX_OBJECT), index=True)
    request_id: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]]


class AppendOnlyError(Exception):
    """Somebody wrote code that changes the audit log."""


@event.listens_for(AuditEntry, "before_update")
@event.listens_for(AuditEntry, "before_delete")
def _refuse(*_arguments: object) -> None:
    raise AppendOnlyError


def act_as(actor: str) -> None:
    """Name who acts in this thread from now on: ``user:<sub>``, ``client:<id>``, ``cli:<name>``."""
    _actor.set(actor)


def record(session: Session, at: datetime, action: str, object_: str, **details: object) -> None:
    """Write the change down beside the change itself; *details* never hold a secret."""
    session.add(
        AuditEntry(
            at=at,
            actor=_actor.get(),
            action=action,
            object=object_[:_MAX_OBJECT],
            request_id=current_request_id(),
            details=details,
        )
    )
