"""Debian's nginx with the configuration that `bff edge nginx` prints, before a real gateway."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.support import needs, parties
from tests.support.browser import exchange
from tests.support.ports import free_port
from tests.support.programs import Program, listens
from tests.support.served import ACCESS_TOKEN, Desk
from tests.support.stores import Store, started, valkey_binary
from tests.support.wire import Message, ScriptedUpstream, Wire, connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.browser import Response

WRAP = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp;
  fastcgi_temp_path {folder}/temp; uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
  include {folder}/edge.conf;
}}
"""
PROVIDER = {"name": "sso", "issuer": "http://127.0.0.1:9", "client_id": "c", "client_secret": "s"}


class Edge:
    """nginx in front of a gateway and its upstream; one person is signed in."""

    def __init__(self, folder: Path, store: Store, upstream: ScriptedUpstream) -> None:
        self.store, self.upstream, self.port = store, upstream, free_port()
        self.url = f"http://localhost:{self.port}"
        self.bff = parties.bff(
            folder / "bff",
            redis_url=store.url,
            providers=[PROVIDER],
            routes=[
                {"path": "/api", "upstream": f"{upstream.url}/base", "websocket": True},
                {"path": "/open", "upstream": upstream.url, "token": "none"},
                {
                    "path": "/few",
                    "upstream": upstream.url,
                    "concurrent_requests": 1,
                    "rate_limits": [{"by": "session", "requests": 3, "per_s": 600}],
                },
            ],
            public_url=self.url,
            secret_keys=["k" * 32],
            trusted_proxies=["127.0.0.1/32"],
        )
        self.ticket = Desk(store.url).sign_in()
        (folder / "temp").mkdir()
        (folder / "edge.conf").write_text(self.bff.command("edge", "nginx"), "utf-8")
        (folder / "nginx.conf").write_text(WRAP.format(folder=folder), "utf-8")
        binary = needs.program("nginx", package="nginx")
        command = [binary, "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.err")]
        self.nginx = Program("nginx", command, folder / "nginx.log")

    def start(self) -> None:
        """Start both."""
        self.bff.start("/livez")
        self.nginx.start()
        self.nginx.wait_until(lambda: listens(self.port))

    def ask(
        self, path: str = "/api/thing", *more: tuple[str, str], method: str = "GET"
    ) -> Response:
        """Call as our own page does, signed in."""
        own = [("X-CSRF", "1"), ("Sec-Fetch-Site", "same-origin"), self.cookie]
        return exchange(self.url + path, method, [*own, *more])

    @property
    def cookie(self) -> tuple[str, str]:
        """The header line that a browser sends."""
        return ("Cookie", f"theme=dark; session={self.ticket.encode()}")


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """What nginx proxies to."""
    server = ScriptedUpstream()
    yield server
    server.close()


