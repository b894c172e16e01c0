"""Prometheus metrics, and the management listener that alone serves them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from flask import g, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    make_wsgi_app,
    start_http_server,
)

from httpkit.events import get_logger
from httpkit.log_loss import LOST_LINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask, Response

MANAGEMENT_LISTENING: Final = "management.listening"

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class HttpMetrics:
    """Requests answered and how long each took, by route and status; log lines that were lost."""

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
        registry.register(LOST_LINES)

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
    workers: int = 1,
    beside: tuple[str, WSGIApplication] | None = None,
) -> int:
    """Serve ``/metrics`` at *host* from a thread of its own and return the port.

    *beside* is one more path, and the application that answers it. No other path has anything.

    Port 0 takes a free one, so that instances side by side cannot collide. Of several *workers*
    the first gets the port asked for: each of the others serves its own counts at a free one.

    Raises:
        OSError: the port is taken; the party must not start without what its operator asked for.
    """
    try:
        server, _thread = start_http_server(port, addr=host, registry=registry)
    except OSError:
        if workers == 1:
            raise
        server, _thread = start_http_server(0, addr=host, registry=registry)
    served = {"/metrics": make_wsgi_app(registry)} | dict([beside] if beside else [])
    server.set_app(_only(served))
    get_logger().info(MANAGEMENT_LISTENING, port=server.server_port)
    return int(server.server_port)


def _only(served: Mapping[str, WSGIApplication]) -> WSGIApplication:
    def choose(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        chosen = served.get(environ.get("PATH_INFO", ""), _nothing)
        return chosen(environ, start_response)

    return choose


def _nothing(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"There is nothing here but /metrics.\n"]
