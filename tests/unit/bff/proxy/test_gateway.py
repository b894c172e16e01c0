"""The proxied call through a real server, a real Valkey and a recording upstream."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.served import ACCESS_TOKEN, COOKIE, Desk, Served, ask, request, route

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.wire import ScriptedUpstream, Wire

    Serve = Callable[..., Served]


@pytest.mark.rule("B-30", "B-32", "S-067", "S-078")
def test_call_carries_the_token_and_nothing_of_the_browsers(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """The upstream sees our token, our ids, the judged target; no cookie, no claim."""
    served = serve()
    reply = ask(
        served,
        request(
            "GET",
            "/api/a%20b?q=%2F",
            "Authorization: Bearer stolen",
            "X-User: root",
            "Accept: application/json",
            ticket=desk.sign_in(),
        ),
    )
    assert (reply.status, reply.body) == (200, b"ok")
    seen = upstream.requests[0]
    assert seen.start == "GET /a%20b?q=%2F HTTP/1.1"
    assert seen.header("host") == f"127.0.0.1:{upstream.port}"
    assert seen.header("authorization") == f"Bearer {ACCESS_TOKEN}"
    assert seen.header("accept") == "application/json"
    assert seen.header("cookie") is None
    assert seen.header("x-user") is None
    assert seen.header("x-forwarded-host") == "app.example.com"
    request_id = reply.header("x-request-id")
    assert request_id
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    assert seen.header("x-request-id") == request_id
    assert request_id in (seen.header("traceparent") or "")
    assert reply.header("cache-control") == "private, no-store"
    assert reply.header("vary") == "Cookie"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n", 403, "csrf_failed"),
        (request("GET", "/api/x", "Origin: https://evil.example"), 403, "csrf_failed"),
        (request("GET", "/api/x", "Sec-Fetch-Site: same-site"), 403, "csrf_failed"),
        (request("GET", "/api/x"), 401, "login_required"),
        (request("GET", "/api/x", f"Cookie: {COOKIE.name}=forged"), 401, "login_required"),
        (request("GET", "/api/x", f"Cookie: {COOKIE.name}={'A' * 43}"), 401, "login_required"),
        (request("OPTIONS", "/api/x"), 405, "method_not_allowed"),
        (request("TRACE", "/api/x"), 405, "method_not_allowed"),
        (request("GET", "/api/../x"), 400, "uri_rejected"),
        (request("GET", "/x/../api/x"), 400, "uri_rejected"),
        (request("GET", "/api//x"), 400, "uri_rejected"),
        (request("POST", "/api/x", "Content-Length: 10485761"), 413, "body_too_large"),
        (request("GET", "/apis"), 404, "route_not_found"),
    ],
)
@pytest.mark.rule("B-33", "S-054", "S-055", "S-075", "S-081")
def test_refusal_is_a_problem_and_the_upstream_hears_nothing(
    serve: Serve, upstream: ScriptedUpstream, sent: bytes, status: int, code: str
) -> None:
    """Each refusal has its code, its request id and nothing storable."""
    reply = ask(serve(), sent)
    problem = json.loads(reply.body)
    assert (reply.status, problem["status"], problem["code"]) == (status, status, code)
    assert reply.header("content-type") == "application/problem+json"
    assert reply.header("cache-control") == "private, no-store"
    assert reply.header("x-request-id") == problem["request_id"]
    assert reply.header("set-cookie") is None
    assert problem.get("login_url") == ("/bff/login" if status == 401 else None)
    assert reply.header("allow") == (
        "DELETE, GET, HEAD, PATCH, POST, PUT" if status == 405 else None
    )
    assert upstream.connections == 0


@pytest.mark.rule("S-036")
def test_two_session_cookies_are_nobody(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """S-036: neither order nor value tells which one was planted."""
    ticket = desk.sign_in()
    planted = f"Cookie: {COOKIE.name}={desk.sign_in().encode()}"
    reply = ask(serve(), request("GET", "/api/x", planted, ticket=ticket))
    assert reply.status == 401
    assert json.loads(reply.body)["login_url"] == "/bff/login"
    assert upstream.connections == 0


def test_session_that_ended_is_dead_at_once(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """No worker remembers a session."""
    served, ticket = serve(), desk.sign_in()
    with served.wire() as wire:
        wire.send(request(ticket=ticket))
        assert wire.message().status == 200
        desk.client.delete(ticket.key)
        wire.send(request(ticket=ticket))
        assert wire.message().status == 401


@pytest.mark.rule("S-043")
def test_foreign_value_under_a_session_is_nobody(serve: Serve, desk: Desk) -> None:
    """S-043: what does not open, or has another type, is dropped without a bug."""
    served, ticket = serve(), desk.sign_in()
    desk.client.hset(ticket.key, "t", b"\x80\x04cposix\nsystem\n")
    assert ask(served, request(ticket=ticket)).status == 401
    desk.client.delete(ticket.key)
    desk.client.set(ticket.key, b"foreign")
    assert ask(served, request(ticket=ticket)).status == 401


@pytest.mark.parametrize(
    ("kind", "signed_in", "authorization"),
    [
        ("none", False, None),
        ("none", True, None),
        ("user-or-none", False, None),
        ("user-or-none", True, f"Bearer {ACCESS_TOKEN}"),
        ("client", True, "Bearer token-of-the-gateway-itself"),
    ],
)
@pytest.mark.rule("B-35", "S-064")
def test_route_says_which_token_goes_along(
    serve: Serve,
    desk: Desk,
    upstream: ScriptedUpstream,
    kind: str,
    signed_in: bool,  # noqa: FBT001
    authorization: str | None,
) -> None:
    """The browser's own Authorization never does."""
    served = serve(route("/other", upstream.url, kind))
    ticket = desk.sign_in() if signed_in else None
    reply = ask(served, request("GET", "/other/x", "Authorization: Basic eA==", ticket=ticket))
    assert reply.status == 200
    assert upstream.requests[0].header("authorization") == authorization


