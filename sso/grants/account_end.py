"""What is kept of a person, handed to them, and its end.

Spec: ASVS 14.2.7, 7.4.2; A-60.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update

from sso.accounts.notices import ACCOUNT_DELETED
from sso.parameters import space_separated
from sso.storage.audit import AuditEntry, record
from sso.storage.clients import Client
from sso.storage.factors import Passkey, RecoveryCode, Totp
from sso.storage.grants import Grant, OpaqueAccessToken
from sso.storage.people import BrowserSession, Consent, User

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sso.accounts.notices import Notices
    from sso.clock import Clock
    from sso.grants.session_end import SessionEnd
    from sso.storage.engine import Storage

Record = dict[str, Any]
_MAX_ENTRIES = 1_000


class LastAdministrator(Exception):  # noqa: N818 - an outcome, not an error of ours
    """Nobody would be left to administer this server."""


class AccountEnd:
    """Exports accounts and deletes them."""

    def __init__(
        self, storage: Storage, session_end: SessionEnd, notices: Notices, clock: Clock
    ) -> None:
        self._storage = storage
        self._session_end = session_end
        self._notices = notices
        self._clock = clock

    def export(self, sub: str) -> Record:
        """Return all that is kept of *sub*; instants aware, nothing that opens anything."""
        with self._storage.reading() as session:
            user = session.get_one(User, sub)
            return {
                "exported_at": self._clock(),
                "account": _account(user),
                "second_factors": _factors(session, sub),
                "sessions": [_session(row) for row in _rows(session, BrowserSession, sub)],
                "consents": [_consent(row) for row in _rows(session, Consent, sub)],
                "grants": [_grant(row) for row in _rows(session, Grant, sub)],
                "applications_registered": [
                    {"client_id": row.client_id, "name": row.name, "created_at": row.created_at}
                    for row in session.scalars(select(Client).where(Client.owner_sub == sub))
                ],
                "changes": _changes(session, sub),
            }

    def delete(self, sub: str) -> bool:
        """Delete the account and all that hangs on it; return whether there was one.

        One transaction, the letters to its applications in it. The audit log keeps that it
        happened, under an id that then names nobody.

        Raises:
            LastAdministrator: nothing was changed.
        """

        def work(session: Session) -> bool:
            require_another_administrator(session, sub)
            self._session_end.end_all_within(session, sub, because="account deleted")
            self._notices.add(session, sub, ACCOUNT_DELETED)
            # Before the owner is forgotten: nobody minds them now, and without one they would
            # pass for an operator's own. An administrator who takes them on enables them.
            session.execute(
                update(Client)
                .where(Client.owner_sub == sub, Client.disabled_at.is_(None))
                .values(disabled_at=self._clock())
            )
            # What such a token says of a person stands in its row, which hangs on no account.
            told_of = OpaqueAccessToken.claims["sub"].as_string()
            session.execute(delete(OpaqueAccessToken).where(told_of == sub))
            # By statement: the tables below it follow by their foreign keys.
            deleting = delete(User).where(User.sub == sub)
            if session.execute(deleting).rowcount != 1:  # type: ignore[attr-defined]
                return False
            record(session, self._clock(), "user.deleted", f"user:{sub}")
            return True

        return self._storage.write(work)


def require_another_administrator(session: Session, sub: str) -> None:
    """Pass where somebody could administer this server without *sub*.

    Called before the change, in its transaction: the rows of all administrators stay locked until
    its end, so that of two who put one another out at the same moment one stays.

    Raises:
        LastAdministrator: nobody could.
    """
    able = (User.is_admin.is_(True), User.disabled_at.is_(None))
    if session.scalar(select(User.sub).where(User.sub == sub, *able)) is None:
        return
    administrators = select(User.sub).where(*able).order_by(User.sub).with_for_update()
    if set(session.scalars(administrators)) <= {sub}:
        raise LastAdministrator


def _rows(session: Session, table: Any, sub: str) -> list[Any]:  # noqa: ANN401 - any table of people
    return list(session.scalars(select(table).where(table.sub == sub)))


def _account(user: User) -> Record:
    return {
        "sub": user.sub,
        "username": user.username,
        "email": user.email,
        "email_verified": user.email_verified,
        "administrator": user.is_admin,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "password_changed_at": user.password_changed_at,
    }


def _factors(session: Session, sub: str) -> Record:
    codes = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.sub == sub)
    totp = session.get(Totp, sub)
    return {
        "codes_from_an_app_since": totp.created_at if totp else None,
        "recovery_codes_left": session.scalar(codes) or 0,
        "passkeys": [
            {"label": row.label, "created_at": row.created_at, "last_used_at": row.last_used_at}
            for row in _rows(session, Passkey, sub)
        ],
    }


def _session(row: BrowserSession) -> Record:
    return {
        "id": row.id,
        "ip": row.ip,
        "user_agent": row.user_agent,
        "signed_in_at": row.auth_time,
        "how": row.amr,
        "created_at": row.created_at,
        "last_seen_at": row.last_seen_at,
        "ended_at": row.ended_at,
    }


def _consent(row: Consent) -> Record:
    return {
        "client_id": row.client_id,
        "scopes": space_separated(row.scope),
        "granted_at": row.granted_at,
    }


def _grant(row: Grant) -> Record:
    return {
        "client_id": row.client_id,
        "scopes": space_separated(row.scope),
        "audience": row.audience,
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    }


def _changes(session: Session, sub: str) -> list[Record]:
    query = (
        select(AuditEntry)
        .where(AuditEntry.object == f"user:{sub}")
        .order_by(AuditEntry.id.desc())
        .limit(_MAX_ENTRIES)
    )
    return [{"at": row.at, "action": row.action} for row in session.scalars(query)]
