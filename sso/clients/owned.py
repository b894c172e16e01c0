"""The clients of one developer: theirs alone to see, change, and take away.

Spec: A-02, A-21; S-109, S-110.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select

from sso.clients.redirect_uris import fault_code, is_of_same_origin
from sso.clients.registration import MAX_NAME, NewClient
from sso.parameters import space_separated
from sso.storage.audit import record
from sso.storage.clients import Client, ClientSecret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from sso.clients.registry import Clients, Registered
    from sso.clock import Clock
    from sso.storage.engine import Storage

MAX_CLIENTS: Final = 50
MAX_URIS: Final = 20
_OVERLAP_S: Final = 30 * 86_400

Faults = dict[str, tuple[str, str]]


class DraftInvalid(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The client cannot be as it was written down.

    Attributes:
        faults: field name to a message code and the value that it is about.
    """

    def __init__(self, faults: Faults) -> None:
        super().__init__(", ".join(f"{field} {code}" for field, (code, _) in faults.items()))
        self.faults = faults


@dataclass(frozen=True)
class Draft:
    """What a developer wrote down of a client."""

    name: str = ""
    redirect_uris: Sequence[str] = ()
    post_logout_redirect_uris: Sequence[str] = ()
    backchannel_logout_uri: str = ""
    frontchannel_logout_uri: str = ""
    scopes: Sequence[str] = ()
    public: bool = False
    par_required: bool = False
    dpop_required: bool = False

    @classmethod
    def of(cls, client: Client) -> Draft:
        """Return *client* as its developer would write it down."""
        return cls(
            name=client.name,
            redirect_uris=client.redirect_uris,
            post_logout_redirect_uris=client.post_logout_redirect_uris,
            backchannel_logout_uri=client.backchannel_logout_uri or "",
            frontchannel_logout_uri=client.frontchannel_logout_uri or "",
            scopes=space_separated(client.scope),
            public=client.auth_method == "none",
            par_required=client.par_required,
            dpop_required=client.dpop_required,
        )

    def other_than(self, before: Draft) -> list[str]:
        """Return the members that differ from *before*, of those that a change may touch."""
        return [
            each.name
            for each in fields(self)
            if each.name != "public" and getattr(self, each.name) != getattr(before, each.name)
        ]


