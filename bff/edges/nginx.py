"""nginx: `auth_request`, with what keeps our answers what they are.

`auth_request` knows 2xx, 401 and 403 and makes 500 of all else. So the answer's status, problem
and `Retry-After` are kept in variables, and `error_page` says them to the browser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bff.edges.plan import ASKED_WITH, IDENTITY_HEADERS, EdgeImpossible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bff.edges.plan import Plan, PlannedFrontend, PlannedRoute

_AWAY = (
    '{"type":"urn:cloakroom:problem:gateway_unavailable","title":"The gateway gives no answer.",'
    '"status":503,"code":"gateway_unavailable"}'
)
_CLOSED = (
    '{"type":"urn:cloakroom:problem:origin_denied","title":"Requests from this origin are not'
    ' accepted.","status":403,"code":"origin_denied"}'
)
_AMBIGUOUS = (
    '{"type":"urn:cloakroom:problem:uri_rejected","title":"The address can be read in more than'
    ' one way.","status":400,"code":"uri_rejected"}'
)
_BUSY = (
    '{"type":"urn:cloakroom:problem:route_busy","title":"The service behind this address is'
    ' busy.","status":503,"code":"route_busy"}'
)
_HEAD = f"""\
# Written by `python app.py bff edge nginx`; include it within http {{ }} and write it anew when
# routes change. nginx's address must stand in the gateway's trusted_proxies.

map $http_upgrade $cloakroom_connection {{ default upgrade; "" ""; }}
map $cloakroom_told $cloakroom_problem {{ default $cloakroom_told; "" '{_AWAY}'; }}
map "$cloakroom_status $cloakroom_wait" $cloakroom_retry_after {{
    default 2;                                # the gateway gave no answer
    "~^40[13] " "";
    "~^(?:429|503) (?<cloakroom_seconds>[0-9]+)$" $cloakroom_seconds;
}}
"""
_TO_GATEWAY = """\
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host {authority};
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Host {authority};
        proxy_set_header X-Forwarded-Method "";
        proxy_set_header X-Forwarded-Uri "";
        proxy_connect_timeout 2s;
        proxy_next_upstream off;
"""
_METER = """\
        add_header RateLimit-Policy $cloakroom_policy always;
        add_header RateLimit $cloakroom_quota always;
"""
_REFUSED = """\
    location @cloakroom_refused {
        default_type application/problem+json;
        add_header Cache-Control "private, no-store" always;
        add_header Vary Cookie always;
        add_header X-Request-Id $cloakroom_request_id always;
        add_header Retry-After $cloakroom_retry_after always;
{meter}        if ($cloakroom_status = 401) { return 401 $cloakroom_problem; }
        if ($cloakroom_status = 403) { return 403 $cloakroom_problem; }
        if ($cloakroom_status = 429) { return 429 $cloakroom_problem; }
        return 503 $cloakroom_problem;        # whatever else: closed
    }
