"""What the BFF counts beside its requests; names and labels are relied on by operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_STORE_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class UpstreamMetrics:
    """What upstreams failed, and what came of it in one worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.failures = Counter(
            "bff_upstream_failures",
            "Calls that an upstream failed: the problem's code, or the status it gave.",
            ["route", "address", "failure"],
            registry=registry,
        )
        self.ejected = Gauge(
            "bff_upstream_ejected",
            "1 while an address of several gets no calls because too many failed.",
            ["route", "address"],
            registry=registry,
        )
        self.breaker_open = Gauge(
            "bff_upstream_breaker_open",
            "1 while calls along a route are answered 503 without asking its upstream.",
            ["route"],
            registry=registry,
        )


class BffMetrics:
    """Counters of sign-ins, sessions and tokens of one worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.logins = Counter(
            "bff_logins",
            "Sign-ins by outcome: completed, or the code of the problem.",
            ["provider", "outcome"],
            registry=registry,
        )
        self.sessions_ended = Counter(
            "bff_sessions_ended",
            "Sessions ended by the gateway: logout, replaced, provider, other_session, refused.",
            ["provider", "reason"],
            registry=registry,
        )
        self.refreshes = Counter(
            "bff_refreshes",
            "Refreshes by outcome: renewed, refused, unavailable, misconfigured.",
            ["provider", "outcome"],
            registry=registry,
        )
        self.refresh_waiters = Gauge(
            "bff_refresh_waiters", "Calls that wait for a refresh just now.", registry=registry
        )
        self.store_seconds = Histogram(
            "bff_store_seconds",
            "Time that the session store took, by operation and outcome.",
            ["operation", "outcome"],
            buckets=_STORE_BUCKETS_S,
            registry=registry,
        )
        self.upstreams = UpstreamMetrics(registry)
        self.streams_open = Gauge(
            "bff_streams_open",
            "Event streams and WebSockets that are open just now.",
            ["route", "kind"],
            registry=registry,
        )
        self.limited = Counter(
            "bff_limited",
            "Requests and connections that a limit stopped, by the limit and the route.",
            ["route", "limit"],
            registry=registry,
        )

    def limited_at_edge(self, limit: str) -> None:
        """Count what the edge stopped before there was a route."""
        self.limited.labels("edge", limit).inc()
