"""What pydantic cannot see for itself: addresses of stores, and settings that contradict others."""

from __future__ import annotations

from typing import Any

import pytest

from bff.settings import Settings, SettingsInvalid, settings_of

PASSWORD = "pass%2Fword"
PROVIDER = {"name": "sso", "issuer": "https://sso.example.com", "client_id": "c"}
ONE, TWO = "https://10.0.0.1", "https://10.0.0.2"
GOOD: dict[str, Any] = {
    "public_url": "https://app.example.com",
    "secret_keys": ["k" * 32],
    "redis_url": "redis://127.0.0.1:6379/0",
    "providers": [{**PROVIDER, "client_secret": "s"}],
}


def load(**more: object) -> Settings:
    """Return the settings of a right file with *more*."""
    return settings_of(Settings, {**GOOD, **more}, source="bff.toml")


def fault(**more: object) -> str:
    """Return the one line that *more* is refused with."""
    with pytest.raises(SettingsInvalid) as invalid:
        load(**more)
    [line] = invalid.value.faults
    assert PASSWORD not in line
    return line


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"redis://:{PASSWORD}@host:x/0", "a port must be a number from 1 to 65535"),
        (f"redis://:{PASSWORD}@host:65536/0", "a port must be a number from 1 to 65535"),
        (f"redis://:{PASSWORD}@/0", "must name a host"),
        (f"redis://:{PASSWORD}@host/one", "must be the number of a database"),
        (f"redis://:{PASSWORD}@host/0?db=one", "db must be a number"),
        (f"redis://:{PASSWORD}@host/0?socket_timeout=60", "no options but these: db"),
        (f"rediss://:{PASSWORD}@[::1", "is not a URL; escape what is special in its password"),
        ("unix://", "must name a socket"),
        (f"redis+sentinel://:{PASSWORD}@h1,h2", "must name the service"),
        (f"redis+sentinel://:{PASSWORD}@h1,h2:x/service/0", "a port must be a number"),
        (f"redis+sentinel://:{PASSWORD}@h1,h2/service/x", "must be the number of a database"),
        (f"redis+cluster://:{PASSWORD}@h1,,h2", "must name a host"),
        (f"redis+cluster://:{PASSWORD}@h1,h2/1", "a cluster has one database"),
    ],
)
def test_store_address_is_judged_at_the_start(url: str, told: str) -> None:
    """Not by a traceback, nor by a 500 at the first call; and no password is repeated."""
    line = fault(redis_url=url)
    assert line.startswith("bff.toml: redis_url: ")
    assert told in line


@pytest.mark.parametrize(
    "url",
    [
        *("redis://h", "redis://:a%2Fb@h:1/3", "redis://[::1]:6379/0", "unix:///run/r.sock?db=2"),
        "rediss://u:p@h:6380/0?ssl_cert_reqs=none&ssl_ca_certs=/ca.pem&ssl_check_hostname=false",
        *("redis+sentinel://:p@h1,h2:26380/service/0", "redis+cluster://u:p@h1:7000,h2"),
    ],
)
def test_store_address_of_every_kind_is_taken(url: str) -> None:
    """As the reference lists them."""
    assert load(redis_url=url).redis_url.get_secret_value() == url


@pytest.mark.parametrize(
    "routes",
    [
        [{"path": "/api", "upstream": [ONE, TWO]}],
        [{"path": "/api", "upstream": [ONE, TWO], "token": "client"}],
        [{"path": "/api", "upstream": [ONE, "unix:/run/a.sock"], "upstream_host": "api.example"}],
    ],
)
@pytest.mark.parametrize("dpop", [True, "auto"])
def test_proofs_must_be_able_to_name_their_address(routes: object, dpop: object) -> None:
    """``htu`` is signed before one of several addresses is chosen (RFC 9449 §4.2)."""
    providers = [{**GOOD["providers"][0], "dpop": dpop}]
    assert fault(routes=routes, providers=providers) == (
        "bff.toml: route /api.upstream: with dpop and several addresses set upstream_host, which "
        "the proofs name, and let all addresses be of one scheme"
    )
    assert load(routes=routes).routes  # without proofs there is nothing to name


