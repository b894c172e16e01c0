"""Passkeys: keys that live in a person's device and open for its holder alone.

A ceremony is a challenge of ours, sealed into the form that answers it, good for ten minutes and
once. The holder is always verified by the device, so that a passkey stands for both factors.

Spec: WebAuthn Level 3 §7.1 and §7.2; ASVS 6.3.3.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from sso.accounts.factors import forget_recovery_if_last
from sso.accounts.notices import PASSKEY_ADDED, PASSKEY_REMOVED
from sso.keys.ring import Unsealable
from sso.storage.audit import record
from sso.storage.factors import Passkey
from sso.storage.people import User
from sso.throttle import Throttled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from sso.accounts.notices import Notices
    from sso.clock import Clock
    from sso.keys.ring import KeyRing
    from sso.storage.engine import Storage
    from sso.throttle import Throttle

_PURPOSE: Final = "passkey ceremony"
_TTL_S: Final = 600
_MAX_ANSWER: Final = 16_384
_MAX_KEYS: Final = 20
_MAX_LABEL: Final = 80


class PasskeyRefused(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The device's answer proves nothing. The message is for the log."""


class _Ceremony(msgspec.Struct, frozen=True):
    challenge: bytes
    at: float
    sub: str | None = None


@dataclass(frozen=True)
class Invitation:
    """What a page hands the browser: *options* for it, *sealed* to come back with its answer."""

    options: str
    sealed: str


@dataclass(frozen=True)
class Opened:
    """Whose passkey answered, and whether it can leave its device."""

    user: User
    device_bound: bool


