"""Rate limits counted in Redis, so that all workers and nodes share one quota.

One script a limit, atomic, sent in the same packet as the session read. It never makes an outage of
its own: while Redis is silent, refuses or lacks room, each worker counts for itself.

Spec: draft-ietf-httpapi-ratelimit-headers-11.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, Final

import redis

from bff import events
from bff.problems import Unavailable
from bff.proxy.rates import Charge, Ledger, RateLimit
from bff.sessions.connect import store_errors
from bff.sessions.model import key_of
from httpkit.events import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Ask = Callable[..., Awaitable[object]]

_PAUSE_S: Final = 1.0
_NO_SCRIPT: Final = "NOSCRIPT"
_MICRO: Final = 1_000_000
# KEYS[1] quota, and for sessions KEYS[2] the session: made-up tickets must leave nothing behind.
# ARGV µs a request takes to come back, µs of the whole quota → µs to wait, µs until it is whole
SCRIPT: Final = """
if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 0 then return {0, 0} end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = full + ARGV[1] - now - ARGV[2]
if wait > 0 then return {wait, full - now} end
full = full + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return {0, full - now}
"""
_DIGEST: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


class SharedLedger:
    """Charges callers in Redis; used from a worker's event loop alone."""

    def __init__(
        self,
        ask: Ask,
        own: Ledger,
        *,
        realm: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Join the parts.

        Args:
            ask: sends one command, word by word, and returns its reply, an error reply as a
                value; fails with `Unavailable`.
            own: what is counted in while Redis cannot be asked.
            realm: the front end's name: no two share a quota.
            clock: monotonic.
        """
        self._ask = ask
        self._own = own
        self._realm = realm
        self._clock = clock
        self._again_at = 0.0

    async def charge(self, limit: RateLimit, route: str, caller: str) -> Charge:
        """Charge *caller* (a session's digest, an address, or nothing) for one request."""
        if self._clock() >= self._again_at:
            hint: str | None = "an unusable reply"
            reply: object = None
            try:
                reply = await self._charged(limit, route, caller)
            except Unavailable as outage:
                hint = outage.hint
            if isinstance(reply, Exception):
                hint = str(reply).partition(" ")[0]  # its code; never what was stored
            if isinstance(reply, list) and all(isinstance(part, int) for part in reply):
                wait_s, full_s = (part / _MICRO for part in reply)
                left = limit.requests - int(full_s * limit.requests / limit.per_s + 1 - 1e-6)
                return Charge(limit, max(0, left), full_s, wait_s)
            self._again_at = self._clock() + _PAUSE_S
            get_logger().warning(events.RATE_LIMITS_LOCAL, route=route, hint=hint)
        return self._own.charge(limit, caller)

    async def _charged(self, limit: RateLimit, route: str, caller: str) -> object:
        keys = self._keys(limit, route, caller)
        each = limit.per_s * _MICRO // limit.requests
        arguments = [str(len(keys)), *keys, str(each), str(limit.per_s * _MICRO)]
        reply: Any = await self._ask("EVALSHA", _DIGEST, *arguments)
        if str(reply).startswith(_NO_SCRIPT):
            reply = await self._ask("EVAL", SCRIPT, *arguments)
        return reply

    def _keys(self, limit: RateLimit, route: str, caller: str) -> list[str]:
        if limit.by == "session":
            # In the session's own cluster slot.
            return [f"rate:{{{caller}}}:{self._realm}:{route}", key_of(caller)]
        told = hashlib.sha256(f"{limit.by} {caller}".encode()).hexdigest()[:32]
        return [f"rate:{told}:{self._realm}:{route}"]


def slow_ask(client: redis.Redis) -> Callable[..., object]:
    """Return a way to ask by *client*, for a worker thread: for Sentinel and Cluster."""

    def ask(*words: str) -> object:
        try:
            with store_errors():
                return client.execute_command(*words)
        except redis.exceptions.NoScriptError:
            return _NO_SCRIPT  # redis-py takes the code off its words
        except redis.ResponseError as refused:
            return refused

    return ask
