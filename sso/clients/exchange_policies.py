"""Who may exchange whose tokens, of which audience for which, with which scopes at most.

Nothing may be exchanged until an operator wrote it down: one line for each pair of clients and of
audiences.

Spec: RFC 8693 §2.1 and §5; A-49.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select

from sso.clients.registration import TOKEN_EXCHANGE
from sso.parameters import space_separated
from sso.storage.audit import record
from sso.storage.clients import Client, ExchangePolicy
from sso.storage.digests import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.storage.engine import Storage

_MAX_AUDIENCE: Final = 2_000


class PolicyInvalid(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The line cannot be written down.

    Attributes:
        faults: one line each, in words.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class NewPolicy:
    """*client_id* may have tokens of *subject_client_id* made over, never wider than *scope*."""

    client_id: str
    subject_client_id: str
    from_audience: str
    to_audience: str
    scope: str


class ExchangePolicies:
    """Writes policies down, finds and takes them away."""

    def __init__(self, storage: Storage, clock: Clock, supported_scopes: Sequence[str]) -> None:
        self._storage = storage
        self._clock = clock
        self._supported_scopes = frozenset(supported_scopes)

    def allow(self, new: NewPolicy) -> ExchangePolicy:
        """Return the line for *new*; one of the same clients and audiences is replaced by it.

        Raises:
            PolicyInvalid: with every fault; nothing was written.
        """
        row = ExchangePolicy(
            id=new_id(),
            client_id=new.client_id,
            subject_client_id=new.subject_client_id,
            from_audience=new.from_audience,
            to_audience=new.to_audience,
            scope=" ".join(space_separated(new.scope)),
            created_at=self._clock(),
        )

        def work(session: Session) -> list[str]:
            faults = [*self._faults(new), *_client_faults(session, new)]
            if not faults:
                session.execute(delete(ExchangePolicy).where(*_same(new)))
                session.add(row)
                details: dict[str, Any] = {
                    "of": new.subject_client_id,
                    "from": new.from_audience,
                    "to": new.to_audience,
                    "scope": row.scope,
                }
                name = f"client:{new.client_id}"
                record(session, self._clock(), "exchange.allowed", name, **details)
            return faults

        if faults := self._storage.write(work):
            raise PolicyInvalid(faults)
        return row

    def all(self) -> list[ExchangePolicy]:
        """Return every line, the newest first."""
        query = select(ExchangePolicy).order_by(ExchangePolicy.created_at.desc())
        with self._storage.reading() as session:
            return list(session.scalars(query))

    def of(
        self, client_id: str, *, subject_client_id: str, from_audience: str
    ) -> list[ExchangePolicy]:
        """Return the lines by which *client_id* may make such tokens over."""
        query = select(ExchangePolicy).where(
            ExchangePolicy.client_id == client_id,
            ExchangePolicy.subject_client_id == subject_client_id,
            ExchangePolicy.from_audience == from_audience,
        )
        with self._storage.reading() as session:
            return list(session.scalars(query))

    def forbid(self, policy_id: str) -> bool:
        """Take the line away; what was exchanged by it lives out its time."""

        def work(session: Session) -> bool:
            row = session.get(ExchangePolicy, policy_id)
            if row is None:
                return False
            session.delete(row)
            name = f"client:{row.client_id}"
            details = {"of": row.subject_client_id, "to": row.to_audience}
            record(session, self._clock(), "exchange.forbidden", name, **details)
            return True

        return self._storage.write(work)

    def _faults(self, new: NewPolicy) -> list[str]:
        faults = []
        for name, audience in (("from", new.from_audience), ("to", new.to_audience)):
            if not 1 <= len(audience) <= _MAX_AUDIENCE or not audience.isprintable():
                faults.append(f"{name}: must be an audience of 1 to {_MAX_AUDIENCE} characters")
        scopes = set(space_separated(new.scope))
        if not scopes:
            faults.append("scope: at least one is needed")
        unknown = sorted(scopes - self._supported_scopes)
        return faults + [f"scope {each[:80]}: is not one of this server" for each in unknown]


def _client_faults(session: Session, new: NewPolicy) -> list[str]:
    client = session.get(Client, new.client_id)
    if client is None or session.get(Client, new.subject_client_id) is None:
        return ["client, of: must both be clients of this server"]
    if TOKEN_EXCHANGE not in client.grant_types or client.auth_method == "none":
        return [f"client: must be confidential and have the grant type {TOKEN_EXCHANGE}"]
    return []


def _same(new: NewPolicy) -> tuple[Any, ...]:
    return (
        ExchangePolicy.client_id == new.client_id,
        ExchangePolicy.subject_client_id == new.subject_client_id,
        ExchangePolicy.from_audience == new.from_audience,
        ExchangePolicy.to_audience == new.to_audience,
    )