@pytest.mark.parametrize(
    "route",
    [
        {"upstream": ONE},
        {"upstream": [ONE, TWO], "upstream_host": "api.example"},
        {"upstream": [ONE, TWO], "token": "none"},
    ],
)
def test_proofs_that_can_name_their_address_are_no_fault(route: dict[str, object]) -> None:
    """One address, a common name, or no token."""
    providers = [{**GOOD["providers"][0], "dpop": True}]
    assert load(routes=[{"path": "/api", **route}], providers=providers).routes


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/bff", "path: /bff is the outer front end's own"),
        ("/bff/callback", "path: /bff is the outer front end's own"),
        ("/static", "path: /static is the outer front end's own"),
        ("/readyz", "path: /readyz is the outer front end's own"),
        ("/api", "path: hides the route /api"),
        ("/a", "path: hides the route /a/b"),
    ],
)
def test_a_front_end_takes_nothing_away_from_the_one_around_it(path: str, told: str) -> None:
    """Its path wins: sign-in, files and routes of the other would be out of reach."""
    routes = [{"path": name, "upstream": "http://127.0.0.1:7000"} for name in ("/api", "/a/b")]
    line = fault(routes=routes, frontends=[{"name": "shop", "path": path}])
    assert line == f"bff.toml: frontend shop.{told}"


def test_front_ends_may_lie_within_each_other() -> None:
    """Beneath a route's prefix too: the longer path wins."""
    frontends = [{"name": "shop", "path": "/shop"}, {"name": "till", "path": "/shop/till"}]
    root = {"path": "/", "upstream": "http://127.0.0.1:7000"}
    assert len(load(frontends=frontends, routes=[root]).all_frontends()) == 3


@pytest.mark.parametrize(
    "name", ["__Host-", "__Host-Http-", "__Host-login-1", "__Host-recent-sign-ins", "__Host-forms"]
)
def test_the_ticket_has_a_cookie_of_its_own(name: str) -> None:
    """Under the name of an attempt to sign in it would be dropped with the oldest of them."""
    told = "is, without its prefix, the name of another cookie of ours, or none"
    assert fault(session={"cookie_name": name}) == f"bff.toml: session.cookie_name: {told}"
    line = fault(frontends=[{"name": "shop", "path": "/shop", "cookie_name": name}])
    assert line == f"bff.toml: frontends.0.cookie_name: {told}"


@pytest.mark.parametrize("name", ["idle_ttl_s", "absolute_ttl_s"])
def test_a_lifetime_ends(name: str) -> None:
    """Redis counts milliseconds in 64 bits: beyond them every sign-in would be a bug's 500."""
    line = fault(session={name: 10**17})
    assert f"session.{name}: Input should be less than or equal to" in line


@pytest.mark.parametrize("scopes", [["openid", 'a"b'], ["openid", "a b"], ["openid", ""]])
def test_scopes_can_stand_in_a_list(scopes: list[str]) -> None:
    """RFC 6749 §3.3: what the provider would refuse with every sign-in is refused at the start."""
    told = "a scope is printable ASCII without a blank, a quote or a backslash"
    assert fault(providers=[{**GOOD["providers"][0], "scopes": scopes}]).endswith(told)
    route = {"path": "/api", "upstream": ONE, "scopes": scopes}
    assert fault(routes=[route]) == f"bff.toml: routes.0.scopes: {told}"


@pytest.mark.parametrize("resource", ["orders", "https://api.example#x", "https://a b", "https:"])
def test_a_resource_is_an_absolute_uri(resource: str) -> None:
    """RFC 8707 §2."""
    told = "must be an absolute URI without a fragment"
    assert fault(providers=[{**GOOD["providers"][0], "resource": resource}]).endswith(told)
    route = {"path": "/api", "upstream": ONE, "resource": resource}
    assert fault(routes=[route]) == f"bff.toml: routes.0.resource: {told}"


def test_faults_speak_of_toml() -> None:
    """Not of tuples, unions and instances."""
    told = 'bff.toml: providers.0.dpop: must be true, false or "auto"'
    assert fault(providers=[{**GOOD["providers"][0], "dpop": "maybe"}]) == told
    assert "must be a list; in TOML" in fault(providers=PROVIDER)
    assert fault(session=5) == "bff.toml: session: must be a table"
    route = {"path": "/api", "upstream": ONE, "methods": []}
    assert fault(routes=[route]) == "bff.toml: routes.0.methods: must name at least one method"
