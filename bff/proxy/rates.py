"""Rate limits as arithmetic: a quota that refills evenly, and the headers that tell of it.

A limit of 60 requests in 60 s lets 60 pass at once and one more each second. What is remembered of
a caller is one instant: when its whole quota will be back (GCRA).

Spec: draft-ietf-httpapi-ratelimit-headers-11; RFC 6585 §4 (429); RFC 9651 (lists).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from bff.problems import TOO_MANY_REQUESTS, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bff.proxy.headers import Headers

Subject = Literal["session", "address", "route"]

_CALLERS_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many *requests* in *per_s* seconds of one subject."""

    by: Subject
    requests: int
    per_s: int

    @property
    def policy(self) -> str:
        """An item of ``RateLimit-Policy``."""
        return f'"{self.by}";q={self.requests};w={self.per_s}'


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request came to.

    Attributes:
        left: how many more may follow at once.
        full_s: until the whole quota is back.
        wait_s: until the next one may pass; 0 for a request that may.
    """

    limit: RateLimit
    left: int
    full_s: float
    wait_s: float = 0.0

    @property
    def item(self) -> str:
        """An item of ``RateLimit``."""
        return f'"{self.limit.by}";r={self.left};t={math.ceil(self.full_s)}'


def charge(limit: RateLimit, full_at_s: float, now_s: float) -> tuple[Charge, float]:
    """Return what a request *now_s* comes to, and the instant to remember.

    Args:
        limit: the quota.
        full_at_s: the instant that was remembered; the past for a new caller.
        now_s: by the same clock.
    """
    each_s = limit.per_s / limit.requests
    full_at_s = max(full_at_s, now_s)
    after_s = full_at_s + each_s
    spare_s = limit.per_s - (after_s - now_s)
    if spare_s < -1e-9:  # noqa: PLR2004 - sums of binary fractions
        return Charge(limit, 0, full_at_s - now_s, -spare_s), full_at_s
    return Charge(limit, int(spare_s / each_s + 1e-6), after_s - now_s), after_s


def require_quota(charges: Sequence[Charge]) -> Headers:
    """Return the headers that tell of *charges*.

    Raises:
        Refused: ``too_many_requests``, with the headers and ``Retry-After``.
    """
    policy = ", ".join(each.limit.policy for each in charges)
    state = ", ".join(each.item for each in charges)
    wait_s = max(each.wait_s for each in charges)
    if wait_s > 0:
        limit = max(charges, key=lambda each: each.wait_s).limit
        headers = {"RateLimit-Policy": policy, "RateLimit": state}
        headers["Retry-After"] = str(max(1, math.ceil(wait_s)))
        raise Refused(TOO_MANY_REQUESTS, hint=f"rate by {limit.by}", headers=headers)
    return [
        (b"ratelimit-policy", policy.encode("ascii")),
        (b"ratelimit", state.encode("ascii")),
    ]


class Ledger:
    """The callers of one worker and when their quotas will be whole. Monotonic clock."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: dict[tuple[int, str], float] = {}

    def charge(self, limit: RateLimit, caller: str) -> Charge:
        """Charge *caller* for one request."""
        now = self._clock()
        key = (id(limit), caller)
        charged, full_at = charge(limit, self._full_at.get(key, now), now)
        if key not in self._full_at and len(self._full_at) >= _CALLERS_MAX:
            self._forget(now)
        self._full_at[key] = full_at
        return charged

    def _forget(self, now: float) -> None:
        """Drop whoever has a whole quota; where that is nobody, whoever came first."""
        kept = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        while len(kept) >= _CALLERS_MAX:
            kept.pop(next(iter(kept)))
        self._full_at = kept
