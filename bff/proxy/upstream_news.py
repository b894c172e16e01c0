"""What operators are told of upstreams: events of what changed, counters of what failed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from bff import events
from httpkit.events import get_logger

if TYPE_CHECKING:
    from bff.metrics import UpstreamMetrics


class UpstreamNews:
    """Tells log and metrics of one worker; costs a good call nothing."""

    def __init__(self, metrics: UpstreamMetrics | None = None) -> None:
        self._metrics = metrics

    def failed(self, route: str, address: str, problem: str) -> None:
        """Count a call to *address* that came to nothing, or to a failing status."""
        if self._metrics is not None:
            self._metrics.failures.labels(route, address, problem).inc()

    def ejected(self, route: str, address: str, pause_s: float, failures: int) -> None:
        """Tell that *address* gets no calls for a while."""
        get_logger().warning(
            events.UPSTREAM_EJECTED,
            route=route, address=address, failures=failures, pause_s=pause_s,
        )  # fmt: skip
        if self._metrics is not None:
            self._metrics.ejected.labels(route, address).set(1)

    def returned(self, route: str, address: str) -> None:
        """Tell that *address* answered again."""
        get_logger().info(events.UPSTREAM_RETURNED, route=route, address=address)
        if self._metrics is not None:
            self._metrics.ejected.labels(route, address).set(0)

    def opened(self, route: str, pause_s: float, failures: int) -> None:
        """Tell that calls along *route* are answered here for a while."""
        get_logger().warning(
            events.UPSTREAM_BREAKER_OPENED, route=route, failures=failures, pause_s=pause_s
        )
        if self._metrics is not None:
            self._metrics.breaker_open.labels(route).set(1)

    def closed(self, route: str) -> None:
        """Tell that the upstream of *route* answered again."""
        get_logger().info(events.UPSTREAM_BREAKER_CLOSED, route=route)
        if self._metrics is not None:
            self._metrics.breaker_open.labels(route).set(0)

    def moved(self, route: str, host: str, addresses: list[str]) -> None:
        """Tell that DNS says something else than before."""
        get_logger().info(events.UPSTREAM_MOVED, route=route, host=host, addresses=len(addresses))

    def forgotten(self, route: str, address: str) -> None:
        """Forget *address*, which DNS names no longer."""
        if self._metrics is not None:
            with contextlib.suppress(KeyError):
                self._metrics.ejected.remove(route, address)

    def tls_renewed(self, route: str) -> None:
        """Tell that certificates on disk changed and hold from now on."""
        get_logger().info(events.UPSTREAM_TLS_LOADED, route=route)

    def tls_refused(self, route: str, hint: str) -> None:
        """Tell that certificates on disk cannot be used; the former ones hold."""
        get_logger().warning(events.UPSTREAM_TLS_NOT_LOADED, route=route, hint=hint)

    def lost(self, route: str, host: str) -> None:
        """Tell that DNS says nothing; what it said last holds on."""
        get_logger().warning(events.UPSTREAM_NOT_RESOLVED, route=route, host=host)
