"""Passwords: argon2id, as many checks at once as this machine can bear.

Spec: ASVS 6.2, 6.3.8, 11.4.2; A-57.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from httpkit.problems import Unavailable
from sso.accounts.common_passwords import is_common
from sso.problems import TEMPORARILY_UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sso.settings import Passwords as PasswordSettings

MAX_LENGTH: Final = 1_024
TOO_SHORT: Final = "too_short"
TOO_LONG: Final = "too_long"
COMMON: Final = "common"


class Passwords:
    """Hashes and verifies; a flood waits in line and is then told to come back."""

    def __init__(self, settings: PasswordSettings, *, site: Collection[str] = ()) -> None:
        """Take the parameters, and the names of this site, which make bad passwords."""
        self._site = tuple(site)
        self._hasher = PasswordHasher(
            time_cost=settings.rounds, memory_cost=settings.memory_kib, parallelism=1, type=Type.ID
        )
        self._min_length = settings.min_length
        self._queue_s = settings.queue_s
        self._places = threading.BoundedSemaphore(settings.parallel_checks)
        # Verified against when nobody has the name: the answer takes as long as a real one.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def fault(self, password: str, *, about: Collection[str] = ()) -> str | None:
        """Return the code of what is wrong with a new *password*, or None.

        Its length, and whether it is guessed first: well-known, or made of the names *about* its
        owner. No composition rules: they make passwords worse (ASVS 6.2.5).
        """
        if len(password) < self._min_length:
            return TOO_SHORT
        if len(password) > MAX_LENGTH:
            return TOO_LONG
        return COMMON if is_common(password, (*about, *self._site)) else None

    def hash(self, password: str) -> str:
        """Return the encoded argon2id hash.

        Raises:
            Unavailable: too many others are waiting.
        """
        with self._place():
            return self._hasher.hash(password)

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Return whether *password* is the one behind *password_hash*; None is nobody's.

        Raises:
            Unavailable: too many others are waiting.
        """
        if len(password) > MAX_LENGTH:
            password = ""
        with self._place():
            try:
                matched = self._hasher.verify(password_hash or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return matched and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether *password_hash* was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=self._queue_s):
            raise Unavailable(TEMPORARILY_UNAVAILABLE, hint="too many password checks at once")
        try:
            yield
        finally:
            self._places.release()
