"""Traefik's dynamic configuration, as JSON, which its file provider reads as YAML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bff.edges.plan import ASKED_WITH, IDENTITY_HEADERS, OURS

if TYPE_CHECKING:
    from bff.edges.plan import Plan, PlannedFrontend, PlannedRoute

_CLOSED = "cloakroom_closed"
_ANONYMOUS = "cloakroom_anonymous"
_NO_COOKIE = "cloakroom_no_cookie"
_GATEWAY = "cloakroom_gateway"


def write_traefik(plan: Plan) -> str:
    """Return a file for Traefik's file provider (v3)."""
    dropped = dict.fromkeys((*IDENTITY_HEADERS, *OURS), "")
    unasked = dict.fromkeys(("X-Original-Method", "X-Original-URI"), "")
    middlewares: dict[str, Any] = {
        # Nobody asks through us: the answer holds a token.
        _CLOSED: {"ipAllowList": {"sourceRange": ["255.255.255.255/32"]}},
        _ANONYMOUS: {"headers": {"customRequestHeaders": dropped}},
        _NO_COOKIE: {"headers": {"customRequestHeaders": {"Cookie": ""}}},
        "cloakroom_unasked": {"headers": {"customRequestHeaders": unasked}},
    }
    services = {_GATEWAY: _service(f"http://{plan.gateway}", keeps_host=True)}
    routers: dict[str, Any] = {}
    for frontend in plan.frontends:
        _add_own(plan, frontend, routers, middlewares)
        for route in frontend.routes:
            _add_route(route, frontend, routers, middlewares)
            services[route.name] = _service(*_addresses(route), keeps_host=route.host is not None)
    http = {"routers": routers, "middlewares": middlewares, "services": services}
    return json.dumps({"http": http}, indent=2) + "\n"


def _service(*urls: str, keeps_host: bool = False) -> dict[str, Any]:
    balancer = {
        "servers": [{"url": url} for url in urls],
        "passHostHeader": keeps_host,
        "responseForwarding": {"flushInterval": "-1ms"},
    }
    return {"loadBalancer": balancer}


def _addresses(route: PlannedRoute) -> list[str]:
    return [f"{origin.scheme}://{origin.authority}" for origin in route.origins]


def _router(frontend: PlannedFrontend, rule: str, service: str, **more: object) -> dict[str, Any]:
    router = {"rule": f"Host(`{frontend.host}`) && ({rule})", "service": service, **more}
    return {**router, "tls": {}} if frontend.https else router


def _add_own(
    plan: Plan, frontend: PlannedFrontend, routers: dict[str, Any], middlewares: dict[str, Any]
) -> None:
    base, name = frontend.base, f"cloakroom_{frontend.name}"
    own = (f"{base}/bff/", f"{base}/static/bff/", f"{base}/static/shared/")
    rule = " || ".join(f"PathPrefix(`{path}`)" for path in own)
    routers[name] = _router(
        frontend, rule, _GATEWAY, priority=9000, middlewares=["cloakroom_unasked"]
    )
    rule = f"PathPrefix(`{base}/bff/forward-auth`)"
    routers[f"{name}_closed"] = _router(
        frontend, rule, _GATEWAY, priority=9999, middlewares=[_CLOSED]
    )
    asks = {
        "address": f"http://{plan.gateway}{base}/bff/forward-auth",
        "trustForwardHeader": False,
        "authRequestHeaders": list(ASKED_WITH),
        "authResponseHeaders": [*OURS, "X-Request-Id"],
    }
    middlewares[f"{name}_asks"] = {"forwardAuth": asks}


def _add_route(
    route: PlannedRoute,
    frontend: PlannedFrontend,
    routers: dict[str, Any],
    middlewares: dict[str, Any],
) -> None:
    # Identity is dropped before the question, the cookie after it.
    chain = [_ANONYMOUS, f"cloakroom_{frontend.name}_asks", _NO_COOKIE]
    if route.concurrent_requests:
        # After the question, as in the gateway: whoever is refused takes nobody's place.
        limit = {"amount": route.concurrent_requests, "sourceCriterion": {"requestHost": True}}
        middlewares[f"{route.name}_now"] = {"inFlightReq": limit}
        chain.append(f"{route.name}_now")
    if route.host is not None:
        headers = {"customRequestHeaders": {"Host": route.host}}
        middlewares[f"{route.name}_host"] = {"headers": headers}
        chain.append(f"{route.name}_host")
    if route.strip and route.path:
        middlewares[f"{route.name}_strip"] = {"stripPrefix": {"prefixes": [route.path]}}
        chain.append(f"{route.name}_strip")
    if route.base:
        middlewares[f"{route.name}_base"] = {"addPrefix": {"prefix": route.base}}
        chain.append(f"{route.name}_base")
    rule = f"Path(`{route.path or '/'}`) || PathPrefix(`{route.path}/`)"
    routers[route.name] = _router(
        frontend, rule, route.name, priority=1000 + len(route.path), middlewares=chain
    )
