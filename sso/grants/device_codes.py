"""Device codes: begun by a device, decided by a person elsewhere, polled and redeemed once.

The code that a person types is short and so kept under a MAC, not a digest; it is good for minutes
and its guesses are counted.

Spec: RFC 8628 §3 and §5; A-48.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, update

from sso.errors import (
    ACCESS_DENIED,
    AUTHORIZATION_PENDING,
    EXPIRED_TOKEN,
    INVALID_GRANT,
    SLOW_DOWN,
    OAuthError,
)
from sso.grants.codes import Redeemed
from sso.storage.digests import digest, new_id, new_secret
from sso.storage.grants import DeviceCode, Grant
from sso.storage.people import User

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from sso.accounts.sessions import SignedIn
    from sso.clock import Clock
    from sso.grants.refresh_tokens import RefreshTokens
    from sso.keys.ring import KeyRing
    from sso.settings import Lifetimes
    from sso.storage.clients import Client
    from sso.storage.engine import Storage

INTERVAL_S: Final = 5
PENDING: Final = "pending"
APPROVED: Final = "approved"
DENIED: Final = "denied"
USED: Final = "used"
_PURPOSE: Final = "device user code"
# No vowels, so no words; nothing that looks like another (RFC 8628 §6.1).
_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
_USER_CODE_CHARS: Final = 8
_SWEEP: Final = 20


@dataclass(frozen=True)
class Begun:
    """What a device is told: the secret it polls with, and the code it shows."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)
    expires_in_s: int


@dataclass(frozen=True)
class _Refusal:
    error: str
    description: str
    reason: str


