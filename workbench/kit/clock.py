"""Instants as they are stored and as they are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


def utc_now() -> datetime:
    """Return the instant as it is stored: UTC, without zone, whole seconds on every backend."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


@overload
def told(at: datetime) -> str: ...
@overload
def told(at: None) -> None: ...
def told(at: datetime | None) -> str | None:
    """Return the stored instant *at* as clients read it: ``2026-11-22T19:00:00Z``."""
    return f"{at.isoformat()}Z" if at else None