@pytest.fixture
def edge(tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[Edge]:
    """A whole edge, with a store of its own that may be killed."""
    with (
        started(Store(valkey_binary(), tmp_path / "store", durable=True)) as store,
        contextlib.ExitStack() as stack,
    ):
        made = Edge(tmp_path, store, upstream)
        stack.callback(made.nginx.stop)
        stack.callback(made.bff.program.stop)
        made.start()
        yield made


def problem(answer: Response) -> tuple[int, str]:
    """Return status and code; the body must be a problem document of that status."""
    assert answer.header("Content-Type") == "application/problem+json", answer.text
    assert ACCESS_TOKEN not in answer.text + str(answer.headers)
    return answer.status, answer.json()["code"]


def last(edge: Edge) -> Message:
    """Return what reached the upstream last."""
    return edge.upstream.requests[-1]


def test_allowed_calls_carry_the_token_and_never_the_cookie(edge: Edge) -> None:
    """The judged bytes go upstream, with the bearer, without what the client claims to be."""
    claims = [
        *(("Authorization", "Bearer forged"), ("X-Auth-Subject", "root")),
        *(("X-Auth-Session", "forged"), ("X-User", "root"), ("X-Original-URI", "/open/x")),
        *(("X-Original-Method", "GET"), ("X-Forwarded-Uri", "/open/x"), ("X_User", "root")),
    ]
    answer = edge.ask("/api/a%20b;v=1?q=%2F&z", *claims, method="POST")
    assert (answer.status, answer.text) == (200, "ok")
    got = last(edge)
    assert got.start == "POST /base/a%20b;v=1?q=%2F&z HTTP/1.1"
    assert got.header("authorization") == f"Bearer {ACCESS_TOKEN}"
    assert got.header("x-auth-subject") == "ada"
    assert got.header("x-auth-session") == edge.ticket.public_id
    assert got.header("host") == f"127.0.0.1:{edge.upstream.port}"
    assert not {"cookie", "x-user", "x_user", "x-original-uri"} & {name for name, _ in got.headers}
    assert b"forged" not in got.head
    assert b"root" not in got.head
    assert ACCESS_TOKEN not in str(answer.headers)
    assert edge.ask("/api").status == 200
    assert last(edge).target == "/base/"
    assert edge.ask("/api?x=1").status == 200
    assert last(edge).target == "/base/?x=1"
    assert ACCESS_TOKEN not in edge.bff.program.log() + edge.nginx.log()


@pytest.mark.rule("F-48")
def test_refusals_stay_what_they_are(edge: Edge) -> None:
    """401 and 403 with their problems; nothing that is not judged clean reaches the upstream."""
    anonymous = exchange(f"{edge.url}/api/x", "GET", {"X-CSRF": "1"})
    assert problem(anonymous) == (401, "login_required")
    assert anonymous.json()["login_url"] == "/bff/login"
    assert anonymous.header("Retry-After") is None
    health = {"X-CSRF": "1", "User-Agent": "kube-probe/1.31", "X-Original-URI": "/open/x"}
    assert problem(exchange(f"{edge.url}/api/healthz", "GET", health)) == (401, "login_required")
    foreign = [edge.cookie, ("X-CSRF", "1"), ("Sec-Fetch-Site", "cross-site")]
    assert problem(exchange(f"{edge.url}/api/x", "GET", foreign)) == (403, "csrf_failed")
    assert problem(exchange(f"{edge.url}/api/x", "GET", [edge.cookie])) == (403, "csrf_failed")
    assert problem(edge.ask("/api/../api/x")) == (403, "uri_rejected")
    assert problem(edge.ask("/%61pi/x")) == (400, "uri_rejected")
    assert problem(edge.ask("/api/x", method="PROPFIND")) == (403, "method_not_allowed")
    assert edge.upstream.requests == []


def test_pages_and_sockets_of_our_own_pass(edge: Edge) -> None:
    """A visit carries no X-CSRF, nor does a socket; browsers mark both where no script can."""
    visit = [edge.cookie, ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "none")]
    assert exchange(f"{edge.url}/api/page", "GET", visit).status == 200
    assert exchange(f"{edge.url}/api/page", "POST", visit).status == 403
    shake = [edge.cookie, ("Connection", "Upgrade"), ("Upgrade", "websocket")]
    foreign = [*shake, ("Origin", "https://evil.example")]
    assert exchange(f"{edge.url}/api/socket", "GET", foreign).status == 403
    assert exchange(f"{edge.url}/api/socket", "GET", [*shake, ("Origin", edge.url)]).status == 200
    assert last(edge).header("upgrade") == "websocket"


@pytest.mark.rule("S-059")
def test_no_browser_asks_through_nginx(edge: Edge) -> None:
    """The answer holds a token: only nginx itself gets one, whatever a browser writes."""
    told = [("X-Original-Method", "GET"), ("X-Original-URI", "/api/x")]
    for path in ("/bff/forward-auth", "/bff/%66orward-auth", "/bff/forward-auth/api/x"):
        assert problem(edge.ask(path, *told)) == (403, "origin_denied")
    for path in ("/.cloakroom/main", "/bff/x/../forward-auth", "/bff/forward-auth/../x"):
        answer = edge.ask(path, *told)
        assert answer.status >= 400
        assert ACCESS_TOKEN not in answer.text + str(answer.headers)
    assert exchange(f"{edge.url}/bff/user", "GET", {"X-CSRF": "1"}).status == 401


