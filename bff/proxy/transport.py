"""Connections to upstreams: kept, found again, opened, timed and given up.

Spec: RFC 9112 §9.3.1 (retrying requests), §9.6; RFC 9110 §9.2.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bff.problems import UPSTREAM_TIMEOUT, UPSTREAM_UNREACHABLE, Unavailable
from bff.proxy.connection import UpstreamConnection
from bff.proxy.exchange import SWEEP_INTERVAL_S, Exchange, StaleConnection, TimeLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.proxy.routes import Origin

_READ_BYTES: Final = 64 * 1024
# A request that must not be repeated only takes a connection that was in use just now.
_FRESH_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What is sent first: the head, and the body as far as it is there.

    Attributes:
        replayable: nothing is lost or done twice if it is sent again (RFC 9110 §9.2.1).
        may_upgrade: a 101 is an answer to it; it gets a connection of its own.
    """

    origin: Origin
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
        tls: ssl.SSLContext | None = None,
        idle_connections_max: int = 64,
        idle_s: float = 20.0,
    ) -> None:
        """Args are per upstream.

        Args:
            tls: verifies upstreams' names; the system's certificate authorities unless given.
            idle_connections_max: how many are kept while nobody uses them.
            idle_s: for how long.
        """
        self._tls = tls or ssl.create_default_context()
        self._idle_connections_max = idle_connections_max
        self._idle_sweeps_max = idle_s / SWEEP_INTERVAL_S
        self._idle: dict[Origin, list[UpstreamConnection]] = defaultdict(list)
        self._connections: set[UpstreamConnection] = set()
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._sweeper: asyncio.TimerHandle | None = None

    async def exchange(
        self, request: UpstreamRequest, on_slow: Callable[[Exchange], None] | None = None
    ) -> Exchange:
        """Send *request* whole and return its exchange once the reply's head is there.

        A kept connection that turns out closed is replaced once, if the request is replayable.

        Args:
            request: head and whole body.
            on_slow: called once with the exchange if it is not over within a quarter of a second.

        Raises:
            Unavailable: ``upstream_unreachable``, ``upstream_bad_reply``, ``upstream_timeout``.
            ClientGone: the exchange was failed with it meanwhile.
        """
        exchange = await self.begin(request)
        exchange.on_slow = on_slow
        try:
            await exchange.head()
        except StaleConnection:
            if not request.replayable:
                raise unreachable("a kept connection was closed") from None
            exchange = await self.begin(request, fresh=True)
            exchange.on_slow = on_slow
            await exchange.head()
        return exchange

    async def begin(self, request: UpstreamRequest, *, fresh: bool = False) -> Exchange:
        """Send what *request* holds and return its exchange at once, for the rest of the body.

        Raises:
            Unavailable: ``upstream_unreachable`` or ``upstream_timeout``: nothing was sent.
        """
        connection = None if fresh or request.may_upgrade else self._take(request)
        if connection is None:
            connection = await self._connect(request.origin, request.limits.connect_s)
        exchange = connection.begin(
            request.data, request.limits, is_head_request=request.method == "HEAD"
        )
        exchange.may_upgrade = request.may_upgrade
        return exchange

    async def close(self) -> None:
        """Drop every connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in self._connections:
            connection.abort()
        self._connections.clear()
        self._idle.clear()

    @property
    def connection_count(self) -> int:
        """How many connections are open, idle ones included."""
        return sum(not connection.closed for connection in self._connections)

    def _take(self, request: UpstreamRequest) -> UpstreamConnection | None:
        idle = self._idle[request.origin]
        sweeps_max = self._idle_sweeps_max if request.replayable else _FRESH_S / SWEEP_INTERVAL_S
        while idle:
            # The one used last: it is the least likely to be closed by now.
            connection = idle.pop()
            if connection.closed:
                self._connections.discard(connection)
            elif connection.idle_sweeps <= sweeps_max:
                return connection
            else:
                idle.append(connection)
                return None
        return None

    async def _connect(self, origin: Origin, connect_s: float) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        secure = origin.scheme == "https"
        idle = self._idle[origin]

        def keep(connection: UpstreamConnection) -> None:
            if len(idle) < self._idle_connections_max:
                idle.append(connection)
            else:
                connection.abort()

        try:
            async with asyncio.timeout(connect_s):
                _, connection = await loop.create_connection(
                    lambda: UpstreamConnection(self._buffer, keep),
                    origin.host,
                    origin.port,
                    ssl=self._tls if secure else None,
                    server_hostname=origin.host if secure else None,
                )
        except TimeoutError:
            raise Unavailable(UPSTREAM_TIMEOUT, hint="connect") from None
        except OSError as error:  # refused, no route, no such name, untrusted certificate
            raise unreachable(str(error)) from error
        self._connections.add(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_INTERVAL_S, self._sweep)
        return connection

    def _sweep(self) -> None:
        """Count a quarter of a second everywhere: one timer instead of several a request."""
        for connection in tuple(self._connections):
            connection.sweep()
            if connection.idle_sweeps > self._idle_sweeps_max:
                connection.abort()
            if connection.closed:
                self._forget(connection)
        self._sweeper = None
        if self._connections:
            loop = asyncio.get_running_loop()
            self._sweeper = loop.call_later(SWEEP_INTERVAL_S, self._sweep)

    def _forget(self, connection: UpstreamConnection) -> None:
        self._connections.discard(connection)
        for idle in self._idle.values():
            with contextlib.suppress(ValueError):
                idle.remove(connection)


def unreachable(hint: str) -> Unavailable:
    """Return the outcome for an upstream that gave no reply at all."""
    return Unavailable(UPSTREAM_UNREACHABLE, hint=hint)
