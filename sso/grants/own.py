"""What a person has given out: sessions on devices and access of applications, and its end.

Everything here is asked for one person; an id of somebody else's finds nothing.

Spec: ASVS 7.4.5, 7.5.2, 10.4.9; A-51, A-60; S-110.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from sso.clients.redirect_uris import host_of
from sso.grants.device_codes import take_back_approvals
from sso.grants.records import revoke_grant, spend_codes
from sso.parameters import space_separated
from sso.storage.audit import record
from sso.storage.clients import Client
from sso.storage.grants import AuthorizationCode, DeviceCode, Grant
from sso.storage.people import BrowserSession, Consent

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.grants.session_end import SessionEnd
    from sso.settings import Lifetimes
    from sso.storage.engine import Storage


@dataclass(frozen=True)
class Application:
    """A client that has access to somebody's account."""

    id: str
    name: str
    host: str
    scopes: list[str]
    granted_at: datetime
    last_used_at: datetime | None


class Own:
    """Lists and ends what one person has given out."""

    def __init__(
        self, storage: Storage, session_end: SessionEnd, lifetimes: Lifetimes, clock: Clock
    ) -> None:
        self._storage = storage
        self._session_end = session_end
        self._lifetimes = lifetimes
        self._clock = clock

    def sessions(self, sub: str) -> list[BrowserSession]:
        """Return the living sessions of *sub*, the last used first."""
        now = self._clock()
        idle_since = now - timedelta(seconds=self._lifetimes.session_idle_s)
        query = (
            select(BrowserSession)
            .where(
                BrowserSession.sub == sub,
                BrowserSession.ended_at.is_(None),
                BrowserSession.expires_at > now,
                BrowserSession.last_seen_at > idle_since,
            )
            .order_by(BrowserSession.last_seen_at.desc())
        )
        with self._storage.reading() as session:
            return list(session.scalars(query))

    def application_names(self, sub: str) -> dict[str, list[str]]:
        """Return the names of the clients that each session of *sub* opened, by session id."""
        query = (
            select(Grant.session_id, Client.name)
            .join(Client, Client.client_id == Grant.client_id)
            .where(Grant.sub == sub, Grant.revoked_at.is_(None))
            .distinct()
        )
        names: dict[str, list[str]] = {}
        with self._storage.reading() as session:
            for session_id, name in session.execute(query):
                names.setdefault(session_id or "", []).append(name)
        return names

    def end_session(self, sub: str, session_id: str) -> BrowserSession | None:
        """End one session of *sub* with all it was given; return it, or None where it is none."""
        chosen = [each for each in self.sessions(sub) if each.id == session_id]
        ended = [s for s in chosen if self._session_end.end(s.id, revoke_grants=True)]
        return ended[0] if ended else None

    def end_others(self, sub: str, *, but: str) -> list[BrowserSession]:
        """End every session of *sub* except *but*; return those that ended."""
        others = [each for each in self.sessions(sub) if each.id != but]
        return [s for s in others if self._session_end.end(s.id, revoke_grants=True)]

    def shut(self, session: Session, sub: str, *, but_of: str) -> None:
        """End, in the caller's transaction, all that *sub* has open elsewhere than *but_of*."""
        self._session_end.end_all_within(session, sub, but_of=but_of)

    def applications(self, sub: str) -> list[Application]:
        """Return the clients that have consent or a standing grant of *sub*."""
        with self._storage.reading() as session:
            consents = {
                row.client_id: row
                for row in session.scalars(select(Consent).where(Consent.sub == sub))
            }
            grants: dict[str, list[Grant]] = {}
            for grant in session.scalars(_standing(sub).where(Grant.expires_at > self._clock())):
                grants.setdefault(grant.client_id, []).append(grant)
            wanted = consents.keys() | grants.keys()
            query = select(Client).where(Client.client_id.in_(wanted)).order_by(Client.name)
            clients = list(session.scalars(query)) if wanted else []
        return [
            _application(client, consents.get(client.client_id), grants.get(client.client_id, []))
            for client in clients
        ]

    def withdraw(self, sub: str, client_id: str) -> str | None:
        """Take all access from the client; return its name, or None where it had none."""
        chosen = [each for each in self.applications(sub) if each.id == client_id]
        if not chosen:
            return None

        def work(session: Session) -> None:
            now, code, device = self._clock(), AuthorizationCode, DeviceCode
            spend_codes(session, now, code.sub == sub, code.client_id == client_id)
            take_back_approvals(session, now, device.sub == sub, device.client_id == client_id)
            session.execute(
                delete(Consent).where(Consent.sub == sub, Consent.client_id == client_id)
            )
            for grant in session.scalars(_standing(sub).where(Grant.client_id == client_id)):
                revoke_grant(session, grant.id, now, because="withdrawn by the person")
            record(session, now, "access.withdrawn", f"user:{sub}", client=client_id)

        self._storage.write(work)
        return chosen[0].name


def _standing(sub: str) -> Select[Grant]:
    return select(Grant).where(Grant.sub == sub, Grant.revoked_at.is_(None))


def _application(client: Client, consent: Consent | None, grants: list[Grant]) -> Application:
    scopes = [scope for grant in grants for scope in space_separated(grant.scope)]
    if consent is not None:
        scopes += space_separated(consent.scope)
    first = [grant.created_at for grant in grants] + ([consent.granted_at] if consent else [])
    return Application(
        id=client.client_id,
        name=client.name,
        host=host_of(client.redirect_uris[0]) if client.redirect_uris else "",
        scopes=list(dict.fromkeys(scopes)),
        granted_at=min(first),
        last_used_at=max((grant.last_used_at for grant in grants), default=None),
    )
