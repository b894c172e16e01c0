"""A provider's published document, kept with its last good copy.

An outage of the provider never takes away what it has already said.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from bff.problems import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Failure = TypeVar("Failure", bound=Unavailable | Refused)

FRESH_S: Final = 600.0
CONFIRMED_S: Final = 5.0
FORCED_INTERVAL_S: Final = 60.0
_PAUSE_AFTER_FAILURE_S = 1.0
_PAUSE_WITH_COPY_S = 15.0


class Document(Generic[T]):
    """One document: fetched when needed, renewed in turn, never fetched by two threads at once.

    Deadlines are by the monotonic clock.
    """

    def __init__(
        self, fetch: Callable[[T | None], T], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take *fetch*, which is given the last good copy and returns a new one or raises."""
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._copy: T | None = None
        self._renew_at = 0.0
        self._seen_at = self._failed_at = 0.0
        self._forced_at = -FORCED_INTERVAL_S
        self._failure: Unavailable | Refused | None = None

    def get(self) -> T:
        """Return the document, at most ten minutes old while its publisher answers.

        Raises:
            Unavailable: it was never fetched and cannot be now.
            Refused: it was never fetched and what is published is unusable.
        """
        copy = self._copy
        if copy is not None and self._clock() < self._renew_at:
            return copy
        # With a copy in hand nobody waits for the one who renews it.
        if not self._lock.acquire(blocking=copy is None) and copy is not None:
            return copy
        try:
            return self._renew()
        finally:
            self._lock.release()

    def get_confirmed(self) -> T:
        """Return the document, seen at its publisher within the last seconds.

        For a step that sends a person there: a last good copy is no use to somebody whom it leads
        to a dead address.

        Raises:
            Unavailable: it cannot be fetched now, whatever was fetched before.
            Refused: what is published now is unusable.
        """
        with self._lock:
            now = self._clock()
            if self._copy is not None and now - self._seen_at < CONFIRMED_S:
                return self._copy
            if self._failure is not None and now < self._failed_at + _PAUSE_AFTER_FAILURE_S:
                raise _copy_of(self._failure)
            self._renew_at = 0.0
            copy = self._renew()
            if self._failure is not None:
                raise _copy_of(self._failure)
            return copy

    def get_newer(self) -> T:
        """Return the document after fetching it anew, at most once a minute.

        For a key id that the copy does not know (OIDC Core §10.1.1): an attacker who invents key
        ids must not make us call the provider (S-122).
        """
        with self._lock:
            now = self._clock()
            if now - self._forced_at >= FORCED_INTERVAL_S:
                self._forced_at = now
                self._renew_at = 0.0
                return self._renew()
        return self.get()

    def _renew(self) -> T:
        now = self._clock()
        if now < self._renew_at:
            if self._copy is not None:
                return self._copy
            if self._failure is not None:
                # A copy for each caller: what one visitor's answer adds to it is that visitor's.
                raise _copy_of(self._failure)
        try:
            self._copy = self._fetch(self._copy)
        except (Unavailable, Refused) as error:
            self._failure, self._failed_at = _copy_of(error), self._clock()
            if self._copy is None:
                self._renew_at = self._clock() + _PAUSE_AFTER_FAILURE_S
                raise
            self._renew_at = self._clock() + _PAUSE_WITH_COPY_S
            return self._copy
        self._failure = None
        self._seen_at = self._clock()
        self._renew_at = self._seen_at + FRESH_S
        return self._copy


def _copy_of(failure: Failure) -> Failure:
    # Not `copy.copy`: that calls the class with the arguments of the exception's base.
    copied = type(failure).__new__(type(failure), *failure.args)
    copied.__dict__.update(failure.__dict__)
    return copied
