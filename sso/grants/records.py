"""Grants as records: looked up, revoked as a whole, and kept from coming into being."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlalchemy.orm import load_only

from sso.storage.grants import AuthorizationCode, Grant
from sso.storage.people import User

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from sso.storage.engine import Storage


def find_userinfo_claims(storage: Storage, grant_id: str) -> list[str]:
    """Return the claims that the grant's request asked UserInfo for, one by one."""
    with storage.reading() as session:
        grant = session.get(Grant, grant_id)
    return list((grant.claims or {}).get("userinfo", [])) if grant is not None else []


# What tokens tell of a person, and whether there may be any; the rest is not asked for.
TOLD = load_only(
    User.username,
    User.email,
    User.email_verified,
    User.updated_at,
    User.disabled_at,
    raiseload=True,
)


def revoke_grant(session: Session, grant_id: str, now: datetime, *, because: str) -> bool:
    """Revoke the grant with every token it yielded; return whether it stood until now."""
    revoking = (
        update(Grant)
        .where(Grant.id == grant_id, Grant.revoked_at.is_(None))
        .values(revoked_at=now, revoked_because=because)
        .execution_options(synchronize_session=False)
    )
    return bool(session.execute(revoking).rowcount == 1)  # type: ignore[attr-defined]


def spend_codes(session: Session, now: datetime, *which: ColumnElement[bool]) -> None:
    """Spend the codes that are *which*, before the grants that there are get revoked.

    In this order no redemption slips between: one that came first is waited for, and its grant is
    found; one that comes later finds its code spent.
    """
    spending = (
        update(AuthorizationCode)
        .where(*which, AuthorizationCode.used_at.is_(None), AuthorizationCode.expires_at > now)
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    session.execute(spending)