class OwnedClients:
    """Lists, makes and changes the clients of a developer."""

    def __init__(
        self, storage: Storage, clients: Clients, clock: Clock, scopes: Sequence[str]
    ) -> None:
        self._storage = storage
        self._clients = clients
        self._clock = clock
        self.scopes = list(scopes)

    def list_of(self, owner_sub: str) -> list[Client]:
        """Return the clients of *owner_sub*, the newest first."""
        query = (
            select(Client)
            .where(Client.owner_sub == owner_sub)
            .order_by(Client.created_at.desc(), Client.client_id)
            .limit(MAX_CLIENTS)
        )
        with self._storage.reading() as session:
            return list(session.scalars(query))

    def find(self, owner_sub: str, client_id: str) -> Client | None:
        """Return the client, or None where it is somebody else's: they need not know it exists."""
        with self._storage.reading() as session:
            client = session.get(Client, client_id)
        return client if client is not None and client.owner_sub == owner_sub else None

    def create(self, owner_sub: str, draft: Draft) -> Registered:
        """Register *draft*; people are always asked before it gets anything of theirs.

        Raises:
            DraftInvalid: nothing was written.
        """
        faults = self._faults(draft)
        counting = select(func.count()).where(Client.owner_sub == owner_sub)
        with self._storage.reading() as session:
            if (session.scalar(counting) or 0) >= MAX_CLIENTS:
                faults["name"] = ("too_many", str(MAX_CLIENTS))
        if faults:
            raise DraftInvalid(faults)
        return self._clients.create(
            NewClient(
                name=draft.name,
                redirect_uris=draft.redirect_uris,
                post_logout_redirect_uris=draft.post_logout_redirect_uris,
                backchannel_logout_uri=draft.backchannel_logout_uri or None,
                frontchannel_logout_uri=draft.frontchannel_logout_uri or None,
                public=draft.public,
                par_required=draft.par_required,
                dpop_required=draft.dpop_required,
                scope=" ".join(draft.scopes),
                owner_sub=owner_sub,
            )
        )

    def edit(self, client: Client, draft: Draft) -> None:
        """Make *client* as *draft* says; whether it keeps a secret stays as it is.

        Raises:
            DraftInvalid: nothing was written.
        """
        if faults := self._faults(draft):
            raise DraftInvalid(faults)

        def work(session: Session) -> None:
            row = session.get_one(Client, client.client_id)
            changed = draft.other_than(Draft.of(row))
            row.name = draft.name
            row.redirect_uris = list(draft.redirect_uris)
            row.post_logout_redirect_uris = list(draft.post_logout_redirect_uris)
            row.backchannel_logout_uri = draft.backchannel_logout_uri or None
            row.frontchannel_logout_uri = draft.frontchannel_logout_uri or None
            row.par_required, row.dpop_required = draft.par_required, draft.dpop_required
            row.scope = " ".join(draft.scopes)
            name = f"client:{row.client_id}"
            record(session, self._clock(), "client.changed", name, members=changed)

        self._storage.write(work)

    def rotate(self, client: Client) -> str:
        """Return a new secret; the one before it stays valid until it is retired, or 30 days."""
        return self._clients.add_secret(client.client_id, old_valid_s=_OVERLAP_S)

    def retire(self, client: Client) -> int:
        """End every secret but the newest; return how many ended."""

        def work(session: Session) -> int:
            query = (
                select(ClientSecret)
                .where(ClientSecret.client_id == client.client_id)
                .order_by(ClientSecret.created_at.desc())
            )
            older = list(session.scalars(query))[1:]
            for old in older:
                session.delete(old)
            if older:
                record(
                    session, self._clock(), "client.secret_retired", f"client:{client.client_id}"
                )
            return len(older)

        return self._storage.write(work)

    def delete(self, client: Client) -> None:
        """Take *client* away with all it was granted: codes, grants and tokens go along."""

        def work(session: Session) -> None:
            # By statement: the tables below it follow by their foreign keys.
            session.execute(delete(Client).where(Client.client_id == client.client_id))
            record(
                session,
                self._clock(),
                "client.deleted",
                f"client:{client.client_id}",
                name=client.name,
            )

        self._storage.write(work)

    def _faults(self, draft: Draft) -> Faults:
        faults: Faults = {}
        if not draft.name.strip():
            faults["name"] = ("required", "")
        elif len(draft.name) > MAX_NAME or not draft.name.isprintable():
            faults["name"] = ("invalid", str(MAX_NAME))
        if not draft.redirect_uris:
            faults["redirect_uris"] = ("required", "")
        for field, uris in (
            ("redirect_uris", draft.redirect_uris),
            ("post_logout_redirect_uris", draft.post_logout_redirect_uris),
            ("backchannel_logout_uri", [draft.backchannel_logout_uri or "https://none.invalid"]),
        ):
            if fault := _uri_fault(uris, web_only=field == "backchannel_logout_uri"):
                faults.setdefault(field, fault)
        front = draft.frontchannel_logout_uri
        if front and not is_of_same_origin(front, draft.redirect_uris):
            faults["frontchannel_logout_uri"] = (fault_code(front) or "foreign_origin", front)
        if not draft.scopes or not set(draft.scopes) <= set(self.scopes):
            faults["scope"] = ("required", "")
        return faults


def _uri_fault(uris: Sequence[str], *, web_only: bool) -> tuple[str, str] | None:
    if len(uris) > MAX_URIS:
        return ("too_many", str(MAX_URIS))
    for uri in uris:
        if code := fault_code(uri):
            return (code, uri)
        if web_only and not uri.startswith(("https://", "http://")):
            return ("plain_http", uri)
    return None
