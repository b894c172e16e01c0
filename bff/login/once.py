"""What may happen once: a state is redeemed once, a sign-out address is followed once.

Both live in Redis for minutes and only for a browser that has proven its part; an anonymous
visitor writes nothing here.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final, cast

from bff.sessions.codec import KeyRing, Unreadable
from bff.sessions.connect import store_errors

if TYPE_CHECKING:
    import redis

STATE_TTL_S: Final = 600
ADDRESS_TTL_S: Final = 120
_ADDRESS: Final = b"sign-out address"


class RedeemedStates:
    """Remembers which states have been redeemed, for as long as their cookie could live."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def redeem(self, state: str) -> bool:
        """Return True to one caller a state, whatever comes at the same time (S-023)."""
        with store_errors():
            return bool(self._redis.set(_state_key(state), b"", nx=True, ex=STATE_TTL_S))

    def restore(self, state: str) -> None:
        """Forget *state* after an attempt that left nothing behind."""
        with store_errors():
            self._redis.delete(_state_key(state))


class SignOutAddresses:
    """Keeps the provider's sign-out address, ID token included, out of the browser's sight.

    The page gets a local address good for one navigation instead.
    """

    def __init__(self, client: redis.Redis, ring: KeyRing) -> None:
        self._redis = client
        self._ring = ring

    def keep(self, address: str) -> str:
        """Return a name under which *address* can be taken once within two minutes."""
        name = secrets.token_urlsafe(24)
        sealed = self._ring.seal(_ADDRESS, _digest(name), name.encode(), address.encode())
        with store_errors():
            self._redis.set(_address_key(name), sealed, ex=ADDRESS_TTL_S)
        return name

    def take(self, name: str) -> str | None:
        """Return the address kept as *name* and forget it; None where there is none (any more)."""
        with store_errors():
            sealed = cast("bytes | None", self._redis.getdel(_address_key(name)))
        if sealed is None:
            return None
        try:
            return self._ring.open(_ADDRESS, _digest(name), name.encode(), sealed).decode()
        except Unreadable:
            return None


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest().encode()


def _state_key(state: str) -> str:
    return f"state:{_digest(state).decode()}"


def _address_key(name: str) -> str:
    return f"sign-out:{_digest(name).decode()}"
