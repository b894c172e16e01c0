"""Clients: made by an operator or a developer, found by their id, allowed what they registered."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from sso.clients.registration import (
    AUTH_SECRET,
    JWT,
    OPAQUE,
    NewClient,
    NewClientInvalid,
    auth_method_of,
    registration_faults,
)
from sso.parameters import space_separated
from sso.settings import ADMIN_SCOPE
from sso.storage.audit import record
from sso.storage.clients import Client, ClientSecret
from sso.storage.digests import digest, new_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.storage.engine import Storage

_CLIENT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


# With its secrets by one question; every request of a client begins with it.
_ENABLED = (
    select(Client)
    .where(Client.client_id == bindparam("client_id"), Client.disabled_at.is_(None))
    .options(joinedload(Client.secrets))
)


@dataclass(frozen=True)
class Registered:
    """A client just made; the secret is nowhere else."""

    client: Client
    client_secret: str | None = field(repr=False)


class Clients:
    """Finds and makes clients."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        supported_scopes: Sequence[str],
        operator_scopes: Sequence[str] = (),
    ) -> None:
        """Let clients have *supported_scopes*, and *operator_scopes* where they are named."""
        self._storage = storage
        self._clock = clock
        self._supported_scopes = list(supported_scopes)
        self._operator_scopes = [*operator_scopes, ADMIN_SCOPE]

    def find(self, client_id: str) -> Client | None:
        """Return the client of *client_id*, or None where it is unknown or disabled."""
        if not _CLIENT_ID.fullmatch(client_id):
            return None
        with self._storage.reading() as session:
            found = session.scalars(_ENABLED, {"client_id": client_id})
            return found.unique().one_or_none()

    def create(
        self, new: NewClient, *, also: Callable[[Session, Client], None] | None = None
    ) -> Registered:
        """Register *new*; *also* belongs to the same transaction.

        Raises:
            NewClientInvalid: with every fault; nothing was written.
        """
        scope = new.scope or " ".join(self._supported_scopes)
        if faults := [*registration_faults(new), *self._scope_faults(scope)]:
            raise NewClientInvalid(faults)
        client = self._row(new, scope)
        secret = new_secret() if client.auth_method == AUTH_SECRET else None
        if secret is not None:
            client.secrets.append(
                ClientSecret(digest=digest(secret), created_at=self._clock(), expires_at=None)
            )

        def work(session: Session) -> None:
            session.add(client)
            if also is not None:
                also(session, client)
            name = f"client:{client.client_id}"
            record(session, self._clock(), "client.created", name, name=client.name)

        self._storage.write(work)
        return Registered(client, secret)

    def _row(self, new: NewClient, scope: str) -> Client:
        return Client(
            client_id=str(uuid.uuid4()),
            name=new.name,
            auth_method=auth_method_of(new),
            first_party=new.first_party,
            owner_sub=new.owner_sub,
            redirect_uris=list(new.redirect_uris),
            post_logout_redirect_uris=list(new.post_logout_redirect_uris),
            backchannel_logout_uri=new.backchannel_logout_uri,
            frontchannel_logout_uri=new.frontchannel_logout_uri,
            grant_types=list(new.grant_types),
            response_modes=list(new.response_modes),
            scope=" ".join(space_separated(scope)),
            audiences=list(new.audiences),
            introspects=list(new.introspects),
            access_token_format=OPAQUE if new.opaque else JWT,
            id_token_alg=new.id_token_alg,
            access_token_alg=new.access_token_alg,
            code_ttl_s=new.code_ttl_s,
            access_token_ttl_s=new.access_token_ttl_s,
            refresh_token_ttl_s=new.refresh_token_ttl_s,
            pkce_required=new.pkce_required,
            jwks=dict(new.jwks) if new.jwks else None,
            par_required=new.par_required,
            dpop_required=new.dpop_required,
            created_at=self._clock(),
        )

    def add_secret(self, client_id: str, *, old_valid_s: int) -> str:
        """Return a new secret; those there were stay valid for *old_valid_s* more seconds.

        Two are valid at most: a third one's oldest ends at once (A-21).
        """
        secret = new_secret()
        now = self._clock()
        ends_at = now + timedelta(seconds=old_valid_s)

        def work(session: Session) -> None:
            query = (
                select(ClientSecret)
                .where(ClientSecret.client_id == client_id)
                .order_by(ClientSecret.created_at.desc())
                .with_for_update()
            )
            newest, *older = session.scalars(query)
            if newest.expires_at is None or newest.expires_at > ends_at:
                newest.expires_at = ends_at
            for old in older:
                session.delete(old)
            session.add(
                ClientSecret(
                    digest=digest(secret), client_id=client_id, created_at=now, expires_at=None
                )
            )
            record(session, now, "client.secret_added", f"client:{client_id}")

        self._storage.write(work)
        return secret

    def change_scope(self, client_id: str, scope: str) -> None:
        """Let the client ask for *scope* and nothing else from now on; grants stay as they are.

        Raises:
            NewClientInvalid: no such client, or no such scope; nothing was written.
        """
        wanted = " ".join(space_separated(scope))
        if faults := self._scope_faults(wanted):
            raise NewClientInvalid(faults)

        def work(session: Session) -> None:
            client = session.get(Client, client_id, with_for_update=True)
            if client is None:
                raise NewClientInvalid([f"client {client_id}: there is none"])
            client.scope = wanted
            record(session, self._clock(), "client.scope_changed", f"client:{client_id}")

        self._storage.write(work)

    def _scope_faults(self, scope: str) -> list[str]:
        unknown = set(space_separated(scope)) - {*self._supported_scopes, *self._operator_scopes}
        return [f"scope {each}: is not one of this server" for each in sorted(unknown)]
