"""What a person signs in with beside the password: an app's codes, and codes for bad days.

Every guess takes a place under the throttle first; each code opens once.

Spec: RFC 6238 §5.2; ASVS 6.5.1, 6.6; S-104.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import delete, func, select, update

from httpkit.problems import Unavailable
from sso.accounts import notices, totp
from sso.keys.ring import Unsealable
from sso.storage.audit import record
from sso.storage.digests import digest
from sso.storage.factors import Passkey, RecoveryCode, Totp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sso.accounts.notices import Notices
    from sso.clock import Clock
    from sso.keys.ring import KeyRing
    from sso.settings import Throttles
    from sso.storage.engine import Storage
    from sso.throttle import Throttle

RECOVERY_CODES: Final = 10
_ENROLMENT_TTL_S: Final = 900
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_CHARS: Final = 16  # 79 bits
_GROUP: Final = 4
_TOTP_CODE = re.compile(r"[0-9]{6}")
_PURPOSE: Final = "totp enrolment"


class WrongCode(Exception):  # noqa: N818 - an outcome, not an error of ours
    """Not a code that opens now: wrong, of another time, or used before."""


@dataclass(frozen=True)
class Status:
    """What somebody has."""

    totp: bool
    passkeys: list[Passkey]
    recovery_codes: int

    @property
    def required(self) -> bool:
        """Whether a password alone is not enough."""
        return self.totp or bool(self.passkeys)


class _Enrolment(msgspec.Struct, frozen=True):
    sub: str
    secret: bytes
    at: float


@dataclass(frozen=True)
class Offer:
    """A secret that is shown and not yet kept; ``sealed`` brings it back with the first code."""

    secret: bytes = field(repr=False)
    sealed: str


class Factors:
    """Enrols, checks and removes."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        throttle: Throttle,
        limits: Throttles,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._notices = notices
        self._ring = ring
        self._throttle = throttle
        self._limits = limits
        self._clock = clock

    def status(self, sub: str) -> Status:
        """Return what *sub* has."""
        counting = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.sub == sub)
        keys = select(Passkey).where(Passkey.sub == sub).order_by(Passkey.created_at)
        with self._storage.reading() as session:
            return Status(
                totp=session.get(Totp, sub) is not None,
                passkeys=list(session.scalars(keys)),
                recovery_codes=session.scalar(counting) or 0,
            )

    def offer(self, sub: str) -> Offer:
        """Return a fresh secret for an app of *sub*; nothing is kept until its first code."""
        secret = totp.new_secret()
        enrolment = _Enrolment(sub, secret, self._clock().timestamp())
        return Offer(secret, self._ring.seal_text(_PURPOSE, msgspec.json.encode(enrolment)))

    def reopen(self, sub: str, sealed: str) -> Offer | None:
        """Return the offer made to *sub* a while ago; None where it is another's or too old."""
        try:
            raw = self._ring.open_text(_PURPOSE, sealed)
            enrolment = msgspec.json.decode(raw, type=_Enrolment)
        except (Unsealable, msgspec.DecodeError):
            return None
        age_s = self._clock().timestamp() - enrolment.at
        fresh = 0 <= age_s <= _ENROLMENT_TTL_S
        return Offer(enrolment.secret, sealed) if fresh and enrolment.sub == sub else None

    def enrol(self, sub: str, offer: Offer, code: str) -> None:
        """Keep the secret once *code* proves that the app has it.

        Raises:
            WrongCode: nothing was kept.
        """
        now = self._clock()
        step = totp.step_of(offer.secret, _compact(code), now_s=now.timestamp())
        if step is None:
            raise WrongCode
        row = Totp(
            sub=sub,
            sealed_secret=self._ring.seal(_sealing(sub), offer.secret),
            last_step=step,
            created_at=now,
        )

        def work(session: Session) -> None:
            session.merge(row)
            record(session, now, "totp.enrolled", f"user:{sub}")
            self._notices.add(session, sub, notices.TOTP_ENROLLED)

        self._storage.write(work)

    def check(self, sub: str, code: str, *, device: str | None = None) -> None:
        """Pass when *code* is the app's present one, or a recovery code; either is spent by it.

        Guesses from *device*, a browser in which *sub* signed in before, count for it alone: who
        knows the password, and no more, cannot keep the owner out by guessing (S-105).

        Raises:
            WrongCode: it opens nothing.
            Throttled: too many wrong ones before; it was not looked at.
            Unavailable: it cannot be counted or checked just now.
        """
        given = _compact(code)
        place = ("second factor", f"{sub} at {device}" if device else sub)
        limits = self._limits
        self._throttle.take(*place, limit=limits.wrong_codes_per_account, window_s=limits.window_s)
        try:
            spent = self._spend_totp(sub, given) if _TOTP_CODE.fullmatch(given) else False
            spent = spent or self._spend_recovery_code(sub, given)
        except Unavailable:
            self._throttle.give_back(*place)
            raise
        if not spent:
            raise WrongCode
        self._throttle.give_back(*place)

    def new_recovery_codes(self, sub: str) -> list[str]:
        """Return fresh codes, which are nowhere else; those there were no longer open anything."""
        codes = [_grouped(_random_code()) for _ in range(RECOVERY_CODES)]
        now = self._clock()

        def work(session: Session) -> None:
            session.execute(delete(RecoveryCode).where(RecoveryCode.sub == sub))
            for code in codes:
                key = _recovery_digest(sub, _compact(code))
                session.add(RecoveryCode(digest=key, sub=sub, created_at=now))
            record(session, now, "recovery_codes.made", f"user:{sub}")
            self._notices.add(session, sub, notices.RECOVERY_CODES_MADE)

        self._storage.write(work)
        return codes

    def remove_totp(self, sub: str) -> None:
        """Forget the app."""

        def work(session: Session) -> None:
            session.execute(delete(Totp).where(Totp.sub == sub))
            record(session, self._clock(), "totp.removed", f"user:{sub}")
            self._notices.add(session, sub, notices.TOTP_REMOVED)
            forget_recovery_if_last(session, sub)

        self._storage.write(work)

    def _spend_totp(self, sub: str, code: str) -> bool:
        with self._storage.reading() as session:
            row = session.get(Totp, sub)
        if row is None:
            return False
        try:
            secret = self._ring.open(_sealing(sub), row.sealed_secret)
        except Unsealable:
            return False  # sealed under keys that the operator has taken away
        step = totp.step_of(secret, code, now_s=self._clock().timestamp())
        if step is None:
            return False
        # One statement: of two at once with the same code one passes (RFC 6238 §5.2).
        spending = (
            update(Totp)
            .where(Totp.sub == sub, Totp.last_step < step)
            .values(last_step=step)
            .execution_options(synchronize_session=False)
        )
        return self._storage.write(lambda s: bool(s.execute(spending).rowcount == 1))  # type: ignore[attr-defined]

    def _spend_recovery_code(self, sub: str, code: str) -> bool:
        spending = delete(RecoveryCode).where(
            RecoveryCode.digest == _recovery_digest(sub, code), RecoveryCode.sub == sub
        )

        def work(session: Session) -> bool:
            if session.execute(spending).rowcount != 1:  # type: ignore[attr-defined]
                return False
            record(session, self._clock(), "recovery_code.used", f"user:{sub}")
            self._notices.add(session, sub, notices.RECOVERY_CODE_USED)
            return True

        return self._storage.write(work)


