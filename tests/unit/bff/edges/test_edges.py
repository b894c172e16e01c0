"""What `bff edge` prints: for nginx proved on nginx elsewhere, for the others as text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bff.edges import WRITERS, EdgeImpossible, plan_of
from bff.settings import Settings

ROUTES = [
    {"path": "/api", "upstream": "https://api.example.com/v1", "websocket": True},
    {"path": "/api/open", "upstream": "http://127.0.0.1:7000", "strip_prefix": False},
]


def settings(**more: Any) -> Settings:  # noqa: ANN401 - settings
    """Return settings with two routes."""
    provider = {"name": "sso", "issuer": "https://sso.example.com", "client_id": "c"}
    right = {
        "public_url": "https://app.example.com",
        "secret_keys": ["key-that-must-never-be-printed-anywhere"],
        "redis_url": "redis://:word@127.0.0.1/0",
        "providers": [{**provider, "client_secret": "secret-never-printed"}],
        "routes": ROUTES,
        "trusted_proxies": ["127.0.0.1/32"],
    }
    return Settings.model_validate({**right, **more})


@pytest.mark.parametrize("proxy", WRITERS)
def test_every_text_names_all_that_matters_and_no_secret(proxy: str) -> None:
    """Upstreams, the question, what is copied, what is closed; never a secret."""
    style = "path" if proxy == "envoy" else "headers"
    text = WRITERS[proxy](plan_of(settings(forward_auth=style), "10.0.0.5:8000", style))
    for needed in ("api.example.com", "7000", "/bff/forward-auth", "10.0.0.5", "8000"):
        assert needed in text
    folded = text.lower()
    for needed in ("authorization", "x-auth-subject", "x-auth-session", "cookie", "x-user-id"):
        assert needed in folded
    for secret in ("never", "word"):
        assert secret not in folded.replace("x-original", "")


@pytest.mark.parametrize(
    "more",
    [
        {"upstream": ["https://a.example.com", "https://b.example.com"]},
        {"upstream": ["http://127.0.0.1:1", "unix:/run/api.sock"]},
        {"upstream": "unix:/run/api.sock"},
        {"upstream": "https://a.example.com", "upstream_tls_name": "b.example.com"},
    ],
)
def test_upstream_that_a_proxy_could_not_reach_alike_is_not_written(more: dict[str, Any]) -> None:
    """Half of it would be worse than none."""
    with pytest.raises(EdgeImpossible, match="/api"):
        plan_of(settings(routes=[{"path": "/api", **more}]), "127.0.0.1:8000", "headers")


@pytest.mark.parametrize("proxy", WRITERS)
def test_the_longest_prefix_stands_first(proxy: str) -> None:
    """`/api/open` is decided before `/api`."""
    style = "path" if proxy == "envoy" else "headers"
    text = WRITERS[proxy](plan_of(settings(forward_auth=style), "127.0.0.1:8000", style))
    if proxy != "traefik":
        assert text.rindex("cloakroom_route_2") > 0
        assert text.index("/api/open") < text.rindex("/api")
        return
    routers = json.loads(text)["http"]["routers"]
    assert routers["cloakroom_route_2"]["priority"] > routers["cloakroom_route_1"]["priority"]


def test_traefik_drops_asks_and_strips_in_this_order() -> None:
    """Identity goes before the question, the cookie after it; browsers cannot ask."""
    http = json.loads(WRITERS["traefik"](plan_of(settings(), "127.0.0.1:8000")))["http"]
    chain = http["routers"]["cloakroom_route_1"]["middlewares"]
    assert chain[:3] == ["cloakroom_anonymous", "cloakroom_main_asks", "cloakroom_no_cookie"]
    assert set(chain) <= set(http["middlewares"])
    assert http["middlewares"]["cloakroom_main_asks"]["forwardAuth"]["trustForwardHeader"] is False
    closed = http["routers"]["cloakroom_main_closed"]
    assert closed["priority"] == max(router["priority"] for router in http["routers"].values())


def test_envoy_fails_closed_and_asks_by_path() -> None:
    """No answer is 503; the first route of all is the closed one."""
    text = WRITERS["envoy"](plan_of(settings(forward_auth="path"), "127.0.0.1:8000", "path"))
    listener = json.loads(text)["static_resources"]["listeners"][0]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    asks = manager["http_filters"][0]["typed_config"]
    assert asks["failure_mode_allow"] is False
    assert asks["status_on_error"] == {"code": "ServiceUnavailable"}
    first = manager["route_config"]["virtual_hosts"][0]["routes"][0]
    assert first["direct_response"] == {"status": 403}


@pytest.mark.parametrize(
    ("more", "gateway"),
    [
        ({"trusted_proxies": []}, "127.0.0.1:8000"),
        ({"forward_auth": "off"}, "127.0.0.1:8000"),
        ({"forward_auth": "path"}, "127.0.0.1:8000"),
        ({"routes": [{"path": "/a$b", "upstream": "http://127.0.0.1:1"}]}, "127.0.0.1:8000"),
        ({"routes": [{"path": "/a", "upstream": "http://127.0.0.1:1/;x"}]}, "127.0.0.1:8000"),
        ({}, "127.0.0.1:8000; evil"),
    ],
)
def test_what_cannot_be_written_safely_is_not(more: dict[str, Any], gateway: str) -> None:
    """Nothing that a configuration would read as its own words gets into it."""
    with pytest.raises(EdgeImpossible):
        plan_of(settings(**more), gateway)


BOUND = {
    "path": "/api",
    "upstream": ["http://127.0.0.1:7001", "http://127.0.0.1:7002"],
    "upstream_host": "api.internal:81",
    "concurrent_requests": 9,
    "rate_limits": [{"by": "session", "requests": 5, "per_s": 60}],
}


def written(proxy: str, route: dict[str, Any]) -> str:
    """Return what is written for *route* alone."""
    style = "path" if proxy == "envoy" else "headers"
    given = settings(forward_auth=style, routes=[route])
    return WRITERS[proxy](plan_of(given, "127.0.0.1:8000", style))


def test_every_proxy_gets_all_addresses_their_name_and_the_limit() -> None:
    """`upstream`, `upstream_host` and `concurrent_requests`, each in the proxy's own words."""
    nginx, caddy = written("nginx", BOUND), written("caddy", BOUND)
    assert "{ least_conn; server 127.0.0.1:7001; server 127.0.0.1:7002; keepalive" in nginx
    assert "proxy_set_header Host api.internal:81;" in nginx
    assert "limit_conn cloakroom_route_1_now 9;" in nginx
    assert "add_header RateLimit $cloakroom_quota always;" in nginx
    assert "reverse_proxy http://127.0.0.1:7001 http://127.0.0.1:7002 {" in caddy
    assert "header_up Host api.internal:81\n" in caddy
    assert "unhealthy_request_count 5\n" in caddy  # of each address: nine in all, rounded up
    http = json.loads(written("traefik", BOUND))["http"]
    chain = http["routers"]["cloakroom_route_1"]["middlewares"]
    assert chain.index("cloakroom_route_1_now") > chain.index("cloakroom_main_asks")
    assert http["middlewares"]["cloakroom_route_1_now"]["inFlightReq"]["amount"] == 9
    assert http["middlewares"]["cloakroom_route_1_host"] == {
        "headers": {"customRequestHeaders": {"Host": "api.internal:81"}}
    }
    balancer = http["services"]["cloakroom_route_1"]["loadBalancer"]
    assert [server["url"][-4:] for server in balancer["servers"]] == ["7001", "7002"]
    assert balancer["passHostHeader"] is True
    envoy = json.loads(written("envoy", BOUND))["static_resources"]
    cluster = envoy["clusters"][1]
    assert len(cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]) == 2
    assert cluster["circuit_breakers"]["thresholds"][0]["max_requests"] == 9
    manager = envoy["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    asks = manager["http_filters"][0]["typed_config"]
    assert {"exact": "x-forwarded-for"} in asks["allowed_headers"]["patterns"]
    route = manager["route_config"]["virtual_hosts"][0]["routes"][4]["route"]
    assert route["host_rewrite_literal"] == "api.internal:81"


def test_unbounded_routes_are_written_without_limits() -> None:
    """What is not set costs a call nothing."""
    plain = {"path": "/api", "upstream": "http://127.0.0.1:7000"}
    for proxy in WRITERS:
        text = written(proxy, plain)
        for word in ("limit_conn", "_quota", "inFlightReq", "unhealthy_request", "circuit_"):
            assert word not in text


def test_several_addresses_under_their_own_names() -> None:
    """One name for all is what nginx can tell, and it says so; the others tell each its own."""
    route = {key: value for key, value in BOUND.items() if key != "upstream_host"}
    with pytest.raises(EdgeImpossible, match="upstream_host"):
        written("nginx", route)
    assert "header_up Host {upstream_hostport}\n" in written("caddy", route)
    services = json.loads(written("traefik", route))["http"]["services"]
    assert services["cloakroom_route_1"]["loadBalancer"]["passHostHeader"] is False
    assert '"auto_host_rewrite": true' in written("envoy", route)
