"""Prometheus metrics, and the management listener that alone serves them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import g, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    make_wsgi_app,
    start_http_server,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

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


def start_management_listener(
    registry: CollectorRegistry,
    *,
    host: str,
    port: int,
    beside: tuple[str, WSGIApplication] | None = None,
) -> int:
    """Serve ``/metrics`` at *host* from a thread of its own and return the port.

    *beside* is one more path, and the application that answers it.

    Port 0 takes a free one, so that instances side by side cannot collide.

    Raises:
        OSError: the port is taken; the party must not start without what its operator asked for.
    """
    server, _thread = start_http_server(port, addr=host, registry=registry)
    if beside is not None:
        server.set_app(_with(beside, make_wsgi_app(registry)))
    return int(server.server_port)


def _with(beside: tuple[str, WSGIApplication], otherwise: WSGIApplication) -> WSGIApplication:
    path, application = beside

    def choose(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        chosen = application if environ.get("PATH_INFO") == path else otherwise
        return chosen(environ, start_response)

    return choose
