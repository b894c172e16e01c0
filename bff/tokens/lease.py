"""The right to refresh one session's tokens, held by one worker of all nodes at a time.

A lease ends by itself, so that a dead worker holds nothing up for long. It lasts longer than the
longest refresh can (two bounded calls), and the store's compare-and-set of the generation is the
fence behind it: a holder that was suspended past its lease cannot overwrite a newer set.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from bff.problems import Unavailable
from bff.sessions.connect import script, store_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from bff.sessions.model import Ticket

LEASE_S: Final = 15

# KEYS[1] lease · ARGV token: only the holder gives it back.
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"


class Leases:
    """Grants leases in Redis, beside the session they are for."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._release = script(client, _RELEASE)

    @contextmanager
    def hold(self, ticket: Ticket) -> Iterator[bool]:
        """Yield whether this caller has the lease; give it back at the end.

        Raises:
            Unavailable: Redis gives no answer; without it nobody refreshes.
        """
        key = f"refresh:{{{ticket.digest}}}"
        token = secrets.token_hex(16)
        with store_errors():
            held = bool(self._redis.set(key, token, nx=True, ex=LEASE_S))
        try:
            yield held
        finally:
            if held:
                with suppress(Unavailable), store_errors():
                    self._release(keys=[key], args=[token])