def forget_recovery_if_last(session: Session, sub: str) -> None:
    """Drop the recovery codes of somebody who has nothing left to recover from."""
    keys = select(func.count()).select_from(Passkey).where(Passkey.sub == sub)
    if session.get(Totp, sub) is None and not session.scalar(keys):
        session.execute(delete(RecoveryCode).where(RecoveryCode.sub == sub))


def forget_all(session: Session, sub: str) -> None:
    """Drop every second factor of *sub*."""
    for table in (Totp, RecoveryCode, Passkey):
        session.execute(delete(table).where(table.sub == sub))


def reseal_all(session: Session, ring: KeyRing) -> int:
    """Seal every app's secret under the newest of the server's keys; return how many.

    Raises:
        Unsealable: one was sealed under a key that the ring no longer has.
    """
    rows = list(session.scalars(select(Totp).with_for_update()))
    for row in rows:
        row.sealed_secret = ring.seal(
            _sealing(row.sub), ring.open(_sealing(row.sub), row.sealed_secret)
        )
    return len(rows)


def _sealing(sub: str) -> str:
    # By person: a row copied under another's name does not open.
    return f"totp secret of {sub}"


def _recovery_digest(sub: str, code: str) -> str:
    return digest(f"recovery {sub} {code}")


def _random_code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_CHARS))


def _grouped(code: str) -> str:
    return "-".join(code[i : i + _GROUP] for i in range(0, len(code), _GROUP))


def _compact(code: str) -> str:
    return re.sub(r"[\s-]", "", code[:64]).lower()
