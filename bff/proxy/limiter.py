"""The limits of a route at work: how many at once, and how many in a while.

Spec: RFC 6585 §4 (429); draft-ietf-httpapi-ratelimit-headers-11.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bff.problems import ROUTE_BUSY, TOO_MANY_REQUESTS, Refused, Unavailable
from bff.proxy.rates import Ledger, require_quota
from httpkit.problems import jittered_retry_s

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from bff.metrics import BffMetrics
    from bff.proxy.authority import Authority
    from bff.proxy.headers import Headers
    from bff.proxy.rate_store import SharedLedger
    from bff.proxy.rates import Charge, RateLimit
    from bff.proxy.routes import Route
    from bff.sessions.model import Ticket


class Limiter:
    """Holds the limits of one front end's routes in one worker; asked for limited routes alone."""

    def __init__(
        self,
        *,
        shared: SharedLedger | None = None,
        own: Ledger | None = None,
        metrics: BffMetrics | None = None,
    ) -> None:
        """Join the parts.

        Args:
            shared: counts for all workers; *own* is counted in where there is none.
            own: counts for this worker.
            metrics: counts what was stopped.
        """
        self._shared = shared
        self._own = own or Ledger()
        self._metrics = metrics
        self._here: Counter[Route] = Counter()
        self._of_session: Counter[tuple[Route, str]] = Counter()

    async def admit(
        self,
        route: Route,
        address: str,
        read_ticket: Callable[[], Ticket | None],
        finding: Coroutine[None, None, Authority],
    ) -> tuple[Authority, Headers]:
        """Return the authority that *finding* finds, and the headers that tell of the quotas.

        Raises:
            Refused: ``too_many_requests``; or what *finding* raises.
        """
        if self._shared is None:
            return await self._admit_here(route, address, finding)
        charging = self._charge(self._shared, route, address, read_ticket)
        # Side by side, so that questions to Redis leave in one packet.
        charged, found = await asyncio.gather(charging, finding, return_exceptions=True)
        if isinstance(charged, BaseException):
            raise charged
        headers = self._require(route, charged)
        if isinstance(found, BaseException):
            raise found
        return found, headers

    @staticmethod
    async def _charge(
        shared: SharedLedger, route: Route, address: str, read_ticket: Callable[[], Ticket | None]
    ) -> list[Charge]:
        ticket = read_ticket()
        callers = [(limit, _caller(limit, address, ticket)) for limit in route.rate_limits]
        asked = [
            shared.charge(limit, route.path, caller)
            for limit, caller in callers
            if caller is not None
        ]
        return list(await asyncio.gather(*asked))

    async def _admit_here(
        self, route: Route, address: str, finding: Coroutine[None, None, Authority]
    ) -> tuple[Authority, Headers]:
        charged: list[Charge] = []
        of_session: list[RateLimit] = []
        for limit in route.rate_limits:
            if limit.by == "session":
                of_session.append(limit)
            else:
                charged.append(self._own.charge(limit, address if limit.by == "address" else ""))
        try:
            self._require(route, charged)  # before anything is read
        except Refused:
            finding.close()
            raise
        authority = await finding
        if authority.session is not None:
            digest = authority.session.digest
            charged += [self._own.charge(limit, digest) for limit in of_session]
        return authority, self._require(route, charged)

    @contextmanager
    def place(self, route: Route, session: Ticket | None) -> Iterator[None]:
        """Hold one of the places for calls under way along *route*.

        Raises:
            Refused: ``too_many_requests``; the session has as many under way as it may.
            Unavailable: ``route_busy``.
        """
        mine = None if session is None else (route, session.digest)
        if route.concurrent_requests and self._here[route] >= route.concurrent_requests:
            self._count(route, "concurrent_requests")
            raise Unavailable(ROUTE_BUSY, hint="concurrent_requests")
        bound = route.concurrent_per_session
        if bound and mine is not None and self._of_session[mine] >= bound:
            self._count(route, "concurrent_per_session")
            headers = {"Retry-After": str(jittered_retry_s())}
            raise Refused(TOO_MANY_REQUESTS, hint="concurrent_per_session", headers=headers)
        self._here[route] += 1
        if mine is not None:
            self._of_session[mine] += 1
        try:
            yield
        finally:
            self._here[route] -= 1
            if mine is not None:
                self._of_session[mine] -= 1
                if not self._of_session[mine]:
                    del self._of_session[mine]

    def _require(self, route: Route, charged: list[Charge]) -> Headers:
        if not charged:
            return []
        try:
            return require_quota(charged)
        except Refused as refused:
            self._count(route, str(refused.hint))
            raise

    def _count(self, route: Route, limit: str) -> None:
        if self._metrics is not None:
            self._metrics.limited.labels(route.path, limit).inc()


def _caller(limit: RateLimit, address: str, ticket: Ticket | None) -> str | None:
    """Return who is charged, None where *limit* is not for this request."""
    if limit.by == "route":
        return ""
    if limit.by == "address":
        return address
    return None if ticket is None else ticket.digest
