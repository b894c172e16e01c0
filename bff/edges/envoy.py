"""Envoy: a static bootstrap with `ext_authz` over HTTP, as JSON.

Envoy appends the original target to a prefix instead of naming it in a header, so that the gateway
must be set to ``forward_auth = "path"``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bff.edges.plan import ASKED_WITH, IDENTITY_HEADERS, METER, OURS
from bff.proxy.addresses import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bff.edges.plan import Plan, PlannedFrontend, PlannedRoute

_TYPES: Final = "type.googleapis.com/envoy.extensions"
_GATEWAY: Final = "cloakroom_gateway"
_PER_ROUTE: Final = f"{_TYPES}.filters.http.ext_authz.v3.ExtAuthzPerRoute"


def write_envoy(plan: Plan) -> str:
    """Return a bootstrap; TLS towards browsers is left to the listener that it is put into."""
    hosts = [
        {
            "name": frontends[0].authority,
            "domains": sorted({frontends[0].authority, frontends[0].host}),
            "routes": [route for frontend in frontends for route in _routes(frontend)]
            + [_open("/", {"cluster": _GATEWAY, "timeout": "0s"})],
        }
        for frontends in plan.by_authority().values()
    ]
    host, _, port = plan.gateway.rpartition(":")
    clusters = [_cluster(_GATEWAY, [Origin("http", host.strip("[]"), int(port))])]
    clusters += [_cluster_of(route) for route in plan.routes()]
    listener = {
        "name": "cloakroom",
        "address": _address("127.0.0.1", plan.frontends[0].port),
        "filter_chains": [{"filters": [_manager(plan, hosts)]}],
    }
    resources = {"listeners": [listener], "clusters": clusters}
    return json.dumps({"static_resources": resources}, indent=2) + "\n"


def _early() -> list[dict[str, Any]]:
    """Drop what a client claims to be, before the question; what the answer adds stays."""
    early = [{"remove": name} for name in (*IDENTITY_HEADERS, *OURS)]
    kind = f"{_TYPES}.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return [{"name": "drop_identity", "typed_config": {"@type": kind, "mutations": early}}]


def _manager(plan: Plan, hosts: list[dict[str, Any]]) -> dict[str, Any]:
    config = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "cloakroom",
        "use_remote_address": True,
        # The gateway judges the path as it came: nothing may be mended on the way.
        "normalize_path": False,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "early_header_mutation_extensions": _early(),
        "route_config": {"virtual_hosts": hosts},
        "http_filters": [
            _filter("ext_authz", _asks(plan)),
            _filter("router", {"@type": f"{_TYPES}.filters.http.router.v3.Router"}),
        ],
    }
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}


def _asks(plan: Plan) -> dict[str, Any]:
    exact = [{"exact": name.lower(), "ignore_case": True} for name in (*OURS, "X-Request-Id")]
    # Envoy has written X-Forwarded-For itself by then; quotas by address go by it.
    asked = [{"exact": name.lower()} for name in (*ASKED_WITH, "X-Forwarded-For")]
    told = [{"exact": name.lower(), "ignore_case": True} for name in METER]
    return {
        "@type": f"{_TYPES}.filters.http.ext_authz.v3.ExtAuthz",
        "failure_mode_allow": False,
        "status_on_error": {"code": "ServiceUnavailable"},
        "allowed_headers": {"patterns": asked},
        "http_service": {
            "server_uri": {
                "uri": f"http://{plan.gateway}",
                "cluster": _GATEWAY,
                "timeout": "30s",
            },
            "path_prefix": "/bff/forward-auth",
            "authorization_response": {
                "allowed_upstream_headers": {"patterns": exact},
                "allowed_client_headers_on_success": {"patterns": told},
            },
        },
    }


def _filter(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"envoy.filters.http.{name}", "typed_config": config}


def _open(prefix: str, action: dict[str, Any]) -> dict[str, Any]:
    """Return a route that the gateway answers, or nobody, without being asked."""
    unasked = {"envoy.filters.http.ext_authz": {"@type": _PER_ROUTE, "disabled": True}}
    key = "direct_response" if "status" in action else "route"
    return {"match": {"prefix": prefix}, key: action, "typed_per_filter_config": unasked}


def _routes(frontend: PlannedFrontend) -> list[dict[str, Any]]:
    base = frontend.base
    found = [_open(f"{base}/bff/forward-auth", {"status": 403})]
    found += [
        _open(f"{base}{own}", {"cluster": _GATEWAY, "timeout": "0s"})
        for own in ("/bff/", "/static/bff/", "/static/shared/")
    ]
    return found + [_route(route) for route in frontend.routes]


def _route(route: PlannedRoute) -> dict[str, Any]:
    action: dict[str, Any] = {
        "cluster": route.name,
        "timeout": "0s",
        "idle_timeout": f"{route.timeout_s}s",
    }
    if route.host is None and route.origins[1:]:
        action["auto_host_rewrite"] = True
    else:
        action["host_rewrite_literal"] = route.host or route.origins[0].authority
    cut = route.path if route.strip else ""
    if cut or route.base:
        pattern = {"regex": f"^{cut.replace('.', '[.]')}/?"}
        action["regex_rewrite"] = {"pattern": pattern, "substitution": f"{route.base}/"}
    match = {"path_separated_prefix": route.path} if route.path else {"prefix": "/"}
    dropped = [] if route.allow_set_cookie else ["set-cookie"]
    return {
        "match": match,
        "route": action,
        "request_headers_to_remove": ["cookie"],
        "response_headers_to_remove": dropped,
    }


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def _cluster(name: str, origins: Sequence[Origin]) -> dict[str, Any]:
    endpoints = [
        {"endpoint": {"address": _address(each.host, each.port), "hostname": each.authority}}
        for each in origins
    ]
    return {
        "name": name,
        "type": "STRICT_DNS",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }


def _cluster_of(route: PlannedRoute) -> dict[str, Any]:
    cluster = _cluster(route.name, route.origins)
    if route.origins[1:]:
        cluster["lb_policy"] = "LEAST_REQUEST"
    if most := route.concurrent_requests:
        bounds = {"max_requests": most, "max_connections": most, "max_pending_requests": most}
        cluster["circuit_breakers"] = {"thresholds": [bounds]}
    if route.scheme == "https":
        host = route.origins[0].host
        names = [{"san_type": "DNS", "matcher": {"exact": host}}]
        authorities = {"filename": "/etc/ssl/certs/ca-certificates.crt"}
        context = {"trusted_ca": authorities, "match_typed_subject_alt_names": names}
        cluster["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": f"{_TYPES}.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": host,
                "common_tls_context": {"validation_context": context},
            },
        }
    return cluster
