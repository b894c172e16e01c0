"""Values that a browser keeps for us, sealed: it can neither read nor make one.

Spec: RFC 6265bis §4.1.2, §4.1.3 (prefixes).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from bff.sessions.codec import KeyRing, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T", bound=msgspec.Struct)


class SealedCookie(Generic[T]):
    """Seals values of one kind into cookies of one name, or of several that begin alike."""

    def __init__(
        self, ring: KeyRing, kind: type[T], *, purpose: bytes, name: str, secure: bool
    ) -> None:
        """Join the parts.

        Args:
            ring: seals and opens.
            kind: what is kept.
            purpose: what nothing else is sealed for.
            name: without the prefix that *secure* adds.
            secure: browsers reach us by https.
        """
        self._ring = ring
        self._purpose = purpose
        self._secure = secure
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(kind)
        self.name = f"__Host-{name}" if secure else name

    def seal(self, value: T) -> str:
        """Return the cookie value that keeps *value*."""
        sealed = self._ring.seal(self._purpose, b"", b"", self._encoder.encode(value))
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, cookie_value: str) -> T | None:
        """Return what was sealed, or None where it was not us who sealed it."""
        try:
            sealed = base64.urlsafe_b64decode(cookie_value + "=" * (-len(cookie_value) % 4))
            return self._decoder.decode(self._ring.open(self._purpose, b"", b"", sealed))
        except (Unreadable, binascii.Error, UnicodeEncodeError, ValueError, msgspec.DecodeError):
            return None

    def find(self, cookies: Iterable[tuple[str, str]], suffix: str = "") -> T | None:
        """Return what the one cookie of the name with *suffix* keeps; None where there are two."""
        name = self.name + suffix
        values = [value for cookie, value in cookies if cookie == name]
        return self.open(values[0]) if len(values) == 1 else None

    def set_cookie(self, cookie_value: str, max_age_s: int, suffix: str = "") -> str:
        """Return the ``Set-Cookie`` value; no time at all takes the cookie away.

        Lax, for the callback is a cross-site navigation. For the whole site: the prefix asks for
        it, and only the prefix keeps a sibling subdomain from planting a sign-in of its own
        (login CSRF by cookie tossing).
        """
        secure = "; Secure" if self._secure else ""
        kept = f"{self.name}{suffix}={cookie_value}; Path=/; Max-Age={max_age_s}"
        return f"{kept}{secure}; HttpOnly; SameSite=Lax"