def test_store_away_is_503_and_nobody_is_signed_out(edge: Edge) -> None:
    """The gateway's 503 reaches the browser with its Retry-After, and no cookie is taken."""
    edge.store.program.kill()
    answer = edge.ask()
    assert problem(answer) == (503, "store_unavailable")
    assert int(answer.header("Retry-After") or "") > 0
    assert answer.header_lines("Set-Cookie") == []
    assert edge.upstream.requests == []
    edge.store.start()
    assert edge.ask().status == 200


@pytest.mark.rule("F-48")
def test_gateway_away_never_opens(edge: Edge) -> None:
    """F-48: nobody answers: 503 with Retry-After on every route, the open one too."""
    edge.bff.program.stop()
    for path in ("/api/x", "/open/x", "/bff/user"):
        answer = edge.ask(path)
        assert problem(answer) == (503, "gateway_unavailable")
        assert answer.header("Retry-After") == "2"
    assert edge.upstream.requests == []


def test_rates_hold_for_calls_that_nginx_carries(edge: Edge) -> None:
    """Quotas are told with every answer; beyond one it is 429, as without nginx."""
    passed = [edge.ask("/few/x") for _ in range(3)]
    assert [answer.status for answer in passed] == [200] * 3
    assert (passed[2].header("RateLimit") or "").startswith('"session";r=0;t=')
    assert passed[2].header("RateLimit-Policy") == '"session";q=3;w=600'
    refused = edge.ask("/few/x")
    assert problem(refused) == (429, "too_many_requests")
    assert int(refused.header("Retry-After") or "") > 100
    assert (refused.header("RateLimit") or "").startswith('"session";r=0;t=')
    assert len(edge.upstream.requests) == 3
    assert edge.ask("/api/x").header("RateLimit") is None


@contextlib.contextmanager
def held(path: str, edge: Edge) -> Iterator[Wire]:
    """Ask for *path*, whose reply begins with `first` and has no end until the browser leaves."""

    def serve(wire: Wire) -> None:
        edge.upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        edge.upstream.take(wire)  # until the browser leaves

    edge.upstream.serve = serve
    name, value = edge.cookie
    with connect(edge.port) as wire:
        head = f"GET {path} HTTP/1.1\r\nHost: localhost:{edge.port}\r\nX-CSRF: 1\r\n"
        wire.send(f"{head}{name}: {value}\r\n\r\n".encode())
        yield wire


def test_calls_under_way_are_bounded_by_nginx_itself(edge: Edge) -> None:
    """One more than `concurrent_requests` is 503 with Retry-After, and never reaches upstream."""
    with held("/few/x", edge) as wire:
        wire.until(b"first")
        busy = edge.ask("/few/y")
    assert problem(busy) == (503, "route_busy")
    assert busy.header("Retry-After") == "2"
    assert len(edge.upstream.requests) == 1


def test_errors_of_the_upstream_are_its_own(edge: Edge) -> None:
    """The mapping is for the question alone: a 500 or 401 of the upstream passes as it came."""

    def serve(wire: Wire) -> None:
        for status in (b"500 No", b"401 No"):
            edge.upstream.take(wire)
            wire.send(b"HTTP/1.1 %b\r\nSet-Cookie: a=b\r\nContent-Length: 4\r\n\r\nmine" % status)

    edge.upstream.serve = serve
    for status in (500, 401):
        answer = edge.ask()
        assert (answer.status, answer.text) == (status, "mine")
        assert answer.header_lines("Set-Cookie") == []


def test_streams_are_not_buffered(edge: Edge) -> None:
    """The first event is at the browser while the upstream still holds the second back."""
    with held("/api/events", edge) as wire:
        assert b" 200 " in wire.until(b"\r\n\r\n")
        assert wire.until(b"first").endswith(b"first")
