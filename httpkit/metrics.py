"""Prometheus metrics, and the management listener that alone serves them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

if TYPE_CHECKING:
    from flask import Flask, Response

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class HttpMetrics:
    """Requests answered and how long each took, by route and status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.answered = Counter(
            "http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.duration_s = Histogram(
            "http_request_duration_seconds",
            "Time from the request's head to the answer's.",
            ["route"],
            buckets=_BUCKETS_S,
            registry=registry,
        )

    def install(self, app: Flask) -> None:
        """Count every request of *app*."""

        @app.before_request
        def _start() -> None:
            g.metrics_started_at = time.perf_counter()

        @app.after_request
        def _count(response: Response) -> Response:
            route = request.url_rule.rule if request.url_rule else "unmatched"
            self.answered.labels(request.method, route, response.status_code).inc()
            started_at = g.get("metrics_started_at")
            if started_at is not None:
                self.duration_s.labels(route).observe(time.perf_counter() - started_at)
            return response


def start_management_listener(registry: CollectorRegistry, *, host: str, port: int) -> int:
    """Serve ``/metrics`` at *host* from a thread of its own and return the port.

    Port 0 takes a free one, so that instances side by side cannot collide.

    Raises:
        OSError: the port is taken; the party must not start without what its operator asked for.
    """
    server, _thread = start_http_server(port, addr=host, registry=registry)
    return int(server.server_port)
