"""Front-channel logout: the page after signing out loads an address of each client in a frame.

Each address carries ``iss`` and ``sid``, whether its client requires them or not: without them a
client could end no certain session. What a browser keeps from frames of other sites it keeps from
these; back-channel logout does not depend on it.

Spec: OIDC Front-Channel Logout §2 and §3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from sso.requests.replies import with_query
from sso.storage.clients import Client
from sso.storage.grants import Grant

if TYPE_CHECKING:
    from sso.storage.engine import Storage


class FrontchannelLogout:
    """Finds what a browser whose session ended has to load."""

    def __init__(self, storage: Storage, *, issuer: str) -> None:
        self._storage = storage
        self._issuer = issuer

    def addresses(self, session_id: str) -> list[str]:
        """Return the address of each client of the session that registered one."""
        query = (
            select(Client.frontchannel_logout_uri)
            .join(Grant, Grant.client_id == Client.client_id)
            .where(Grant.session_id == session_id, Client.frontchannel_logout_uri.is_not(None))
            .distinct()
            .order_by(Client.frontchannel_logout_uri)
        )
        with self._storage.reading() as session:
            uris = [uri for uri in session.scalars(query) if uri is not None]
        return [with_query(uri, {"iss": self._issuer, "sid": session_id}) for uri in uris]
