"""One attempt to sign in, kept by the browser itself: sealed, short-lived, one cookie each.

Anonymous visitors cost Redis nothing, and two tabs that sign in at once do not meet. The cookie is
Lax, for the callback is a cross-site navigation, and reaches `/bff` alone.

Spec: RFC 9700 §4.7; RFC 6265bis §5.2.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from bff.login.sealed_cookie import SealedCookie
from bff.sessions.codec import TRANSACTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bff.sessions.codec import KeyRing

LIFETIME_S: Final = 600
# 8 KiB of everything that signing in leaves in a browser, less the one cookie of `recent`.
ALL_COOKIES_LIMIT_BYTES: Final = 7 * 1024
_SUFFIX_CHARS = 12


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
    suffix: str
    size: int
    transaction: Transaction


class TransactionCookies:
    """Seals attempts into cookies and finds them again by their state."""

    def __init__(
        self, ring: KeyRing, *, secure: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._cookie = SealedCookie(
            ring, Transaction, purpose=TRANSACTION, name="login-", secure=secure
        )
        self._clock = clock

    def issue(self, transaction: Transaction, cookies: Iterable[tuple[str, str]]) -> list[str]:
        """Return the ``Set-Cookie`` values that keep *transaction*.

        The oldest of the attempts in *cookies* are dropped where all would exceed 7 KiB: state
        cookies that pile up end in a 431 (S-117).
        """
        suffix, value = _suffix_of(transaction.state), self._cookie.seal(transaction)
        left = ALL_COOKIES_LIMIT_BYTES - len(self._cookie.name) - len(suffix) - len(value)
        dropped = []
        for held in self._newest_first(cookies):
            left -= held.size
            if left < 0:
                dropped.append(held.suffix)
        expired = [self._cookie.set_cookie("", 0, old) for old in dropped]
        return [self._cookie.set_cookie(value, LIFETIME_S, suffix), *expired]

    def find(self, state: str, cookies: Iterable[tuple[str, str]]) -> Transaction | None:
        """Return this browser's attempt with *state*; None where foreign, spent or expired."""
        transaction = self._living(self._cookie.find(cookies, _suffix_of(state)))
        if transaction is None or not secrets.compare_digest(transaction.state, state):
            return None
        return transaction

    def expire(self, state: str) -> str:
        """Return the ``Set-Cookie`` value that spends the attempt with *state*."""
        return self._cookie.set_cookie("", 0, _suffix_of(state))

    def _newest_first(self, cookies: Iterable[tuple[str, str]]) -> list[_Held]:
        return sorted(self._held(cookies), key=lambda held: -held.transaction.started_at)

    def _held(self, cookies: Iterable[tuple[str, str]]) -> Iterator[_Held]:
        spent = Transaction("", "", "", "", "", 0.0)  # sorts last: what does not open goes first
        for cookie, value in cookies:
            if cookie.startswith(self._cookie.name):
                transaction = self._living(self._cookie.open(value)) or spent
                suffix = cookie.removeprefix(self._cookie.name)
                yield _Held(suffix, len(cookie) + len(value), transaction)

    def _living(self, transaction: Transaction | None) -> Transaction | None:
        if transaction is None:
            return None
        age_s = self._clock() - transaction.started_at
        return transaction if -LIFETIME_S <= age_s <= LIFETIME_S else None


def _suffix_of(state: str) -> str:
    digest = hashlib.sha256(state.encode(errors="surrogatepass")).hexdigest()
    return digest[:_SUFFIX_CHARS]