"""


def write_nginx(plan: Plan) -> str:
    """Return a file to be included within ``http { }``."""
    parts = [_HEAD, f"upstream cloakroom_gateway {{ server {plan.gateway}; keepalive 32; }}\n"]
    for route in plan.routes():
        parts.extend(_upstream(route))
        parts.extend(_target(route))
    for frontends in plan.by_authority().values():
        parts.extend(_server(frontends))
    return "".join(parts)


def _upstream(route: PlannedRoute) -> Iterator[str]:
    if len(route.origins) > 1 and route.host is None:
        raise EdgeImpossible(
            f"{route.path}: nginx tells all addresses of a group one Host: set upstream_host, or "
            "let the gateway carry this route."
        )
    servers = ""
    for origin in route.origins:
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        servers += f" server {host}:{origin.port};"
    balance = " least_conn;" if len(route.origins) > 1 else ""
    yield f"upstream {route.name} {{{balance}{servers} keepalive 32; }}\n"
    if route.concurrent_requests:
        yield f"limit_conn_zone $server_name zone={route.name}_now:64k;\n"


def _target(route: PlannedRoute) -> Iterator[str]:
    """Say what the upstream is asked for: the judged bytes, which a rewritten URI would not be."""
    cut = re.escape(route.path) if route.strip else ""
    yield f"map $request_uri ${route.name}_target {{\n"
    yield f'    "~^{cut}(?<{route.name}_rest>/.*)$" "{route.base}${route.name}_rest";\n'
    yield f'    "~^{cut}(?<{route.name}_query>\\?.*)$" "{route.base}/${route.name}_query";\n'
    if route.strip:
        yield f'    "~^{cut}$" "{route.base}/";\n'
    yield "}\n"


def _server(frontends: list[PlannedFrontend]) -> Iterator[str]:
    first = frontends[0]
    yield "\nserver {\n"
    if first.https:
        yield f"    listen {first.port} ssl;\n    server_name {first.host};\n"
        yield "    ssl_certificate /etc/nginx/certs/tls.crt;        # put yours here\n"
        yield "    ssl_certificate_key /etc/nginx/certs/tls.key;\n"
    else:
        host = "127.0.0.1" if first.host == "localhost" else first.host
        yield f"    listen {host}:{first.port};\n    server_name {first.host};\n"
    yield "    merge_slashes off;                        # the gateway judges the path as it came\n"
    yield "    underscores_in_headers off;\n    ignore_invalid_headers on;\n"
    yield "    large_client_header_buffers 4 16k;\n\n"
    for frontend in frontends:
        yield from _frontend(frontend)
    yield "    location / {                              # your pages may take this place\n"
    yield _to_gateway(first, "http://cloakroom_gateway")
    routes = [route for frontend in frontends for route in frontend.routes]
    meter = _METER if any(route.is_metered for route in routes) else ""
    yield "    }\n" + _REFUSED.replace("{meter}", meter)
    if any(route.concurrent_requests for route in routes):
        yield _closed_for_now("busy", _BUSY)
    yield _closed_for_now("away", _AWAY) + "}\n"


def _closed_for_now(name: str, problem: str) -> str:
    """Return the place where a 503 of nginx's own gets its words."""
    return (
        f"    location @cloakroom_{name} {{\n"
        "        default_type application/problem+json;\n"
        '        add_header Cache-Control "private, no-store" always;\n'
        "        add_header Retry-After 2 always;\n"
        f"        return 503 '{problem}';\n    }}\n"
    )


def _frontend(frontend: PlannedFrontend) -> Iterator[str]:
    base = re.escape(frontend.base)
    yield "    # Nobody asks through us: the answer holds a token.\n"
    yield f'    location ~ "^{base}/bff/forward-auth" {{\n'
    yield "        default_type application/problem+json;\n"
    yield f"        return 403 '{_CLOSED}';\n    }}\n"
    yield f'    location ~ "^{base}/(?:(?:bff|static/bff|static/shared)/|(?:live|ready)z$)" {{\n'
    yield _to_gateway(frontend, "http://cloakroom_gateway") + "    }\n"
    yield f"    location = /.cloakroom/{frontend.name} {{\n        internal;\n"
    yield f"        proxy_pass http://cloakroom_gateway{frontend.base}/bff/forward-auth;\n"
    # These two first: the gateway remembers what it judged of the headers behind them.
    yield "        proxy_set_header X-Original-Method $request_method;\n"
    yield "        proxy_set_header X-Original-URI $request_uri;\n"
    yield _TO_GATEWAY.format(authority=frontend.authority)
    # All that it reads, so that it seldom meets a block of headers that is new to it.
    yield "        proxy_pass_request_body off;\n        proxy_pass_request_headers off;\n"
    for name in ASKED_WITH:
        yield f"        proxy_set_header {name} $http_{name.lower().replace('-', '_')};\n"
    yield "        proxy_read_timeout 30s;\n    }\n"
    for route in frontend.routes:
        yield from _route(route, frontend)


