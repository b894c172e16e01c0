"""One attempt to sign in with a password, counted, checked in constant effort, answered."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING

from httpkit.problems import Unavailable
from sso.accounts.users import compared
from sso.storage.digests import new_id
from sso.throttle import Throttled

if TYPE_CHECKING:
    from sso.accounts.passwords import Passwords
    from sso.accounts.users import Users
    from sso.keys.ring import KeyRing
    from sso.settings import Throttles
    from sso.storage.people import User
    from sso.throttle import Throttle

_PURPOSE = "known device"
_MAX_NAME_CHARS = 256


class WrongPassword(Exception):  # noqa: N818 - an outcome, not an error of ours
    """No such account or not its password; which of the two is nobody's business."""


class PasswordSignIn:
    """Checks a name and a password."""

    def __init__(
        self,
        users: Users,
        passwords: Passwords,
        throttle: Throttle,
        limits: Throttles,
        devices: KnownDevices,
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._throttle = throttle
        self._limits = limits
        self._devices = devices

    def attempt(self, username: str, password: str, *, ip: str, device: str | None) -> User:
        """Return the account that *username* and *password* open.

        Raises:
            WrongPassword: they open none.
            Throttled: too many wrong ones before; the password was not looked at.
            Unavailable: the attempt cannot be counted or checked just now.
        """
        name = compared(username[:_MAX_NAME_CHARS])
        window_s = self._limits.window_s
        taken: list[tuple[str, str]] = []
        try:
            for kind, place, limit in self._places(name, device, ip):
                self._throttle.take(kind, place, limit=limit, window_s=window_s)
                taken.append((kind, place))
            # The hash alone: reading a whole account would tell by its time that there is one.
            password_hash = self._users.hash_of(username)
            matched = self._passwords.verify(password, password_hash)
        except (Throttled, Unavailable):
            # Nothing was checked: an outage or a flood must not use up its victims' places.
            self._give_back(taken)
            raise
        if not matched:
            raise WrongPassword
        user = self._users.find_by_name(username)
        if user is None or user.password_hash != password_hash:
            raise WrongPassword  # gone or changed at this very moment
        self._give_back(taken)
        self._users.refresh_hash(user, password)
        return user

    def _places(self, name: str, device: str | None, ip: str) -> list[tuple[str, str, int]]:
        """Return what the attempt is counted under, and how many are heard out there.

        A known browser counts for itself alone: whoever shares its network's address, or reaches
        us through the same proxy, cannot use up its places (S-105).
        """
        account = self._limits.wrong_passwords_per_account
        if known := self._devices.read(device, name):
            return [("account", f"{name} at {known}", account)]
        return [
            ("account", name, account),
            ("address", ip, self._limits.wrong_passwords_per_address),
        ]

    def _give_back(self, taken: list[tuple[str, str]]) -> None:
        for kind, place in taken:
            self._throttle.give_back(kind, place)


class KnownDevices:
    """Marks of browsers in which an account was opened before.

    A mark opens nothing. It only has its own places under the throttle, so that strangers'
    guesses do not count against the owner's browser (S-105).
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def issue(self, username: str) -> str:
        """Return a mark for the account of *username*."""
        device = new_id()
        return f"{device}.{self._macs(device, compared(username))[0]}"

    def read(self, mark: str | None, name: str) -> str | None:
        """Return the device that *mark* names, where it is one of the account *name*."""
        device, _, mac = (mark or "").partition(".")
        known = any(hmac.compare_digest(mac.encode(), m.encode()) for m in self._macs(device, name))
        return device if known else None

    def _macs(self, device: str, name: str) -> list[str]:
        return [
            base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
            for mac in self._ring.macs(_PURPOSE, f"{device} {name}".encode())
        ]
