"""Guesses, counted in Redis before they are checked.

A place is taken first and given back after a right guess, in one step each: parallel guesses
cannot slip through between a look and a count.

Spec: ASVS 6.1.1, 6.3.1; A-20; S-104, S-105.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from httpkit.problems import Unavailable
from sso.problems import TEMPORARILY_UNAVAILABLE

if TYPE_CHECKING:
    from redis import Redis

    from sso.clock import Clock

# Returns the seconds to wait, or 0 when a place was taken. The window starts with its first place.
_TAKE = """
local taken = tonumber(redis.call('GET', KEYS[1]) or '0')
if taken >= tonumber(ARGV[1]) then return math.max(redis.call('TTL', KEYS[1]), 1) end
if redis.call('INCR', KEYS[1]) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_GIVE_BACK = """
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then return redis.call('DECR', KEYS[1]) end
return 0
"""


@dataclass(frozen=True)
class Throttled(Exception):  # noqa: N818 - an outcome, not an error of ours
    """Too many before this one; nothing was checked."""

    retry_at: datetime
    retry_after_s: int


class Throttle:
    """A number of places a window, by name; ``redis`` is the connection it counts by."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self.redis = redis
        self._clock = clock

    def take(self, kind: str, name: str, *, limit: int, window_s: int) -> None:
        """Take one of *limit* places of *name* in a window of *window_s* seconds.

        Raises:
            Throttled: none is left.
            Unavailable: Redis does not answer; nothing may be guessed uncounted.
        """
        try:
            wait_s = int(self.redis.eval(_TAKE, 1, _key(kind, name), limit, window_s))
        except RedisError as error:
            raise Unavailable(
                TEMPORARILY_UNAVAILABLE, hint=f"redis: {type(error).__name__}"
            ) from error
        if wait_s:
            raise Throttled(self._clock() + timedelta(seconds=wait_s), wait_s)

    def give_back(self, kind: str, name: str) -> None:
        """Give the place back; an outage costs the owner a place and nothing else."""
        try:
            self.redis.eval(_GIVE_BACK, 1, _key(kind, name))
        except RedisError:
            return

    def ping(self) -> None:
        """Return when Redis answers.

        Raises:
            Unavailable: it does not.
        """
        try:
            self.redis.ping()
        except RedisError as error:
            raise Unavailable(
                TEMPORARILY_UNAVAILABLE, hint=f"redis: {type(error).__name__}"
            ) from error


def _key(kind: str, name: str) -> str:
    # Hashed: a name is a person's, and what was typed there may be a password.
    return f"sso:throttle:{kind}:{hashlib.sha256(name.encode()).hexdigest()[:32]}"
