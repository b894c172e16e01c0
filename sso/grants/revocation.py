"""Revocation of one token by the client that holds it.

Spec: RFC 7009; A-39; S-087, S-098.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso.grants.records import revoke_grant
from sso.storage.digests import digest
from sso.storage.grants import Grant, RefreshToken

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.storage.clients import Client
    from sso.storage.engine import Storage
    from sso.tokens.access import AccessTokens


class Revocation:
    """Revokes what a client hands back."""

    def __init__(self, storage: Storage, access_tokens: AccessTokens, clock: Clock) -> None:
        self._storage = storage
        self._access_tokens = access_tokens
        self._clock = clock

    def revoke(self, client: Client, token: str) -> None:
        """Make *token* invalid: an access token alone, a refresh token with its whole grant.

        Unknown tokens and those of other clients stay as they are, without a word about it.

        Raises:
            Unavailable: nothing was revoked; never a false success.
        """
        access = self._access_tokens.parse(token)
        if access is not None:
            if access.client_id == client.client_id:
                self._access_tokens.revoke(access)
            return

        def work(session: Session) -> None:
            row = session.get(RefreshToken, digest(token))
            grant = session.get(Grant, row.grant_id) if row is not None else None
            if grant is not None and grant.client_id == client.client_id:
                revoke_grant(session, grant.id, self._clock(), because="revoked by the client")

        self._storage.write(work)
