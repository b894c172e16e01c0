"""Framing conflicts at the socket, each followed by a marked request (S-057, S-069 to S-075).

Whatever a server before or behind us might make of the first request, the marker must never reach
the upstream, and no reply may be taken for another's.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from bff.proxy.edge_rules import EdgeLimits
from tests.support.served import Desk, Served, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.wire import ScriptedUpstream, Wire

    Serve = Callable[..., Served]

HEAD = b"POST /api/x HTTP/1.1\r\nHost: app.example.com\r\nX-CSRF: 1\r\n"
PLAIN = b"GET /api/x HTTP/1.1\r\nHost: app.example.com\r\nX-CSRF: 1\r\n"

REFUSED = {
    # S-069: two readings of where the body ends
    "length and coding": HEAD
    + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    "coding and length": HEAD
    + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two equal lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "list of lengths": HEAD + b"Content-Length: 1, 1\r\n\r\na",
    "signed length": HEAD + b"Content-Length: +1\r\n\r\na",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\na",
    "hexadecimal length": HEAD + b"Content-Length: 0x1\r\n\r\na",
    "empty length": HEAD + b"Content-Length: \r\n\r\na",
    "length with a blank": HEAD + b"Content-Length: 1 1\r\n\r\na",
    "overlong length": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\na",
    "unknown coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "gzip coding": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "coding twice": HEAD
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding list": HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "identity coding": HEAD + b"Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na",
    "empty coding": HEAD + b"Transfer-Encoding: \r\n\r\n0\r\n\r\n",
    "coding with vertical tab": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "coding in old version": HEAD.replace(b"1.1", b"1.0")
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "quoted coding": HEAD + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    # S-070: leniencies of line and chunk syntax
    "bare line feed in head": PLAIN.replace(b"\r\n", b"\n") + b"\n",
    "bare line feed in one line": PLAIN + b"X-A: b\nX-C: d\r\n\r\n",
    "bare carriage return": PLAIN + b"X-A: b\rX-C: d\r\n\r\n",
    "folded line": PLAIN + b"X-A: b\r\n c\r\n\r\n",
    "folded first line": b"GET /api/x HTTP/1.1\r\n X: y\r\nHost: a\r\nX-CSRF: 1\r\n\r\n",
    "space before colon": PLAIN + b"X-A : b\r\n\r\n",
    "space before colon of coding": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "name with blank": PLAIN + b"X A: b\r\n\r\n",
    "empty name": PLAIN + b": b\r\n\r\n",
    "no colon": PLAIN + b"X-A\r\n\r\n",
    "null in value": PLAIN + b"X-A: b\x00c\r\n\r\n",
    "null in name": PLAIN + b"X\x00A: b\r\n\r\n",
    "chunk extension with line feed": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n2;a\nxx\r\n0\r\n\r\n",
    "chunk extension ends bare": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;\n\nxx\r\n0\r\n\r\n",
    "chunk size with sign": HEAD + b"Transfer-Encoding: chunked\r\n\r\n+2\r\nxx\r\n0\r\n\r\n",
    "chunk size with prefix": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nxx\r\n0\r\n\r\n",
    "chunk size with blank": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2 \r\nxx\r\n0\r\n\r\n",
    "chunk size overflow": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\nxx\r\n0\r\n\r\n",
    "chunk without its end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nxxx\r\n0\r\n\r\n",
    "chunk ends bare": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nxx\n0\r\n\r\n",
    "chunk size ends bare": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\nxx\r\n0\r\n\r\n",
    # S-071: whose request is it
    "no host": b"GET /api/x HTTP/1.1\r\nX-CSRF: 1\r\n\r\n",
    "two hosts": PLAIN + b"Host: evil.example\r\n\r\n",
    "two equal hosts": PLAIN + b"Host: app.example.com\r\n\r\n",
    "list of hosts": PLAIN.replace(b"app.example.com", b"a.example, b.example") + b"\r\n",
    "host with path": PLAIN.replace(b"app.example.com", b"a.example/b") + b"\r\n",
    "host with user": PLAIN.replace(b"app.example.com", b"a@b.example") + b"\r\n",
    "empty host": PLAIN.replace(b"app.example.com", b"") + b"\r\n",
    # S-057: forms of the target
    "absolute form": PLAIN.replace(b"/api/x", b"http://evil.example/api/x") + b"\r\n",
    "absolute form of ours": PLAIN.replace(b"/api/x", b"http://app.example.com/api/x") + b"\r\n",
    "authority form": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
    "connect a path": b"CONNECT /api/x HTTP/1.1\r\nHost: a\r\nX-CSRF: 1\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: a\r\nX-CSRF: 1\r\n\r\n",
    "fragment": PLAIN.replace(b"/api/x", b"/api/x#y") + b"\r\n",
    "target with blank": PLAIN.replace(b"/api/x", b"/api/x y") + b"\r\n",
    "target not ascii": PLAIN.replace(b"/api/x", b"/api/\xc3\xa9") + b"\r\n",
    "target with null": PLAIN.replace(b"/api/x", b"/api/\x00") + b"\r\n",
    # S-075, and versions
    "h2c": PLAIN
    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n",
    "websocket with body": HEAD.replace(b"POST", b"GET")
    + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nab",
    "websocket by post": HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "websocket or h2c": PLAIN + b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
    "h2c with body": HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab",
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http/2 in words": PLAIN.replace(b"1.1", b"2.0") + b"\r\n",
    "http/1.2": PLAIN.replace(b"1.1", b"1.2") + b"\r\n",
    "http/0.9": b"GET /api/x\r\n\r\n",
    "unknown method": PLAIN.replace(b"GET", b"get") + b"\r\n",
    "tls hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    # S-074
    "long target": PLAIN.replace(b"/api/x", b"/api/" + b"x" * 9000) + b"\r\n",
    "very long target": PLAIN.replace(b"/api/x", b"/api/" + b"x" * 200_000) + b"\r\n",
    "long header": PLAIN + b"X-A: " + b"a" * 40_000 + b"\r\n\r\n",
    "endless header": PLAIN + b"X-A: " + b"a" * 300_000,
    "many headers": PLAIN + b"X-A: b\r\n" * 120 + b"\r\n",
}


def marked(desk: Desk) -> bytes:
    """Return the follow-up: a request that would pass, and that nobody may see."""
    return request("GET", "/api/marker", ticket=desk.sign_in())


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.rule("S-057", "S-069", "S-070", "S-071", "S-073", "S-074", "S-075")
def test_conflict_is_refused_and_the_marker_never_arrives(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, case: str
) -> None:
    """4xx or 5xx of the edge's own, then the connection ends; the upstream hears nothing."""
    ticket = desk.sign_in()
    cookie = f"Cookie: __Host-Http-session={ticket.encode()}\r\n".encode()
    attack = REFUSED[case]
    if attack.startswith((b"GET", b"POST")) and b"X-CSRF: 1\r\n" in attack:
        # With a session that would pass: only the framing stands in the way.
        attack = attack.replace(b"X-CSRF: 1\r\n", b"X-CSRF: 1\r\n" + cookie, 1)
    with serve().wire() as wire:
        got = talk(wire, attack + marked(desk))
    assert got.startswith((b"HTTP/1.1 4", b"HTTP/1.1 50")), got[:80]
    assert got.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in got.lower()
    assert [seen.target for seen in upstream.requests] == []


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("length and coding", 400),
        ("gzip coding", 501),
        ("absolute form", 400),
        ("h2c", 501),
        ("long target", 414),
        ("very long target", 414),
        ("long header", 431),
        ("many headers", 431),
        ("http/2 in words", 505),
    ],
)
@pytest.mark.rule("S-069", "S-071")
def test_conflict_is_called_by_its_name(serve: Serve, case: str, status: int) -> None:
    """The answer is a problem with a request id."""
    with serve().wire() as wire:
        got = talk(wire, REFUSED[case])
    assert got.startswith(b"HTTP/1.1 %d " % status), got[:80]
    assert b"x-request-id: " in got
    assert b"application/problem+json" in got