def test_client_token_needs_a_session(serve: Serve, upstream: ScriptedUpstream) -> None:
    """Only `none` and `user-or-none` are open to strangers."""
    served = serve(route("/other", upstream.url, "client"))
    assert ask(served, request("GET", "/other/x")).status == 401


@pytest.mark.rule("B-14", "S-079")
def test_one_line_a_call_and_no_secret_in_it(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Who, what, how long; never a path, a ticket or a token."""
    served, ticket = serve(), desk.sign_in()
    reply = ask(served, request("GET", "/api/people/ada?code=secret", ticket=ticket))
    ask(served, request("GET", "/api/x"))
    served.stop()
    first, second = served.lines()
    assert first["request_id"] == reply.header("x-request-id")
    assert first["sid"] == ticket.fingerprint
    assert {
        name: first[name] for name in ("event", "party", "level", "method", "route", "status")
    } == {
        "event": "http.answered",
        "party": "bff",
        "level": "info",
        "method": "GET",
        "route": "/api",
        "status": 200,
    }
    assert first["upstream_status"] == 200
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first["at"])
    assert (second["status"], second["problem"]) == (401, "login_required")
    written = b"".join(served.log_lines).decode()
    assert not re.search(r"\bada\b", written)  # within a hexadecimal id it is no name
    for secret in ("secret", ticket.encode(), ACCESS_TOKEN):
        assert secret not in written


@pytest.mark.rule("F-38")
def test_upstream_that_is_down_is_502(
    serve: Serve, desk: Desk, free_port: Callable[[], int]
) -> None:
    """F-38: refused is the upstream's, not the session's."""
    served = serve(route("/down", f"http://127.0.0.1:{free_port()}"))
    ticket = desk.sign_in()
    reply = ask(served, request("GET", "/down/x", ticket=ticket))
    assert reply.status == 502
    assert json.loads(reply.body)["code"] == "upstream_unreachable"
    assert reply.header("set-cookie") is None
    assert ask(served, request(ticket=ticket)).status == 200


@pytest.mark.rule("F-38")
def test_upstream_that_is_silent_is_504(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """F-38: within the route's time, to a quarter of a second."""
    upstream.serve = lambda wire: (upstream.take(wire), wire.receive(), None)[2]
    reply = ask(serve(timeout_s=0.3), request(ticket=desk.sign_in()))
    assert reply.status == 504
    assert json.loads(reply.body)["code"] == "upstream_timeout"


@pytest.mark.parametrize(
    "part", ["header", "body", "seam", "later"], ids=lambda part: f"token-in-{part}"
)
@pytest.mark.rule("B-14", "S-077")
def test_reply_with_the_sessions_token_is_blocked(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, part: str
) -> None:
    """Neither a header, nor a body, nor the seam of two pieces lets a token out."""
    token = ("refresh-" + ACCESS_TOKEN).encode()

    def serve_token(wire: Wire) -> None:
        upstream.take(wire)
        match part:
            case "header":
                wire.send(b"HTTP/1.1 200 OK\r\nX: a " + token + b"\r\nContent-Length: 0\r\n\r\n")
            case "body":
                body = b'{"echo": "' + token + b'"}'
                wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            case "seam" | "later":
                half = token[:-9] if part == "seam" else b""
                wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                if half:
                    wire.send(b"%x\r\n" % len(half) + half + b"\r\n")
                else:
                    wire.send(b"3\r\nabc\r\n")
                    go.wait(10)
                rest = token[len(half) :]
                wire.send(b"%x\r\n" % len(rest) + rest + b"\r\n0\r\n\r\n")
        wire.receive()

    go = threading.Event()
    upstream.serve = serve_token
    with serve().wire() as wire:
        wire.send(request("GET", "/api/x", "Connection: close", ticket=desk.sign_in()))
        got = b""
        if part == "later":
            got = wire.until(b"abc")
            go.set()
        with contextlib.suppress(ConnectionResetError):
            got += wire.until(b"}") if part in {"header", "body"} else wire.to_end()
    assert token[-9:] not in got
    assert b"\r\n0\r\n\r\n" not in got