class DeviceCodes:
    """Begins, decides and redeems."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        refresh_tokens: RefreshTokens,
        lifetimes: Lifetimes,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._ring = ring
        self._refresh_tokens = refresh_tokens
        self._lifetimes = lifetimes
        self._clock = clock

    def begin(self, client: Client, *, scopes: list[str], audience: str) -> Begun:
        """Return fresh codes for a device of *client*; sweeps a few that are long over."""
        device_code, now = new_secret(), self._clock()
        user_code = "".join(secrets.choice(_ALPHABET) for _ in range(_USER_CODE_CHARS))
        ttl_s = self._lifetimes.device_code_s
        row = DeviceCode(
            digest=digest(device_code),
            user_code_mac=self._macs(user_code)[0],
            grant_id=new_id(),
            client_id=client.client_id,
            scope=" ".join(scopes),
            audience=audience,
            state=PENDING,
            interval_s=INTERVAL_S,
            created_at=now,
            expires_at=now + timedelta(seconds=ttl_s),
        )

        def work(session: Session) -> None:
            over = select(DeviceCode.digest).where(DeviceCode.expires_at < now - timedelta(hours=1))
            if spent := list(session.scalars(over.limit(_SWEEP))):
                session.execute(delete(DeviceCode).where(DeviceCode.digest.in_(spent)))
            session.add(row)

        self._storage.write(work)
        return Begun(device_code, f"{user_code[:4]}-{user_code[4:]}", ttl_s)

    def find(self, user_code: str) -> DeviceCode | None:
        """Return the device that shows *user_code* and waits, however the code was typed."""
        typed = "".join(c for c in user_code.upper()[:32] if c.isalnum())
        query = select(DeviceCode).where(DeviceCode.user_code_mac.in_(self._macs(typed)))
        with self._storage.reading() as session:
            row = session.scalar(query)
        return row if row is not None and self._waits(row) else None

    def find_by_digest(self, key: str) -> DeviceCode | None:
        """Return the device of the table's *key* that waits, or None."""
        with self._storage.reading() as session:
            row = session.get(DeviceCode, key)
        return row if row is not None and self._waits(row) else None

    def decide(self, row: DeviceCode, me: SignedIn, *, allow: bool) -> bool:
        """Note what *me* decided; return False where somebody was first, or time was."""
        deciding = (
            update(DeviceCode)
            .where(
                DeviceCode.digest == row.digest,
                DeviceCode.state == PENDING,
                DeviceCode.expires_at > self._clock(),
            )
            .values(
                state=APPROVED if allow else DENIED,
                sub=me.user.sub,
                auth_time=me.auth_time,
                acr=me.acr,
                amr=list(me.amr),
            )
            .execution_options(synchronize_session=False)
        )
        return self._storage.write(lambda s: bool(s.execute(deciding).rowcount == 1))  # type: ignore[attr-defined]

    def redeem(self, client: Client, device_code: str, *, jkt: str | None = None) -> Redeemed:
        """Return the grant that *device_code* becomes; of many at once exactly one succeeds.

        Raises:
            OAuthError: as RFC 8628 §3.5 names it; ``slow_down`` lengthens the interval by 5 s.
        """

        def work(session: Session) -> Redeemed | _Refusal:
            row = session.get(DeviceCode, digest(device_code), with_for_update=True)
            if row is None or row.client_id != client.client_id:
                return _invalid("unknown device code" if row is None else "of another client")
            now = self._clock()
            if row.state == USED:
                return _invalid("device code replayed")
            if row.expires_at <= now:
                return _Refusal(EXPIRED_TOKEN, "the device code has expired", "expired")
            if row.state == DENIED:
                return _Refusal(ACCESS_DENIED, "the person did not agree", "denied")
            if row.state == PENDING:
                return self._poll(row, now)
            return self._take(session, client, row, jkt)

        outcome = self._storage.write(work)
        if isinstance(outcome, _Refusal):
            raise OAuthError(outcome.error, outcome.description, reason=outcome.reason)
        return outcome

    def _poll(self, row: DeviceCode, now: datetime) -> _Refusal:
        early = row.polled_at is not None and now - row.polled_at < timedelta(
            seconds=row.interval_s
        )
        row.polled_at = now
        if early:
            row.interval_s += INTERVAL_S
            return _Refusal(SLOW_DOWN, "poll less often", f"next interval {row.interval_s} s")
        return _Refusal(AUTHORIZATION_PENDING, "nobody has decided yet", "pending")

    def _take(
        self, session: Session, client: Client, row: DeviceCode, jkt: str | None
    ) -> Redeemed | _Refusal:
        taking = (
            update(DeviceCode)
            .where(DeviceCode.digest == row.digest, DeviceCode.state == APPROVED)
            .values(state=USED)
            .execution_options(synchronize_session=False)
        )
        if session.execute(taking).rowcount != 1:  # type: ignore[attr-defined]
            return _invalid("device code replayed")
        user = session.get(User, row.sub)
        if user is None or user.disabled_at is not None:
            return _invalid("the account is gone or disabled")
        grant = self._grant_of(row, user, self._clock())
        session.add(grant)
        session.flush()
        first = self._refresh_tokens.first(session, client, grant, jkt)
        return Redeemed(grant, user, None, first)

    def _grant_of(self, row: DeviceCode, user: User, now: datetime) -> Grant:
        # Of no browser's session: the device stays signed in when the browser that allowed it ends.
        return Grant(
            id=row.grant_id,
            client_id=row.client_id,
            sub=user.sub,
            session_id=None,
            scope=row.scope,
            audience=row.audience,
            auth_time=row.auth_time or now,
            acr=row.acr or "",
            amr=list(row.amr or []),
            claims=None,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(seconds=self._lifetimes.refresh_absolute_s),
        )

    def _waits(self, row: DeviceCode) -> bool:
        return row.state == PENDING and row.expires_at > self._clock()

    def _macs(self, user_code: str) -> list[str]:
        return [mac.hex() for mac in self._ring.macs(_PURPOSE, user_code.encode())]


def _invalid(reason: str) -> _Refusal:
    return _Refusal(INVALID_GRANT, "the device code is not valid for this request", reason)


def take_back_approvals(session: Session, now: datetime, *which: ColumnElement[bool]) -> None:
    """Deny the devices that are *which*, were allowed, and did not ask since."""
    denying = (
        update(DeviceCode)
        .where(*which, DeviceCode.state == APPROVED, DeviceCode.expires_at > now)
        .values(state=DENIED)
        .execution_options(synchronize_session=False)
    )
    session.execute(denying)
