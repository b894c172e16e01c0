"""How an address or a whole upstream is doing, told from what its calls came to.

Nothing is asked for the sake of asking: failures in a row earn a pause, the next pause is longer,
and one good reply ends the row. State of one worker.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bff.problems import UPSTREAM_UNAVAILABLE, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.proxy.addresses import Tolerance

# Statuses by which a gateway or a server says that it could not do its part.
FAILING_STATUSES: Final = frozenset({502, 503, 504})


class Health:
    """Failures in a row, and the pauses that they earned. Monotonic clock.

    Attributes:
        failures: since the last good reply.
        is_out: a pause was earned, and no good reply has come since.
    """

    __slots__ = ("_clock", "_pauses", "_tolerance", "_until", "failures", "is_out", "pause_s")

    def __init__(
        self, tolerance: Tolerance, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tolerance = tolerance
        self._clock = clock
        self._until = 0.0
        self._pauses = 0
        self.pause_s = 0.0
        self.failures = 0
        self.is_out = False

    @property
    def is_paused(self) -> bool:
        """Whether its pause still runs; when it is over, one failure is enough for the next."""
        return self.is_out and self._clock() < self._until

    @property
    def left_s(self) -> float:
        """How long its pause still runs."""
        return max(0.0, self._until - self._clock())

    def fail(self) -> bool:
        """Count a failure; return whether it has earned a pause."""
        self.failures += 1
        if self.is_out:
            return not self.is_paused
        return 0 < self._tolerance.after <= self.failures

    def pause(self) -> float:
        """Begin a pause; return how many seconds it takes."""
        now = self._clock()
        if now - self._until > self.pause_s:
            self._pauses = 0
        self.pause_s = min(self._tolerance.first_s * 2**self._pauses, self._tolerance.most_s)
        self._pauses = min(self._pauses + 1, 32)
        self._until = now + self.pause_s
        self.is_out = True
        return self.pause_s

    def succeed(self) -> bool:
        """Note a good reply; return whether it is one after a pause."""
        was_out, self.is_out, self.failures = self.is_out, False, 0
        return was_out


class Breaker:
    """Closed, open, or letting one call through to see."""

    __slots__ = ("_probing", "health")

    def __init__(self, health: Health) -> None:
        self.health = health
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are answered here; the one that sees is let through."""
        return self.health.is_out

    def enter(self) -> bool:
        """Return True for the one call that sees whether the upstream is back.

        Raises:
            Unavailable: ``upstream_unavailable``, for every other one.
        """
        left_s = self.health.left_s
        if self._probing or left_s > 0:
            raise Unavailable(
                UPSTREAM_UNAVAILABLE, retry_after_s=max(1, round(left_s + 0.5)), hint="breaker open"
            )
        self._probing = True
        return True

    def leave(self) -> None:
        """Note that the call came to something, or to nothing."""
        self._probing = False
