"""Pushed requests: judged when they are handed in, good for a minute and for one use.

Kept whole, under the digest of a name that only its client was told. Of many uses at once exactly
one succeeds.

Spec: RFC 9126 §2.2, §4 and §7; A-46.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import update

from httpkit.problems import Refused
from sso.problems import REQUEST_INVALID
from sso.requests.model import AuthorizationRequest
from sso.storage.digests import digest, new_secret
from sso.storage.grants import PushedRequest

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.parameters import Parameters
    from sso.settings import Lifetimes
    from sso.storage.clients import Client
    from sso.storage.engine import Storage

PREFIX: Final = "urn:ietf:params:oauth:request_uri:"


@dataclass(frozen=True)
class Pushed:
    """The name of a request that was handed in."""

    request_uri: str
    expires_in_s: int


class PushedRequests:
    """Keeps requests until a browser brings their name."""

    def __init__(self, storage: Storage, lifetimes: Lifetimes, clock: Clock) -> None:
        self._storage = storage
        self._ttl_s = lifetimes.pushed_request_s
        self._clock = clock

    def keep(self, asked: AuthorizationRequest) -> Pushed:
        """Return the name under which *asked* waits."""
        name, now = new_secret(), self._clock()
        row = PushedRequest(
            digest=digest(name),
            client_id=asked.client_id,
            request=msgspec.to_builtins(asked),
            expires_at=now + timedelta(seconds=self._ttl_s),
        )
        self._storage.write(lambda session: session.add(row))
        return Pushed(PREFIX + name, self._ttl_s)

    def take(self, client: Client, request_uri: str) -> AuthorizationRequest:
        """Return the request of that name, which is spent by this.

        Raises:
            Refused: unknown, of another client, used or expired. A stranger's attempt spends
                nothing.
        """
        now, key = self._clock(), digest(request_uri.removeprefix(PREFIX))
        taking = (
            update(PushedRequest)
            .where(
                PushedRequest.digest == key,
                PushedRequest.client_id == client.client_id,
                PushedRequest.used_at.is_(None),
                PushedRequest.expires_at > now,
            )
            .values(used_at=now)
            .execution_options(synchronize_session=False)
        )

        def work(session: Session) -> AuthorizationRequest | str:
            row = session.get(PushedRequest, key)
            if row is None or row.client_id != client.client_id:
                return "unknown" if row is None else "of another client"
            if session.execute(taking).rowcount != 1:  # type: ignore[attr-defined]
                return "expired" if row.expires_at <= now else "used before"
            return msgspec.convert(row.request, AuthorizationRequest)

        taken = self._storage.write(work)
        if isinstance(taken, str):
            raise Refused(REQUEST_INVALID, hint=f"the pushed request is {taken}")
        # It begins now: a sign-in between push and use is no answer to ``prompt=login``.
        return msgspec.structs.replace(taken, started_at=now.timestamp())


def names_pushed(parameters: Parameters) -> bool:
    """Return whether the request at the authorization endpoint names one that was pushed."""
    return parameters.get("request_uri", "").startswith(PREFIX)