class Passkeys:
    """Registers, recognises and removes passkeys."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        throttle: Throttle,
        notices: Notices,
        clock: Clock,
        *,
        issuer: str,
    ) -> None:
        self._storage = storage
        self._notices = notices
        self._ring = ring
        self._throttle = throttle
        self._clock = clock
        self._origin = issuer
        self._rp_id = urlsplit(issuer).hostname or ""
        self.possible = _is_name(self._rp_id)

    def invite_new(self, user: User, known: Sequence[Passkey]) -> Invitation:
        """Return the start of making a passkey for *user* on a device that has none of *known*."""
        challenge = secrets.token_bytes(32)
        options = generate_registration_options(
            rp_id=self._rp_id,
            rp_name="Cloakroom",
            user_name=user.username,
            user_id=user.sub.encode(),
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[_descriptor(each) for each in known],
        )
        return Invitation(options_to_json(options), self._seal(challenge, user.sub))

    def invite(self, known: Sequence[Passkey] = (), *, sub: str | None = None) -> Invitation:
        """Return the start of signing in: with one of *known*, or whichever the device offers."""
        challenge = secrets.token_bytes(32)
        options = generate_authentication_options(
            rp_id=self._rp_id,
            challenge=challenge,
            allow_credentials=[_descriptor(each) for each in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return Invitation(options_to_json(options), self._seal(challenge, sub))

    def register(self, sub: str, sealed: str, answer: str, *, label: str) -> None:
        """Keep the passkey that *answer* brings.

        Raises:
            PasskeyRefused: nothing was kept.
        """
        ceremony = self._begin(sealed, sub)
        try:
            made = verify_registration_response(
                credential=_parsed(answer),
                expected_challenge=ceremony.challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except _FOREIGN as error:
            raise PasskeyRefused(type(error).__name__) from error
        now = self._clock()
        row = Passkey(
            id=_id_of(made.credential_id),
            credential_id=base64.urlsafe_b64encode(made.credential_id).decode(),
            sub=sub,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            device_bound=made.credential_device_type == CredentialDeviceType.SINGLE_DEVICE,
            label=label[:_MAX_LABEL],
            created_at=now,
        )

        def work(session: Session) -> None:
            if (
                len(list(session.scalars(select(Passkey.id).where(Passkey.sub == sub))))
                >= _MAX_KEYS
            ):
                raise PasskeyRefused("the account has enough passkeys")
            session.add(row)
            record(session, now, "passkey.added", f"user:{sub}")
            self._notices.add(session, sub, PASSKEY_ADDED)

        try:
            self._storage.write(work)
        except IntegrityError as error:
            raise PasskeyRefused("the passkey is known already") from error

    def open(self, sealed: str, answer: str, *, sub: str | None = None) -> Opened:
        """Return whose passkey answered; with *sub*, only that person's is accepted.

        Raises:
            PasskeyRefused: nobody's that counts.
            Unavailable: it cannot be checked just now.
        """
        ceremony = self._begin(sealed, sub)
        given = _parsed(answer)
        row, user = self._find(given)
        if row.sub != (sub or row.sub) or user.disabled_at is not None:
            raise PasskeyRefused("the passkey of another or a disabled account")
        try:
            proven = verify_authentication_response(
                credential=given,
                expected_challenge=ceremony.challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        except _FOREIGN as error:
            raise PasskeyRefused(type(error).__name__) from error
        _require_holder(given, row.sub, named=sub is not None)
        using = (
            update(Passkey)
            .where(Passkey.id == row.id, Passkey.sign_count == row.sign_count)
            .values(sign_count=proven.new_sign_count, last_used_at=self._clock())
            .execution_options(synchronize_session=False)
        )
        if not self._storage.write(lambda s: s.execute(using).rowcount == 1):  # type: ignore[attr-defined]
            raise PasskeyRefused("used elsewhere at the same moment, or removed")
        return Opened(user, row.device_bound)

    def remove(self, sub: str, id_: str) -> bool:
        """Forget one passkey of *sub*; return whether there was one."""

        def work(session: Session) -> bool:
            removing = delete(Passkey).where(Passkey.id == id_, Passkey.sub == sub)
            if session.execute(removing).rowcount != 1:  # type: ignore[attr-defined]
                return False
            record(session, self._clock(), "passkey.removed", f"user:{sub}")
            self._notices.add(session, sub, PASSKEY_REMOVED)
            forget_recovery_if_last(session, sub)
            return True

        return self._storage.write(work)

    def _find(self, given: dict[str, Any]) -> tuple[Passkey, User]:
        raw = given.get("rawId")
        try:
            credential_id = base64.urlsafe_b64decode(str(raw) + "=" * (-len(str(raw)) % 4))
        except ValueError as error:
            raise PasskeyRefused("the answer names no credential") from error
        with self._storage.reading() as session:
            row = session.get(Passkey, _id_of(credential_id))
            user = session.get(User, row.sub) if row is not None else None
        if row is None or user is None:
            raise PasskeyRefused("unknown credential")
        return row, user

    def _seal(self, challenge: bytes, sub: str | None) -> str:
        ceremony = _Ceremony(challenge, self._clock().timestamp(), sub)
        return self._ring.seal_text(_PURPOSE, msgspec.json.encode(ceremony))

    def _begin(self, sealed: str, sub: str | None) -> _Ceremony:
        """Return the ceremony that *sealed* began, once."""
        try:
            raw = self._ring.open_text(_PURPOSE, sealed)
            ceremony = msgspec.json.decode(raw, type=_Ceremony)
        except (Unsealable, msgspec.DecodeError) as error:
            raise PasskeyRefused("the ceremony was not begun here") from error
        age_s = self._clock().timestamp() - ceremony.at
        if not 0 <= age_s <= _TTL_S or ceremony.sub != sub:
            raise PasskeyRefused("the ceremony is too old, or another person's")
        try:
            # By its challenge: the sealed text itself could be written in other letters.
            self._throttle.take("ceremony", ceremony.challenge.hex(), limit=1, window_s=_TTL_S)
        except Throttled as spent:
            raise PasskeyRefused("the ceremony was used before") from spent
        return ceremony


# Whatever a foreign answer makes the library stumble over: it is the answer that is at fault.
_FOREIGN: Final = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError)


def _parsed(answer: str) -> dict[str, Any]:
    try:
        parsed = json.loads(answer) if len(answer) <= _MAX_ANSWER else None
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise PasskeyRefused("the answer is not a credential")
    return parsed


def _require_holder(given: dict[str, Any], sub: str, *, named: bool) -> None:
    """Pass where the device names *sub* as its key's holder, as it must unless we *named* them.

    Spec: WebAuthn Level 3 §7.2, step 6.
    """
    handle = given["response"].get("userHandle")
    own = base64.urlsafe_b64encode(sub.encode()).rstrip(b"=").decode()
    if str(handle or "").rstrip("=") != own and not (named and handle is None):
        raise PasskeyRefused("the device names another holder, or none")


def _id_of(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _descriptor(row: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=base64.urlsafe_b64decode(row.credential_id))


def _is_name(host: str) -> bool:
    """Return whether passkeys can be bound to *host*: browsers refuse addresses of numbers."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host)
    return False
