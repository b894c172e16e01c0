"""The right to refresh one session's tokens, held by one worker of all nodes at a time.

A lease ends by itself, so that a dead worker holds nothing up for long. A living one renews it for
as long as its call runs: metadata, a lost reply, a nonce and new keys can each take a slow provider
seconds. The store's compare-and-set of the generation is the fence behind it: a holder that was
suspended past its lease cannot overwrite a newer set.

A holder that found the provider silent leaves word of it in the lease's place for a moment:
whoever waits for its outcome on another node hears so at once, instead of asking once more.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from bff.problems import PROVIDER_UNAVAILABLE, Unavailable
from bff.sessions.connect import script, store_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from bff.sessions.model import Ticket

LEASE_S: Final = 15
_RENEWED_EVERY_S: Final = 5.0
_SILENT: Final = "silent "
# Many looks of whoever waits; a caller who comes anew is not held up by it.
_WORD_MS: Final = 1000

# KEYS[1] lease · ARGV token, ms it lasts, 1 to take the place of a word → nothing, or what is there
_TAKE = f"""
local said = redis.call('GET', KEYS[1])
if said and not (ARGV[3] == '1' and string.sub(said, 1, {len(_SILENT)}) == '{_SILENT}') then
  return said
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
"""

# KEYS[1] lease · ARGV token, word to leave, ms it stays: only the holder gives it back.
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""

# KEYS[1] lease · ARGV token, ms it lasts from now → 1, or 0 where it is not the caller's any more
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """One attempt to get the lease.

    Attributes:
        is_held: this caller has it, and nobody else.
        retry_after_s: the last holder found the provider silent, and so long it said to wait.
    """

    is_held: bool
    retry_after_s: int | None = None

    def require_hope(self) -> None:
        """Pass unless the last holder found the provider silent; then `Unavailable`."""
        if self.retry_after_s is not None:
            raise Unavailable(
                PROVIDER_UNAVAILABLE,
                retry_after_s=self.retry_after_s,
                hint="gave another worker no answer a moment ago",
            )


class Leases:
    """Grants leases in Redis, beside the session they are for."""

    def __init__(self, client: redis.Redis, *, renewed_every_s: float = _RENEWED_EVERY_S) -> None:
        self._take = script(client, _TAKE)
        self._release = script(client, _RELEASE)
        self._renew = script(client, _RENEW)
        self._renewed_every_s = renewed_every_s

    @contextmanager
    def hold(self, ticket: Ticket, *, waits: bool = False) -> Iterator[Lease]:
        """Yield this caller's attempt; what it holds it gives back at the end.

        Args:
            ticket: of the session.
            waits: this is a further attempt, and what became of the holder's is its answer.

        Raises:
            Unavailable: Redis gives no answer; without it nobody refreshes.
        """
        key, token, word = f"refresh:{{{ticket.digest}}}", secrets.token_hex(16), ""
        with store_errors():
            anew = 0 if waits else 1
            said = cast("bytes | None", self._take(keys=[key], args=[token, LEASE_S * 1000, anew]))
        held = said is None
        try:
            with self._renewed(key, token) if held else nullcontext():
                yield Lease(held, None if said is None else _retry_after_s(said.decode("latin-1")))
        except Unavailable as outage:
            word = f"{_SILENT}{outage.retry_after_s}"
            raise
        finally:
            if held:
                with suppress(Unavailable), store_errors():
                    self._release(keys=[key], args=[token, word, _WORD_MS])

    @contextmanager
    def _renewed(self, key: str, token: str) -> Iterator[None]:
        """Renew the lease in turn while the block runs, for as long as it is this caller's."""
        over = threading.Event()

        def renew() -> None:
            is_ours = True
            while is_ours and not over.wait(self._renewed_every_s):
                with suppress(Unavailable), store_errors():
                    is_ours = bool(self._renew(keys=[key], args=[token, LEASE_S * 1000]))

        renewing = threading.Thread(target=renew, name="lease", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            over.set()
            renewing.join()


def _retry_after_s(said: str) -> int | None:
    return int(said.removeprefix(_SILENT)) if said.startswith(_SILENT) else None
