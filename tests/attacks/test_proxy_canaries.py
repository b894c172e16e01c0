"""What an attacker writes into a call never chooses where it goes or what it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.served import ACCESS_TOKEN, COOKIE, Desk, Served, ask, request, route
from tests.support.wire import ScriptedUpstream, replies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve = Callable[..., Served]


@pytest.fixture
def canary() -> Iterator[ScriptedUpstream]:
    """A server that no route names."""
    server = ScriptedUpstream()
    yield server
    server.close()


@pytest.mark.rule("S-061")
@pytest.mark.parametrize("strip_prefix", [True, False])
@pytest.mark.parametrize(
    "target",
    [
        "/api/@{canary}",
        "/api@{canary}/x",
        "/api/:80@{canary}/",
        "//{canary}/api/x",
        "/api//{canary}/x",
        "/api/\\{canary}/x",
        "/\\{canary}/api",
        "/api/http://{canary}/x",
        "/api/http:/{canary}/x",
        "/api/x?url=http://{canary}/",
        "/api/%40{canary}",
        "/api/x%0d%0aHost:%20{canary}",
        "/api/;@{canary}",
        "/api/.{canary}",
        "http://{canary}/api/x",
    ],
)
def test_no_path_leads_elsewhere(
    serve: Serve,
    desk: Desk,
    upstream: ScriptedUpstream,
    canary: ScriptedUpstream,
    target: str,
    *,
    strip_prefix: bool,
) -> None:
    """Refused, or sent to the route's upstream under the route's name; nobody else hears of it."""
    served = serve(strip_prefix=strip_prefix)
    sent = request("GET", target.format(canary=f"127.0.0.1:{canary.port}"), ticket=desk.sign_in())
    status = ask(served, sent).status
    assert status in {200, 400, 404}
    assert canary.connections == 0
    for seen in upstream.requests:
        assert seen.header("host") == f"127.0.0.1:{upstream.port}"
        assert seen.target.startswith("/")
        assert not seen.target.startswith("//")


@pytest.mark.rule("S-063", "S-064", "S-065", "S-066", "S-067")
@pytest.mark.parametrize("token", ["none", "user", "user-or-none", "client"])
def test_no_header_of_the_browsers_is_taken_for_ours(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, token: str
) -> None:
    """Whatever `Connection` names and however it is spelled, on every kind of route."""
    served = serve(route("/r", upstream.url, token))
    lies = [
        *("Authorization: Bearer evil", "X-User: evil", "X_Forwarded_User: evil"),
        *("X-Access-Token: evil", "Forwarded: for=evil", "X-Forwarded-For: evil"),
        *("rEMOTE-uSER: evil", "X-Forwarded-Prefix: /evil", "X-HTTP-Method-Override: evil"),
    ]
    named = "Connection: authorization, x-request-id, forwarded, x-forwarded-for, cookie, close"
    ticket = desk.sign_in()
    assert ask(served, request("GET", "/r/x", *lies, named, ticket=ticket)).status == 200
    seen = upstream.requests[0]
    assert b"evil" not in seen.head
    assert COOKIE.name.encode() not in seen.head
    assert (seen.header("authorization") is None) == (token == "none")
    for ours in ("x-request-id", "forwarded", "x-forwarded-for", "traceparent"):
        assert seen.header(ours)


@pytest.mark.rule("S-076")
@pytest.mark.parametrize(
    ("line", "status"),
    [
        (f"Set-Cookie: {COOKIE.name}=evil; Path=/", 200),
        ("Clear-Site-Data: *", 200),
        ("Access-Control-Allow-Origin: https://evil.example", 200),
        ("X-Split: a\rSet-Cookie: b=c", 502),
        ("X-Split: a\nSet-Cookie: b=c", 502),
        ("X-Null: a\x00b", 502),
    ],
)
def test_no_upstream_acts_on_our_origin(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, line: str, status: int
) -> None:
    """Stripped, or 502 where the line could be read as two."""
    replies(upstream, f"HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 0\r\n\r\n".encode())
    got = ask(serve(), request(ticket=desk.sign_in()))
    assert got.status == status
    for name in ("set-cookie", "clear-site-data", "access-control-allow-origin"):
        assert got.header(name) is None


@pytest.mark.rule("S-077")
@pytest.mark.parametrize("name", ["X-Echo", "Location", "WWW-Authenticate", "Link"])
def test_reflected_bearer_never_reaches_the_browser(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, name: str
) -> None:
    """In no header, whatever its meaning."""
    replies(
        upstream,
        f"HTTP/1.1 302 Found\r\n{name}: x{ACCESS_TOKEN}\r\nContent-Length: 0\r\n\r\n".encode(),
    )
    got = ask(serve(), request(ticket=desk.sign_in()))
    assert got.status == 502
    assert ACCESS_TOKEN.encode() not in got.head + got.body


@pytest.mark.rule("S-078")
@pytest.mark.parametrize(
    "target", ["/api/me;x.css", "/api/me/x.js", "/api/me.png", "/api/me?a.css"]
)
def test_path_that_looks_static_is_as_private(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, target: str
) -> None:
    """Cache deception: what a proxied reply says of caches does not depend on its name."""
    replies(
        upstream,
        b"HTTP/1.1 200 OK\r\nCache-Control: public, max-age=9\r\nContent-Length: 0\r\n\r\n",
    )
    got = ask(serve(), request("GET", target, ticket=desk.sign_in()))
    assert got.status == 200
    assert got.header("cache-control") == "private, no-store"
    assert "cookie" in (got.header("vary") or "").lower()