def _limits(route: PlannedRoute) -> Iterator[str]:
    if route.is_metered:
        yield "        auth_request_set $cloakroom_policy $upstream_http_ratelimit_policy;\n"
        yield "        auth_request_set $cloakroom_quota $upstream_http_ratelimit;\n" + _METER
    if route.concurrent_requests:
        yield f"        limit_conn {route.name}_now {route.concurrent_requests};\n"
        yield "        limit_conn_status 503;             # all of nginx together\n"
        yield "        error_page 503 = @cloakroom_busy;\n"


def _to_gateway(frontend: PlannedFrontend, address: str) -> str:
    return (
        f"        proxy_pass {address};\n"
        + _TO_GATEWAY.format(authority=frontend.authority)
        + '        proxy_set_header X-Original-Method "";\n'
        + '        proxy_set_header X-Original-URI "";\n'
        + "        proxy_buffering off;\n        proxy_request_buffering off;\n"
        + "        proxy_read_timeout 75s;\n        client_max_body_size 0;\n"
        + "        error_page 502 504 = @cloakroom_away;\n"
    )


def _route(route: PlannedRoute, frontend: PlannedFrontend) -> Iterator[str]:
    yield f'\n    location ~ "^{re.escape(route.path)}(?:/|$)" {{\n'
    yield "        default_type application/problem+json;\n"
    yield f"        if (${route.name}_target = '') {{ return 400 '{_AMBIGUOUS}'; }}\n"
    yield f"        auth_request /.cloakroom/{frontend.name};\n"
    for variable, header in (
        ("status", "status"), ("told", "http_x_auth_problem"), ("wait", "http_retry_after"),
        ("authorization", "http_authorization"), ("subject", "http_x_auth_subject"),
        ("session", "http_x_auth_session"), ("request_id", "http_x_request_id"),
    ):  # fmt: skip
        yield f"        auth_request_set $cloakroom_{variable} $upstream_{header};\n"
    yield "        error_page 401 403 500 = @cloakroom_refused;\n"
    yield from _limits(route)
    yield f"        proxy_pass {route.scheme}://{route.name}${route.name}_target;\n"
    if route.scheme == "https":
        yield "        proxy_ssl_server_name on;\n        proxy_ssl_verify on;\n"
        yield f"        proxy_ssl_name {route.origins[0].host};\n"
        yield "        proxy_ssl_verify_depth 4;\n"
        yield "        proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;\n"
    yield "        proxy_http_version 1.1;\n"
    connection = "$cloakroom_connection" if route.websocket else '""'
    yield f"        proxy_set_header Connection {connection};\n"
    if route.websocket:
        yield "        proxy_set_header Upgrade $http_upgrade;\n"
    yield f"        proxy_set_header Host {route.host or route.origins[0].authority};\n"
    yield "        proxy_set_header Authorization $cloakroom_authorization;\n"
    yield "        proxy_set_header X-Auth-Subject $cloakroom_subject;\n"
    yield "        proxy_set_header X-Auth-Session $cloakroom_session;\n"
    yield "        proxy_set_header X-Request-Id $cloakroom_request_id;\n"
    yield "        proxy_set_header X-Forwarded-For $remote_addr;\n"
    yield f"        proxy_set_header X-Forwarded-Host {frontend.authority};\n"
    yield f"        proxy_set_header X-Forwarded-Proto {'https' if frontend.https else 'http'};\n"
    for name in ("Cookie", *IDENTITY_HEADERS):
        yield f'        proxy_set_header {name} "";\n'
    hidden = ["Clear-Site-Data", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"]
    hidden += ["Cache-Control", *([] if route.allow_set_cookie else ["Set-Cookie"])]
    for name in hidden:
        yield f"        proxy_hide_header {name};\n"
    yield "        proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Buffering;\n"
    yield '        add_header Cache-Control "private, no-store" always;\n'
    yield "        add_header Vary Cookie always;\n"
    yield "        proxy_buffering off;                  # streams reach the browser as they come\n"
    retry = "error" if len(route.origins) > 1 else "off"
    yield f"        proxy_request_buffering off;\n        proxy_next_upstream {retry};\n"
    yield f"        proxy_read_timeout {route.timeout_s}s;\n"
    yield f"        client_max_body_size {route.body_limit_bytes};\n    }}\n"