@pytest.mark.rule("S-051")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.com"])
def test_websocket_handshake_is_refused_like_any_unmarked_call(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, origin: str
) -> None:
    """S-051: a page cannot mark a handshake, so no page reaches an upstream by one."""
    handshake = request(
        "GET",
        "/api/x",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Origin: {origin}",
        ticket=desk.sign_in(),
    ).replace(b"X-CSRF: 1\r\n", b"")
    with serve().wire() as wire:
        got = talk(wire, handshake + marked(desk))
    assert got.startswith(b"HTTP/1.1 403 ")
    assert got.count(b"HTTP/1.1 ") == 1
    assert upstream.connections == 0


@pytest.mark.rule("S-073")
def test_body_after_an_early_refusal_is_no_request(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """What follows a refused head is its body, however much it looks like a request."""
    served, hidden = serve(), marked(desk)
    for head in (
        b"POST /api/x HTTP/1.1\r\nHost: a\r\n",  # no X-CSRF: 403
        HEAD,  # no session: 401
        HEAD.replace(b"/api/x", b"/api/../x"),
    ):
        with served.wire() as wire:
            got = talk(wire, head + b"Content-Length: %d\r\n\r\n" % (len(hidden) + 10) + hidden)
        assert got.count(b"HTTP/1.1 ") == 1
        with served.wire() as wire:
            wire.send(head + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden)
            got = talk(wire, request("GET", "/last", "Connection: close"))
        assert got.count(b"HTTP/1.1 ") == 2
        assert b"HTTP/1.1 404" in got
    assert upstream.requests == []


@pytest.mark.rule("S-073")
def test_pipelined_replies_keep_their_order(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """S-073: each of several requests in one packet gets its own reply, in order."""

    def echo(wire: Wire) -> None:
        while True:
            seen = upstream.take(wire)
            body = seen.target.encode() + seen.body
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    upstream.serve = echo
    ticket = desk.sign_in()
    with serve().wire() as wire:
        wire.send(
            b"".join(
                request("POST" if n % 3 else "GET", f"/api/{n}", ticket=ticket, body=b"b" * (n % 3))
                for n in range(20)
            )
            + request("GET", "/nowhere")
            + request("GET", "/api/last", ticket=ticket)
        )
        bodies = [wire.message().body for _ in range(20)]
        assert bodies == [b"/%d" % n + b"b" * (n % 3) for n in range(20)]
        assert wire.message().status == 404
        assert wire.message().body == b"/last"


@pytest.mark.rule("S-073")
def test_fault_behind_a_good_request_comes_after_its_reply(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """The reply that is owed arrives; nothing after the fault is read."""
    with serve().wire() as wire:
        got = talk(
            wire, request(ticket=desk.sign_in()) + REFUSED["length and coding"] + marked(desk)
        )
    assert got.startswith(b"HTTP/1.1 200 OK")
    assert got.endswith(b"ok")
    assert [seen.target for seen in upstream.requests] == ["/x"]


@pytest.mark.rule("S-070")
def test_fault_within_a_body_ends_the_call(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """A chunk that breaks the grammar: the upstream's request never looks complete."""
    seen: list[bytes] = []

    def listen(wire: Wire) -> None:
        with contextlib.suppress(OSError):
            seen.append(wire.to_end())

    upstream.serve = listen
    served = serve()
    with served.wire() as wire:
        wire.send(request("POST", "/api/x", "Transfer-Encoding: chunked", ticket=desk.sign_in()))
        wire.send(b"3\r\nabc\r\n")
        got = talk(wire, b"zz\r\n" + marked(desk))
    assert got.startswith(b"HTTP/1.1 400")
    served.stop()
    assert not any(b"0\r\n\r\n" in data or b"marker" in data for data in seen)


@pytest.mark.rule("S-074", "S-119")
@pytest.mark.parametrize("begun", [b"0\r\nX-Trailer: ", b"3;"], ids=["trailer", "chunk extension"])
def test_what_is_dropped_in_the_end_is_bounded_until_then(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, begun: bytes
) -> None:
    """Neither trailers nor a chunk's head may fill memory, as a request's own head may not."""

    def listen(wire: Wire) -> None:
        with contextlib.suppress(OSError):
            wire.to_end()

    upstream.serve = listen
    with serve(limits=EdgeLimits(stall_s=60)).wire() as wire:
        wire.send(request("POST", "/api/x", "Transfer-Encoding: chunked", ticket=desk.sign_in()))
        wire.send(b"3\r\nabc\r\n")
        wire.send(begun + b"x" * 120_000)
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 431")


LIMITS = EdgeLimits(first_byte_s=1, head_s=1, stall_s=1, linger_s=1)
STALL_LIMITS = EdgeLimits(stall_s=1, linger_s=1)


@pytest.mark.rule("S-118")
@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /api/x HTT", PLAIN + b"X-Slow: ", b"\r\n"],
    ids=["nothing", "start line", "header", "blank lines"],
)
@pytest.mark.rule("S-118")
def test_slow_head_is_cut(serve: Serve, sent: bytes) -> None:
    """S-118: who does not finish a head in time is not waited for."""
    with serve(limits=LIMITS).wire() as wire:
        wire.send(sent)
        assert talk(wire, b"") == b""


@pytest.mark.rule("S-118")
def test_slow_body_is_cut(serve: Serve, desk: Desk, upstream: ScriptedUpstream) -> None:
    """S-118: a body that stands still frees the connection and the upstream."""
    with serve(limits=STALL_LIMITS).wire() as wire:
        wire.send(request("POST", "/api/x", "Content-Length: 10", ticket=desk.sign_in()) + b"abc")
        assert talk(wire, b"") == b""


@pytest.mark.rule("S-118")
def test_slow_reader_is_cut(serve: Serve, desk: Desk, upstream: ScriptedUpstream) -> None:
    """S-118: who takes nothing of a reply does not hold its upstream."""
    cut: list[bool] = []

    def flood(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                wire.send(b"x" * 65536)
        except OSError:
            cut.append(True)

    upstream.serve = flood
    served = serve(limits=STALL_LIMITS)
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"\r\n\r\n")
        while not cut:
            wire.sock.getpeername()
    served.stop()


@pytest.mark.rule("S-118")
def test_patient_stream_is_not_cut(serve: Serve, desk: Desk, upstream: ScriptedUpstream) -> None:
    """A quiet event stream is slow by nature; its browser does its part by listening."""

    def two_events(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\n\r\nfirst")
        wire.sock.settimeout(2.5)
        with contextlib.suppress(TimeoutError):
            wire.receive()
        wire.send(b"second")

    upstream.serve = two_events
    with serve(limits=STALL_LIMITS).wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"first")
        wire.until(b"second")


def talk(wire: Wire, data: bytes) -> bytes:
    """Send *data* and return everything up to the connection's end, reset or not."""
    got = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        wire.send(data)
    with contextlib.suppress(ConnectionResetError):
        while piece := wire.receive():
            got += piece
    return got
