"""A pause after an outage: while a provider is known to be silent, callers hear so at once.

One caller at a time probes; the rest are told "not now" in microseconds instead of each waiting
out a timeout on a thread of its own.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bff.problems import PROVIDER_UNAVAILABLE, Unavailable
from httpkit.problems import jittered_retry_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAUSE_S: Final = 1.0


class Breaker:
    """Remembers whether the last attempt found the other side silent. Monotonic clock."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._silent = False
        self._probing = False
        self._retry_at = 0.0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Run the block unless the other side is in its pause.

        Raises:
            Unavailable: in the pause, or whatever the block raises.
        """
        probe = self._enter()
        try:
            yield
        except Unavailable as outage:
            self._leave(probe=probe, pause_s=max(PAUSE_S, outage.retry_after_s))
            raise
        except BaseException:
            self._leave(probe=probe, pause_s=None)
            raise
        self._leave(probe=probe, pause_s=None)

    def _enter(self) -> bool:
        with self._lock:
            if not self._silent:
                return False
            left_s = self._retry_at - self._clock()
            if self._probing or left_s > 0:
                raise Unavailable(
                    PROVIDER_UNAVAILABLE,
                    retry_after_s=max(math.ceil(left_s), jittered_retry_s()),
                    hint="gave no answer a moment ago",
                )
            self._probing = True
            return True

    def _leave(self, *, probe: bool, pause_s: float | None) -> None:
        with self._lock:
            if probe:
                self._probing = False
            self._silent = pause_s is not None
            if pause_s is not None:
                self._retry_at = self._clock() + pause_s
