"""One attempt to sign in, kept by the browser itself: sealed, short-lived, one cookie each.

Anonymous visitors cost Redis nothing, and two tabs that sign in at once do not meet. The cookie is
Lax, for the callback is a cross-site navigation, and reaches `/bff` alone.

Spec: RFC 9700 §4.7; RFC 6265bis §5.2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from bff.sessions.codec import TRANSACTION, KeyRing, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LIFETIME_S: Final = 600
# 8 KiB of everything that signing in leaves in a browser, less the one cookie of `recent`.
ALL_COOKIES_LIMIT_BYTES: Final = 7 * 1024
_SUFFIX_CHARS = 12
# The whole site and not /bff alone: the prefix asks for it, and only the prefix keeps a sibling
# subdomain from planting a sign-in of its own (login CSRF by cookie tossing).
_PATH = "/"


class Transaction(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one attempt must remember between leaving and coming back."""

    provider: str
    state: str
    nonce: str
    code_verifier: str
    return_to: str
    started_at: float
    max_age_s: int | None = None
    acr_values: tuple[str, ...] = ()
    # The session that this login replaces: the callback, a cross-site navigation, cannot see it.
    previous_ticket: str | None = None
    # `prompt=none`: a provider that says "not without the person" has given its answer.
    silent: bool = False

    def __repr__(self) -> str:
        return f"Transaction(provider={self.provider!r}, started_at={self.started_at})"


def new_secret() -> str:
    """Return 256 random bits as 43 characters that fit state, nonce and code_verifier alike."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class _Held:
    cookie: str
    size: int
    transaction: Transaction


class TransactionCookies:
    """Seals attempts into cookies and finds them again by their state."""

    def __init__(
        self, ring: KeyRing, *, secure: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._ring = ring
        self._secure = secure
        self._clock = clock
        self._prefix = "__Host-login-" if secure else "login-"
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Transaction)

    def issue(self, transaction: Transaction, cookies: Iterable[tuple[str, str]]) -> list[str]:
        """Return the ``Set-Cookie`` values that keep *transaction*.

        The oldest of the attempts in *cookies* are dropped where all would exceed 7 KiB: state
        cookies that pile up end in a 431 (S-117).
        """
        name = self._name(transaction.state)
        sealed = self._ring.seal(TRANSACTION, b"", b"", self._encoder.encode(transaction))
        value = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        left = ALL_COOKIES_LIMIT_BYTES - len(name) - len(value)
        dropped = []
        for held in self._newest_first(cookies):
            left -= held.size
            if left < 0:
                dropped.append(held.cookie)
        return [self._set(name, value, LIFETIME_S), *(self._set(old, "", 0) for old in dropped)]

    def find(self, state: str, cookies: Iterable[tuple[str, str]]) -> Transaction | None:
        """Return this browser's attempt with *state*; None where foreign, spent or expired."""
        name = self._name(state)
        values = [value for cookie, value in cookies if cookie == name]
        transaction = self._open(values[0]) if len(values) == 1 else None
        if transaction is None or not secrets.compare_digest(transaction.state, state):
            return None
        return transaction

    def expire(self, state: str) -> str:
        """Return the ``Set-Cookie`` value that spends the attempt with *state*."""
        return self._set(self._name(state), "", 0)

    def _newest_first(self, cookies: Iterable[tuple[str, str]]) -> list[_Held]:
        return sorted(self._held(cookies), key=lambda held: -held.transaction.started_at)

    def _held(self, cookies: Iterable[tuple[str, str]]) -> Iterator[_Held]:
        spent = Transaction("", "", "", "", "", 0.0)  # sorts last: what does not open goes first
        for cookie, value in cookies:
            if cookie.startswith(self._prefix):
                yield _Held(cookie, len(cookie) + len(value), self._open(value) or spent)

    def _open(self, value: str) -> Transaction | None:
        try:
            sealed = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
            plain = self._ring.open(TRANSACTION, b"", b"", sealed)
            transaction = self._decoder.decode(plain)
        except (Unreadable, binascii.Error, UnicodeEncodeError, ValueError, msgspec.DecodeError):
            return None
        age_s = self._clock() - transaction.started_at
        return transaction if -LIFETIME_S <= age_s <= LIFETIME_S else None

    def _name(self, state: str) -> str:
        digest = hashlib.sha256(state.encode(errors="surrogatepass")).hexdigest()
        return self._prefix + digest[:_SUFFIX_CHARS]

    def _set(self, name: str, value: str, max_age_s: int) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{name}={value}; Path={_PATH}; Max-Age={max_age_s}{secure}; HttpOnly; SameSite=Lax"
