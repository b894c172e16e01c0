"""Route matching over raw bytes."""

from __future__ import annotations

import pytest

from bff.problems import Refused
from bff.proxy.addresses import Origin, Upstream, parse_upstream
from bff.proxy.routes import Route, RouteTable

UPSTREAM = Upstream("/api", (Origin("http", "127.0.0.1", 7000),))
TABLE = RouteTable(
    [
        Route("/api", UPSTREAM),
        Route("/api/files", UPSTREAM, strip_prefix=False, methods=frozenset({"GET"})),
        Route("/other/", UPSTREAM, base_path=b"/v2"),
    ]
)


def found(table: RouteTable, path: bytes) -> Route:
    """Return the route of *path*, which there must be."""
    route = table.find(path)
    assert route is not None
    return route


@pytest.mark.rule("B-29")
@pytest.mark.parametrize(
    ("path", "route"),
    [
        (b"/api", "/api"),
        (b"/api/", "/api"),
        (b"/api/users", "/api"),
        (b"/api/files", "/api/files"),
        (b"/api/files/1", "/api/files"),
        (b"/api/filesystem", "/api"),
        (b"/other", "/other/"),
    ],
)
def test_longest_prefix_on_a_segment_boundary_wins(path: bytes, route: str) -> None:
    """A prefix ends where a segment ends."""
    assert found(TABLE, path).path == route


@pytest.mark.rule("B-29")
@pytest.mark.parametrize(
    "path", [b"/", b"/apis", b"/API/users", b"/%61pi/users", b"/ap", b"/x/api"]
)
@pytest.mark.rule("S-061")
def test_nothing_else_is_proxied(path: bytes) -> None:
    """Another case or another spelling is another path."""
    assert TABLE.find(path) is None


@pytest.mark.parametrize(
    "path",
    [
        b"/bff",
        b"/bff/login",
        b"/livez",
        b"/readyz",
        b"/static/bff/cloakroom.js",
        b"/static/shared/x",
    ],
)
def test_a_route_for_everything_leaves_the_gateway_its_own_addresses(path: bytes) -> None:
    """Without them nobody could sign in."""
    table = RouteTable([Route("/", UPSTREAM)])
    assert table.find(path) is None
    for other in (b"/", b"/x", b"/bffs", b"/static/app.js", b"/livez/x"):
        assert found(table, other).path == "/"


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        (b"/api", b"", b"/"),
        (b"/api/", b"", b"/"),
        (b"/api", b"a=1", b"/?a=1"),
        (b"/api/a%20b/%E4%BD%A0", b"q=%2F", b"/a%20b/%E4%BD%A0?q=%2F"),
        (b"/api/files/x", b"", b"/api/files/x"),
        (b"/other/x", b"", b"/v2/x"),
        (b"/other", b"", b"/v2/"),
    ],
)
@pytest.mark.rule("S-055", "S-061")
def test_target_is_the_judged_bytes(path: bytes, query: bytes, target: bytes) -> None:
    """Only the prefix is cut; no byte after it changes."""
    judged = path + b"?" + query if query else path
    assert found(TABLE, path).target(judged) == target
    assert found(TABLE, path).target(path + b"?") == target.partition(b"?")[0] + b"?"


def test_root_route_covers_everything() -> None:
    """A route at `/` strips nothing away."""
    route = Route("/", UPSTREAM)
    assert route.covers(b"/x/y")
    assert route.target(b"/x/y") == b"/x/y"


@pytest.mark.rule("B-29")
@pytest.mark.parametrize("method", ["POST", "TRACE", "CONNECT", "get", "PROPFIND"])
def test_unlisted_method_is_405_with_allow(method: str) -> None:
    """The answer names what would be right."""
    with pytest.raises(Refused) as refused:
        found(TABLE, b"/api/files").require_operation(method, b"/api/files")
    assert refused.value.problem.status == 405
    assert refused.value.headers == {"Allow": "GET"}


@pytest.mark.rule("S-075")
def test_tunnels_and_echoes_never_pass() -> None:
    """A route that lists CONNECT or TRACE does not get them."""
    route = Route("/api", UPSTREAM, methods=frozenset({"GET", "TRACE", "CONNECT"}))
    for method in ("TRACE", "CONNECT"):
        with pytest.raises(Refused):
            route.require_operation(method, b"/api/files")


@pytest.mark.parametrize(
    ("url", "authority", "base"),
    [
        ("http://127.0.0.1:7000", "127.0.0.1:7000", b""),
        ("https://api.example.com/v1/", "api.example.com", b"/v1"),
        ("https://api.example.com:80", "api.example.com:80", b""),
        ("http://[::1]:7000", "[::1]:7000", b""),
        ("https://[2001:db8::1]", "[2001:db8::1]", b""),
        ("unix:/run/api.sock", "localhost", b""),
    ],
)
def test_upstream_is_read(url: str, authority: str, base: bytes) -> None:
    """Host, port and base path come out as they are sent."""
    origin, path = parse_upstream(url)
    assert (origin.authority, path) == (authority, base)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "http://",
        "/x",
        "http://u:p@x",
        "http://x?a=1",
        "http://x/#y",
        "http://x:99999",
        "unix:x",
        "unix://x/y",
    ],
)
def test_strange_upstream_is_refused(url: str) -> None:
    """What cannot be an origin is a fault in the settings."""
    with pytest.raises(ValueError, match=r".+"):
        parse_upstream(url)
