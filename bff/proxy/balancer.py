"""Which address of an upstream gets the next call, and which gets none for a while.

Names are asked for anew in the background, never by a call but the first: while DNS fails, is slow
or lies down, its last good answer holds on (F-37).
"""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Final

from bff.problems import UPSTREAM_UNREACHABLE, Unavailable
from bff.proxy.health import Breaker, Health

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bff.proxy.addresses import Origin, Upstream
    from bff.proxy.pool import Pool
    from bff.proxy.upstream_news import UpstreamNews

    Resolve = Callable[[str, int], Awaitable[list[str]]]
    MakePool = Callable[[Origin, str, Health], Pool]

_RESOLVE_WITHIN_S: Final = 5.0


async def resolve(host: str, port: int) -> list[str]:
    """Return every IPv4 and IPv6 address of *host*, in the system's order of preference.

    Raises:
        OSError: there is none, or nobody to ask.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Balancer:
    """One route's upstream in one worker.

    Attributes:
        breaker: answers for all of it.
        pools: its addresses.
        retired: former addresses on which calls are still under way.
        troubled: something failed, and not everything has answered since.
        has_names: DNS has a say; `ready` comes before `choose`.
    """

    def __init__(
        self,
        upstream: Upstream,
        make_pool: MakePool,
        news: UpstreamNews,
        *,
        resolve: Resolve = resolve,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Join the parts; names are resolved at the first call.

        Args:
            upstream: as the settings describe it.
            make_pool: makes the pool of one address.
            news: told of what changes and fails.
            resolve: every address of a name.
            clock: monotonic.
        """
        self.breaker = Breaker(Health(upstream.breaking, clock=clock))
        self.retired: list[Pool] = []
        self._upstream = upstream
        self._make_pool = make_pool
        self._news = news
        self._resolve = resolve
        self._clock = clock
        self._turn = 0
        self._resolve_at = 0.0
        self._resolving: asyncio.Task[None] | None = None
        self.troubled = False
        self._names = [origin for origin in upstream.origins if origin.is_name]
        self._by_origin: dict[Origin, list[Pool]] = {
            origin: [] if origin in self._names else [self._pool(origin, origin.host)]
            for origin in upstream.origins
        }
        self.has_names = bool(self._names)
        self.pools: list[Pool] = []
        self._gather()

    # Before a call.

    async def ready(self) -> None:
        """Return when there is an address; renew what DNS said where it is old.

        Raises:
            Unavailable: ``upstream_unreachable``; DNS never named an address.
        """
        if self._resolving is None and self._clock() >= self._resolve_at:
            self._resolving = asyncio.create_task(self._renew())
        if not self.pools and self._resolving is not None:
            await asyncio.shield(self._resolving)
        if not self.pools:
            hosts = ", ".join(origin.host for origin in self._names)
            raise Unavailable(UPSTREAM_UNREACHABLE, hint=f"no address of {hosts}")

    def choose(self, tried: Sequence[Pool] = ()) -> Pool | None:
        """Return the address for a call, or None where all were *tried* for it."""
        pools = self.pools
        if len(pools) == 1:
            return None if tried else pools[0]
        # Out of turn only because of its own failures: when all are out, all are asked again.
        untried = [pool for pool in pools if pool not in tried]
        fit = [pool for pool in untried if not pool.health.is_paused] or untried
        if not fit:
            return None
        self._turn += 1
        first = self._turn % len(fit)
        if self._upstream.round_robin:
            return fit[first]
        return min(fit[first:] + fit[:first], key=lambda pool: pool.outstanding)

    # After a call.

    def avoid(self, pool: Pool, failure: str) -> None:
        """Note that *pool* failed a call, which may still come to something elsewhere."""
        self.troubled = True
        route, news, health = self._upstream.route, self._news, pool.health
        news.failed(route, pool.title, failure)
        others = any(not each.health.is_paused for each in self.pools if each is not pool)
        # Never the last one: whether all of them are broken is the breaker's to judge.
        if health.fail() and others:
            news.ejected(route, pool.title, health.pause(), health.failures)

    def failed(self, pool: Pool | None, failure: str) -> None:
        """Note that a call came to nothing, or to one of `FAILING_STATUSES`.

        Args:
            pool: where it was sent; None where it could not be sent anywhere.
            failure: a problem's code, or the status.
        """
        self.troubled = True
        if pool is not None:
            self.avoid(pool, failure)
        health = self.breaker.health
        if health.fail():
            self._news.opened(self._upstream.route, health.pause(), health.failures)

    def answered(self, pool: Pool) -> None:
        """Note that *pool* gave a good reply; needed only where there is trouble."""
        if pool.health.succeed():
            self._news.returned(self._upstream.route, pool.title)
        if self.breaker.health.succeed():
            self._news.closed(self._upstream.route)
        self.troubled = any(each.health.failures or each.health.is_out for each in self.pools)

    def close(self) -> None:
        """Drop every connection."""
        if self._resolving is not None:
            self._resolving.cancel()
        for pool in (*self.pools, *self.retired):
            pool.close()

    # DNS.

    async def _renew(self) -> None:
        try:
            answers = await asyncio.gather(*(self._ask(origin) for origin in self._names))
        finally:
            self._resolve_at = self._clock() + self._upstream.resolve_every_s
            self._resolving = None
        for origin, addresses in zip(self._names, answers, strict=True):
            if addresses:
                self._move(origin, addresses)
            else:
                self._news.lost(self._upstream.route, origin.host)
        self._gather()
        if not self.pools:
            self._resolve_at = 0.0  # the next call asks again

    async def _ask(self, origin: Origin) -> list[str]:
        try:
            async with asyncio.timeout(_RESOLVE_WITHIN_S):
                return await self._resolve(origin.host, origin.port)
        except (OSError, UnicodeError):  # TimeoutError too
            return []

    def _move(self, origin: Origin, addresses: list[str]) -> None:
        known = {pool.address: pool for pool in self._by_origin[origin]}
        gone = [pool for address, pool in known.items() if address not in addresses]
        for pool in gone:
            pool.retire()
            self._news.forgotten(self._upstream.route, pool.title)
        self.retired = [pool for pool in (*self.retired, *gone) if pool.connections]
        self._by_origin[origin] = [
            known.get(address) or self._pool(origin, address) for address in addresses
        ]
        if set(known) != set(addresses):
            self._news.moved(self._upstream.route, origin.host, addresses)

    def _gather(self) -> None:
        self.pools = [pool for pools in self._by_origin.values() for pool in pools]

    def _pool(self, origin: Origin, address: str) -> Pool:
        return self._make_pool(origin, address, Health(self._upstream.ejection, clock=self._clock))
