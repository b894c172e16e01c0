"""Caddy: a Caddyfile of `forward_auth` and `reverse_proxy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bff.edges.plan import IDENTITY_HEADERS, OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bff.edges.plan import Plan, PlannedFrontend, PlannedRoute

_HEAD = "# Written by `python app.py bff edge caddy`; write it anew when routes change.\n"
_AWAY = """\
\thandle_errors 502 503 504 {
\t\theader Retry-After 2
\t\theader Cache-Control "private, no-store"
\t\trespond 503
\t}
"""


def write_caddy(plan: Plan) -> str:
    """Return a Caddyfile."""
    parts = [_HEAD]
    for frontends in plan.by_authority().values():
        scheme = "https" if frontends[0].https else "http"
        parts.append(f"{scheme}://{frontends[0].authority} {{\n")
        for frontend in frontends:
            parts.extend(_frontend(plan, frontend))
        parts.append(f"\thandle {{\n\t\treverse_proxy {plan.gateway}\n\t}}\n{_AWAY}}}\n")
    return "".join(parts)


def _frontend(plan: Plan, frontend: PlannedFrontend) -> Iterator[str]:
    base = frontend.base
    yield "\t# Nobody asks through us: the answer holds a token.\n"
    yield f"\thandle {base}/bff/forward-auth* {{\n\t\trespond 403\n\t}}\n"
    yield f"\t@{frontend.name}_own path {base}/bff/* {base}/static/bff/* {base}/static/shared/*\n"
    yield f"\thandle @{frontend.name}_own {{\n\t\treverse_proxy {plan.gateway} {{\n"
    for name in ("Method", "URI"):
        yield f"\t\t\theader_up -X-Original-{name}\n"
    yield "\t\t\theader_up -X-Forwarded-Method\n\t\t\theader_up -X-Forwarded-Uri\n"
    yield "\t\t\tflush_interval -1\n\t\t}\n\t}\n"
    for route in frontend.routes:
        yield from _route(plan, route, frontend)


def _route(plan: Plan, route: PlannedRoute, frontend: PlannedFrontend) -> Iterator[str]:
    prefix = route.path or "/"
    paths = f"{route.path} {route.path}/*" if route.path else "/*"
    yield f"\t@{route.name} path {paths}\n\thandle @{route.name} {{\n\t\troute {{\n"
    for name in (*IDENTITY_HEADERS, *OURS, "X-Auth-*", "X-User*", "X-Remote-*"):
        yield f"\t\t\trequest_header -{name}\n"
    yield f"\t\t\tforward_auth {plan.gateway} {{\n\t\t\t\turi {frontend.base}/bff/forward-auth\n"
    yield f"\t\t\t\tcopy_headers {' '.join(OURS)} X-Request-Id\n\t\t\t}}\n"
    yield "\t\t\trequest_header -Cookie\n"
    if route.strip and route.path:
        yield f"\t\t\turi strip_prefix {prefix}\n"
    if route.base:
        yield f"\t\t\trewrite * {route.base}{{uri}}\n"
    addresses = " ".join(f"{origin.scheme}://{origin.authority}" for origin in route.origins)
    host = route.host or (
        "{upstream_hostport}" if route.origins[1:] else route.origins[0].authority
    )
    yield f"\t\t\trequest_body {{\n\t\t\t\tmax_size {route.body_limit_bytes}\n\t\t\t}}\n"
    yield f"\t\t\treverse_proxy {addresses} {{\n\t\t\t\theader_up Host {host}\n"
    if route.origins[1:]:
        yield "\t\t\t\tlb_policy least_conn\n"
    if route.concurrent_requests:
        each = -(-route.concurrent_requests // len(route.origins))
        yield f"\t\t\t\tunhealthy_request_count {each}\n"
    yield "\t\t\t\tflush_interval -1\n"
    if not route.allow_set_cookie:
        yield "\t\t\t\theader_down -Set-Cookie\n"
    yield '\t\t\t\theader_down Cache-Control "private, no-store"\n'
    yield f"\t\t\t\ttransport http {{\n\t\t\t\t\tread_timeout {route.timeout_s}s\n\t\t\t\t}}\n"
    yield "\t\t\t}\n\t\t}\n\t}\n"
