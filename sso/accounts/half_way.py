"""Between the two steps of a sign-in: the password was right, nobody is signed in yet.

Carried in a cookie of this browser, sealed, for ten minutes. It opens the second step and nothing
else, and a password changed meanwhile closes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
from flask import request

from sso.keys.ring import Unsealable

if TYPE_CHECKING:
    from flask import Response

    from sso.accounts.users import Users
    from sso.clock import Clock
    from sso.keys.ring import KeyRing
    from sso.storage.people import User

TTL_S: Final = 600
_PURPOSE: Final = "half a sign-in"


class _Half(msgspec.Struct, frozen=True):
    sub: str
    at: float
    password_of: float


class HalfWay:
    """Keeps and finds who is half-way in the browser at hand."""

    def __init__(self, ring: KeyRing, users: Users, clock: Clock, *, issuer: str) -> None:
        self._ring = ring
        self._users = users
        self._clock = clock
        parts = urlsplit(issuer)
        self._https = parts.scheme == "https"
        suffix = "" if self._https else f"-{parts.port or 80}"
        self._cookie = f"{'__Host-' if self._https else ''}sso-half{suffix}"

    def begin(self, response: Response, user: User) -> None:
        """Note that *user*'s password was right here just now."""
        half = _Half(user.sub, self._clock().timestamp(), user.password_changed_at.timestamp())
        response.set_cookie(
            self._cookie,
            self._ring.seal_text(_PURPOSE, msgspec.json.encode(half)),
            max_age=TTL_S,
            secure=self._https,
            httponly=True,
            samesite="Lax",
        )

    def find(self) -> User | None:
        """Return who is half-way here, or None."""
        values = request.cookies.getlist(self._cookie)
        if len(values) != 1:
            return None
        try:
            half = msgspec.json.decode(self._ring.open_text(_PURPOSE, values[0]), type=_Half)
        except (Unsealable, msgspec.DecodeError):
            return None
        user = self._users.find(half.sub)
        if user is None or not 0 <= self._clock().timestamp() - half.at <= TTL_S:
            return None
        return user if user.password_changed_at.timestamp() == half.password_of else None

    def end(self, response: Response) -> None:
        """Forget it."""
        response.delete_cookie(self._cookie, secure=self._https, httponly=True, samesite="Lax")
