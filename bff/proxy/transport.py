"""Calls to upstreams: an address is chosen, a connection found or opened, the outcome noted.

Spec: RFC 9112 §9.3.1 (retrying requests), §9.6; RFC 9110 §9.2.2.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from bff.problems import UPSTREAM_TIMEOUT, UPSTREAM_UNREACHABLE, Unavailable
from bff.proxy.balancer import Balancer, resolve
from bff.proxy.connection import UpstreamConnection
from bff.proxy.exchange import SWEEP_INTERVAL_S, Exchange, StaleConnection, TimeLimits
from bff.proxy.health import FAILING_STATUSES
from bff.proxy.pool import Pool
from bff.proxy.tls_contexts import TlsContexts
from bff.proxy.upstream_news import UpstreamNews

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.proxy.addresses import Origin, Upstream
    from bff.proxy.balancer import Resolve
    from bff.proxy.health import Health

_READ_BYTES: Final = 64 * 1024
# Nothing was sent to an address that could not be connected to, so that another may be tried.
_ADDRESSES_TRIED_MAX: Final = 3


class UpstreamRequest(NamedTuple):
    """What is sent first: the head, and the body as far as it is there.

    Attributes:
        data: begins with the method and the target, followed by `head_line_end` of the upstream's
            first address.
        replayable: nothing is lost or done twice if it is sent again (RFC 9110 §9.2.1).
        may_upgrade: a 101 is an answer to it; it gets a connection of its own.
    """

    upstream: Upstream
    method: str
    data: bytes
    limits: TimeLimits
    replayable: bool
    may_upgrade: bool = False


class Transport:
    """The upstream connections of one worker; used from its event loop alone."""

    def __init__(
        self,
        *,
        news: UpstreamNews | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            news: told of addresses that fail.
            resolve: every address of a name.
        """
        self._news = news or UpstreamNews()
        self._resolve = resolve
        self._balancers: dict[Upstream, Balancer] = {}
        self._contexts = TlsContexts(self._news)
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._sweeper: asyncio.TimerHandle | None = None

    async def exchange(
        self,
        request: UpstreamRequest,
        on_slow: Callable[[Exchange], None] | None = None,
        *,
        pump: Callable[[Exchange], None] | None = None,
    ) -> Exchange:
        """Send *request* and return its exchange once the reply's head is there.

        A kept connection that turns out closed is replaced once, if the request is replayable.

        Args:
            request: head and body, or as much of it as is there.
            on_slow: called once with the exchange if it is not over within a quarter of a second.
            pump: begins to send the rest of the body, where there is any.

        Raises:
            Unavailable: ``upstream_unreachable``, ``upstream_bad_reply``, ``upstream_timeout``,
                ``upstream_unavailable``.
            ClientGone: the exchange was failed with it meanwhile.
        """
        balancer = self._balancers.get(request.upstream) or self._balancer(request.upstream)
        probes = balancer.breaker.is_open and balancer.breaker.enter()
        exchange: Exchange | None = None
        try:
            exchange = await self._begin(balancer, request)
            if pump is not None:
                pump(exchange)
            exchange.on_slow = on_slow
            try:
                await exchange.head()
            except StaleConnection:
                # No failure of the address: a server may close what is idle whenever it likes.
                if not request.replayable:
                    raise unreachable("a kept connection was closed") from None
                exchange = None
                exchange = await self._begin(balancer, request, fresh=True)
                exchange.on_slow = on_slow
                await exchange.head()
        except BaseException as error:
            _note_failure(balancer, exchange, error)
            raise
        finally:
            if probes:
                balancer.breaker.leave()
        if exchange.status in FAILING_STATUSES:
            balancer.failed(exchange.pool, str(exchange.status))
        elif balancer.troubled:
            balancer.answered(exchange.pool)
        return exchange

    async def close(self) -> None:
        """Drop every connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for balancer in self._balancers.values():
            balancer.close()
        await self._contexts.close()

    @property
    def connection_count(self) -> int:
        """How many connections are open, idle ones included."""
        return sum(
            not connection.closed for pool in self._pools() for connection in pool.connections
        )

    async def _begin(
        self, balancer: Balancer, request: UpstreamRequest, *, fresh: bool = False
    ) -> Exchange:
        """Send what *request* holds to an address; try others where one cannot be connected to."""
        if balancer.has_names:
            await balancer.ready()
        tried: list[Pool] = []
        pool = balancer.choose()
        while pool is not None:
            connection = None
            if not (fresh or request.may_upgrade):
                connection = pool.take(replayable=request.replayable)
            try:
                connection = connection or await self._connect(pool, request)
            except Unavailable as failure:
                balancer.avoid(pool, failure.problem.code)
                tried.append(pool)
                pool = balancer.choose(tried) if len(tried) < _ADDRESSES_TRIED_MAX else None
                if pool is None:
                    raise
                continue
            exchange = connection.begin(
                _told(request, pool), request.limits, is_head_request=request.method == "HEAD"
            )
            exchange.may_upgrade = request.may_upgrade
            return exchange
        raise unreachable("no address")

    async def _connect(self, pool: Pool, request: UpstreamRequest) -> UpstreamConnection:
        pool.connecting += 1
        try:
            async with asyncio.timeout(request.limits.connect_s):
                connection = await self._open(pool, request.upstream)
        except TimeoutError:
            raise Unavailable(UPSTREAM_TIMEOUT, hint="connect") from None
        except (OSError, ValueError) as error:  # refused, no route, untrusted, unusable files
            raise unreachable(str(error)) from error
        finally:
            pool.connecting -= 1
        if not connection.closed:
            pool.connections.add(connection)
        if self._sweeper is None:
            loop = asyncio.get_running_loop()
            self._sweeper = loop.call_later(SWEEP_INTERVAL_S, self._sweep)
        return connection

    async def _open(self, pool: Pool, upstream: Upstream) -> UpstreamConnection:
        loop, origin = asyncio.get_running_loop(), pool.origin

        def make() -> UpstreamConnection:
            return UpstreamConnection(self._buffer, pool)

        if origin.scheme == "unix":
            return (await loop.create_unix_connection(make, pool.address))[1]
        if origin.scheme == "http":
            return (await loop.create_connection(make, pool.address, origin.port))[1]
        context = await self._contexts.find(upstream.tls, upstream.route)
        name = upstream.tls.name or origin.host
        return (
            await loop.create_connection(
                make, pool.address, origin.port, ssl=context, server_hostname=name
            )
        )[1]

    def _balancer(self, upstream: Upstream) -> Balancer:
        def make_pool(origin: Origin, address: str, health: Health) -> Pool:
            return Pool(
                origin,
                address,
                upstream.head_line_end(origin),
                health,
                idle_max=upstream.kept_connections,
                idle_s=upstream.kept_idle_s,
            )

        balancer = Balancer(upstream, make_pool, self._news, resolve=self._resolve)
        self._balancers[upstream] = balancer
        return balancer

    def _pools(self) -> list[Pool]:
        return [
            pool
            for balancer in self._balancers.values()
            for pool in (*balancer.pools, *balancer.retired)
        ]

    def _sweep(self) -> None:
        """Count a quarter of a second everywhere: one timer instead of several a request."""
        self._sweeper = None
        pools = self._pools()
        for pool in pools:
            pool.sweep()
        if any(pool.connections for pool in pools):
            loop = asyncio.get_running_loop()
            self._sweeper = loop.call_later(SWEEP_INTERVAL_S, self._sweep)


def _note_failure(balancer: Balancer, exchange: Exchange | None, error: BaseException) -> None:
    """End *exchange*, and count *error* where it is the upstream's."""
    if exchange is not None:
        exchange.close()
    if not isinstance(error, Unavailable):
        return
    if exchange is not None and isinstance(error.__context__, StaleConnection):
        return
    balancer.failed(None if exchange is None else exchange.pool, error.problem.code)


def _told(request: UpstreamRequest, pool: Pool) -> bytes:
    """Return the request as *pool* is to get it: under its own ``Host``."""
    first = request.upstream.first_head_line_end
    if pool.head_line_end == first:
        return request.data
    # No target holds a line break, so that this is the head's first line.
    return request.data.replace(first, pool.head_line_end, 1)


def unreachable(hint: str) -> Unavailable:
    """Return the outcome for an upstream that gave no reply at all."""
    return Unavailable(UPSTREAM_UNREACHABLE, hint=hint)
