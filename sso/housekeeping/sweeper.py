"""Delete what is long over, a few rows at a time, so that nobody waits for it.

Each batch is a transaction of its own: it holds few locks for a short while, and a deadlock costs
that batch alone and is tried again. Two sweepers at once find each other's rows gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, inspect, select

from sso.storage.clients import ClientSecret, InitialAccessToken
from sso.storage.grants import (
    AuthorizationCode,
    DeviceCode,
    Grant,
    OpaqueAccessToken,
    PushedRequest,
    RefreshToken,
    RevokedAccessToken,
    UsedAssertion,
)
from sso.storage.keys import SigningKey
from sso.storage.mail import MailLink, OutgoingLetter
from sso.storage.people import BrowserSession, Invitation

if TYPE_CHECKING:
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from sso.clock import Clock
    from sso.storage.base import Base
    from sso.storage.engine import Storage

_BATCH: Final = 200
# At the default pace 400 rows a second of each table: more than a busy server makes of any.
_MAX_BATCHES: Final = 600
_AT_ONCE: Final = timedelta()
# So long the row of what is over still tells a replay from a mere unknown.
_HOUR: Final = timedelta(hours=1)
# So long the last access token of a grant may outlive it.
_DAY: Final = timedelta(days=1)
_MONTH: Final = timedelta(days=30)


@dataclass(frozen=True)
class Sweeping:
    """A table whose rows go *after* the instant in *over_at*."""

    model: type[Base]
    over_at: InstrumentedAttribute[Any]
    after: timedelta


SWEPT: Final = (
    Sweeping(AuthorizationCode, AuthorizationCode.expires_at, _DAY),
    Sweeping(RefreshToken, RefreshToken.expires_at, _HOUR),
    Sweeping(Grant, Grant.expires_at, _DAY),
    Sweeping(OpaqueAccessToken, OpaqueAccessToken.expires_at, _AT_ONCE),
    Sweeping(RevokedAccessToken, RevokedAccessToken.expires_at, _AT_ONCE),
    Sweeping(UsedAssertion, UsedAssertion.expires_at, _HOUR),
    Sweeping(DeviceCode, DeviceCode.expires_at, _HOUR),
    Sweeping(PushedRequest, PushedRequest.expires_at, _HOUR),
    Sweeping(BrowserSession, BrowserSession.expires_at, _DAY),
    Sweeping(MailLink, MailLink.expires_at, _AT_ONCE),
    Sweeping(OutgoingLetter, OutgoingLetter.expires_at, _HOUR),
    Sweeping(Invitation, Invitation.expires_at, _MONTH),
    Sweeping(InitialAccessToken, InitialAccessToken.expires_at, _DAY),
    Sweeping(ClientSecret, ClientSecret.expires_at, _DAY),
    Sweeping(SigningKey, SigningKey.expires_at, _DAY),
)


class Sweeper:
    """Sweeps every table."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def sweep(self) -> dict[str, int]:
        """Return how many rows went, by table; those without any are left out.

        So many at most: what is left goes the next time.

        Raises:
            Unavailable: the database did not answer; what went before is gone.
        """
        counts = {each.model.__tablename__: self._sweep(each) for each in SWEPT}
        return {table: count for table, count in counts.items() if count}

    def _sweep(self, what: Sweeping) -> int:
        total = 0
        for _ in range(_MAX_BATCHES):
            gone = self._storage.write(lambda session: self._batch(session, what))
            total += gone
            if gone < _BATCH:
                break
        return total

    def _batch(self, session: Session, what: Sweeping) -> int:
        [key] = inspect(what.model).primary_key
        over = select(key).where(what.over_at < self._clock() - what.after)
        keys = list(session.scalars(over.order_by(what.over_at).limit(_BATCH)))
        if keys:
            session.execute(delete(what.model).where(key.in_(keys)))
        return len(keys)
