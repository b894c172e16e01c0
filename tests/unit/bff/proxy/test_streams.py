"""Bodies both ways, and every way in which one of them can end."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from typing import TYPE_CHECKING

import pytest

from bff.proxy.exchange import TimeLimits
from tests.support.served import Desk, Served, ask, request
from tests.support.wire import OK, ScriptedUpstream, Wire, replies

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve = Callable[..., Served]


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, b""),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil close", 200, b"until close"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", 200, b"old"),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
            200,
            b"ok",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 9\r\n\r\n", 304, b""),
        (b"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, b""),
        (b"HTTP/1.1 299 Odd\r\nContent-Length: 1\r\n\r\nx", 299, b"x"),
    ],
)
def test_every_framing_of_a_reply_arrives(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, reply: bytes, status: int, body: bytes
) -> None:
    """Content-Length, chunked, until close, none; interim replies are left out."""
    replies(upstream, reply)
    got = ask(serve(), request(ticket=desk.sign_in()))
    assert (got.status, got.body) == (status, body)
    assert got.header("link") is None


@pytest.mark.parametrize(
    "reply",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \x00\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX Y: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 300 + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
)
@pytest.mark.rule("S-076")
def test_unusable_reply_is_502(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, reply: bytes
) -> None:
    """S-076: what cannot be read in one way is never passed on."""
    replies(upstream, reply)
    got = ask(serve(), request(ticket=desk.sign_in()))
    assert got.status == 502
    assert json.loads(got.body)["code"] == (
        "upstream_bad_reply" if reply else "upstream_unreachable"
    )
    assert got.header("set-cookie") is None


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 10\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"],
    ids=["length", "chunked"],
)
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
@pytest.mark.rule("F-39")
def test_reply_that_breaks_off_never_ends_cleanly(
    serve: Serve,
    desk: Desk,
    upstream: ScriptedUpstream,
    head: bytes,
    reset: bool,  # noqa: FBT001
) -> None:
    """F-39: the browser sees an abort, whichever way the upstream went."""
    seen = threading.Event()

    def break_off(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\n" + head)
        seen.wait(10)
        if reset:
            wire.reset()

    upstream.serve = break_off
    served = serve()
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"abc")
        seen.set()
        rest = b""
        with contextlib.suppress(ConnectionResetError):
            rest = wire.to_end()
    assert b"0\r\n\r\n" not in rest
    served.stop()
    assert served.lines()[0]["problem"] == "reply_aborted"
    assert served.lines()[0]["level"] == "warning"


@pytest.mark.rule("F-39")
def test_until_close_reply_that_is_reset_never_ends_cleanly(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """F-39: only a proper close is the end of such a body."""
    seen = threading.Event()

    def break_off(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
        seen.wait(10)
        wire.reset()

    upstream.serve = break_off
    with serve().wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"abc")
        seen.set()
        with contextlib.suppress(ConnectionResetError):
            assert b"0\r\n\r\n" not in wire.to_end()


def test_first_bytes_come_at_once(serve: Serve, desk: Desk, upstream: ScriptedUpstream) -> None:
    """Each piece of a stream is relayed before the next one exists."""
    steps = [threading.Event() for _ in range(3)]

    def drip(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number, step in enumerate(steps):
            step.wait(10)
            wire.send(b"data: %d\n\n" % number)

    upstream.serve = drip
    with serve().wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"\r\n\r\n")
        for number, step in enumerate(steps):
            step.set()
            wire.until(b"data: %d\n\n" % number)
        wire.until(b"0\r\n\r\n")


@pytest.mark.parametrize("kind", ["text/event-stream", "text/plain"])
def test_only_an_event_stream_may_be_quiet(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, kind: str
) -> None:
    """Silence ends a body, but events come when they come; `Last-Event-ID` is relayed."""

    def pause(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode() + b"data: 1\n\n")
        wire.sock.settimeout(1.2)
        with contextlib.suppress(TimeoutError):
            wire.receive()
        with contextlib.suppress(OSError):
            wire.send(b"data: 2\n\n")

    upstream.serve = pause
    with serve(times=TimeLimits(60, 60, 0.3)).wire() as wire:
        wire.send(request("GET", "/api/x", "Last-Event-ID: 7", ticket=desk.sign_in()))
        wire.until(b"data: 1\n\n")
        rest = wire.until(b"0\r\n\r\n") if kind == "text/event-stream" else wire.to_end()
        assert (b"data: 2" in rest) is (kind == "text/event-stream")
    assert upstream.requests[0].header("last-event-id") == "7"


def test_head_replies_keep_their_length_and_the_connection(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """A HEAD's reply has no body whatever it says; the next reply is not taken for it."""
    ticket = desk.sign_in()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    replies(upstream, head, head + b"hello", head)
    with serve().wire() as wire:
        for method in ("HEAD", "GET", "HEAD"):
            wire.send(request(method, ticket=ticket))
            got = wire.message(is_reply_to_head=method == "HEAD")
            assert got.header("content-length") == "5"
            assert got.body == (b"hello" if method == "GET" else b"")
    assert upstream.connections == 1


def test_kept_connection_is_used_again(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Ten calls, one connection; after the upstream's `close`, another."""
    served, ticket = serve(), desk.sign_in()
    for _ in range(10):
        assert ask(served, request(ticket=ticket)).status == 200
    assert upstream.connections == 1
    replies(upstream, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.rule("B-31", "S-062")
def test_redirect_is_relayed_and_never_followed(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """S-062: the token goes nowhere that no route names."""
    location = f"http://127.0.0.1:{upstream.port}/elsewhere"
    replies(
        upstream,
        f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode(),
    )
    got = ask(serve(), request(ticket=desk.sign_in()))
    assert (got.status, got.header("location")) == (302, location)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.rule("F-40")
def test_large_bodies_pass_unchanged_both_ways(
    serve: Serve,
    desk: Desk,
    upstream: ScriptedUpstream,
    chunked: bool,  # noqa: FBT001
) -> None:
    """Five megabytes up, the same five down, by length and by chunks."""
    body = bytes(range(256)) * 4096 * 5

    def echo(wire: Wire) -> None:
        got = upstream.take(wire).body
        if chunked:
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(got), 70_000):
                piece = got[start : start + 70_000]
                wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            wire.send(b"0\r\nX-Trailer: dropped\r\nAuthorization: dropped\r\n\r\n")
        else:
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(got), got))

    upstream.serve = echo
    with serve().wire() as wire:
        if chunked:
            wire.send(request("PUT", "/api/x", "Transfer-Encoding: chunked", ticket=desk.sign_in()))
            for start in range(0, len(body), 50_000):
                piece = body[start : start + 50_000]
                wire.send(b"%x;extension\r\n%b\r\n" % (len(piece), piece))
            wire.send(b"0\r\nAuthorization: Bearer evil\r\nX-User: root\r\n\r\n")
        else:
            wire.send(request("PUT", ticket=desk.sign_in(), body=body))
        got = wire.message()
    assert got.body == body
    sent = upstream.requests[0]
    assert sent.body == body
    assert sent.header("transfer-encoding") == ("chunked" if chunked else None)
    assert sent.header("content-length") == (None if chunked else str(len(body)))


@pytest.mark.rule("S-072")
def test_trailers_never_become_headers_of_the_next_request(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """S-072: neither of this request nor of the next on the same connection."""
    ticket = desk.sign_in()
    with serve().wire() as wire:
        for _ in range(2):
            wire.send(request("POST", "/api/x", "Transfer-Encoding: chunked", ticket=ticket))
            wire.send(b"2\r\nhi\r\n0\r\nX-Evil: 1\r\n\r\n")
            assert wire.message().status == 200
        wire.send(request(ticket=ticket))
        assert wire.message().status == 200
    assert [seen.header("x-evil") for seen in upstream.requests] == [None] * 3


@pytest.mark.rule("S-072")
def test_trailers_of_a_reply_are_dropped(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """S-072: also where head, body and trailers come in one piece."""
    replies(
        upstream,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nok\r\n0\r\nX-Trailer: late\r\n\r\n",
    )
    got = ask(serve(), request(ticket=desk.sign_in()))
    assert got.body == b"ok"
    assert got.header("x-trailer") is None


def test_compressed_body_and_ranges_pass_untouched(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Content codings and partial replies are end to end."""
    packed = gzip.compress(b"hello" * 100)
    replies(
        upstream,
        b"HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-9/99\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(packed), packed),
    )
    got = ask(
        serve(),
        request(
            "GET", "/api/x", "Range: bytes=0-9", "Accept-Encoding: gzip", ticket=desk.sign_in()
        ),
    )
    assert (got.status, got.body) == (206, packed)
    assert got.header("content-range") == "bytes 0-9/99"
    assert upstream.requests[0].header("range") == "bytes=0-9"


@pytest.mark.rule("S-073")
def test_expected_continue_is_ours_to_give(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Given when the call may pass; a refused call is answered without it."""
    served = serve()
    with served.wire() as wire:
        head = request("POST", "/api/x", "Expect: 100-continue", "Content-Length: 2")
        wire.send(head)
        assert wire.message().status == 401
    with served.wire() as wire:
        wire.send(
            request(
                "POST", "/api/x", "Expect: 100-continue", "Content-Length: 2", ticket=desk.sign_in()
            )
        )
        assert wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.send(b"hi")
        assert wire.message().status == 200
    assert upstream.requests[0].body == b"hi"
    assert upstream.requests[0].header("expect") is None


def test_early_reply_arrives_while_the_body_is_still_sent(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """The upstream may refuse a body that it has only begun to read."""

    def refuse(wire: Wire) -> None:
        wire.until(b"\r\n\r\n")
        wire.send(b"HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\nno")
        with contextlib.suppress(OSError):
            wire.to_end()

    upstream.serve = refuse
    with serve().wire() as wire:
        wire.send(request("POST", "/api/x", "Content-Length: 1000000", ticket=desk.sign_in()))
        wire.send(b"x" * 1000)
        got = wire.message()
        assert (got.status, got.body) == (422, b"no")
        assert got.header("connection") == "close"


@pytest.mark.rule("B-31")
def test_chunked_body_beyond_the_limit_is_413(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """The upstream never sees such a body's end."""
    ended: list[bool] = []

    def listen(wire: Wire) -> None:
        try:
            upstream.take(wire)
        except (EOFError, OSError):
            ended.append(False)
        else:
            ended.append(True)

    upstream.serve = listen
    served = serve(body_limit_bytes=100_000)
    with served.wire() as wire:
        wire.send(request("POST", "/api/x", "Transfer-Encoding: chunked", ticket=desk.sign_in()))
        with contextlib.suppress(OSError):
            for _ in range(20):
                wire.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        got = wire.message()
    assert got.status == 413
    assert json.loads(got.body)["code"] == "body_too_large"
    served.stop()
    assert True not in ended


@pytest.mark.parametrize(
    ("header", "reply"),
    [
        ('If-None-Match: "v1"', b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n'),
        (
            'If-Match: "v0"',
            b'HTTP/1.1 412 Precondition Failed\r\nETag: "v1"\r\nContent-Length: 0\r\n\r\n',
        ),
        (
            "If-Modified-Since: Sun, 22 Nov 2026 00:00:00 GMT",
            b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n',
        ),
    ],
)
def test_conditional_requests_and_their_answers_pass(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, header: str, reply: bytes
) -> None:
    """The upstream judges; the validators are its own."""
    replies(upstream, reply)
    got = ask(serve(), request("GET", "/api/x", header, ticket=desk.sign_in()))
    assert (got.status, got.header("etag")) == (int(reply.split()[1]), '"v1"')
    name, _, value = header.partition(": ")
    assert upstream.requests[0].header(name.lower()) == value


@pytest.mark.rule("F-39")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_reset_within_a_reply_never_repeats_what_was_asked(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, method: str
) -> None:
    """Whether its head was out or not."""

    def reset(wire: Wire) -> None:
        upstream.take(wire)
        if len(upstream.requests) == 2:
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        wire.reset()

    upstream.serve = reset
    served, ticket = serve(), desk.sign_in()
    assert ask(served, request(method, ticket=ticket, body=b"x")).status == 502
    with served.wire() as wire, contextlib.suppress(EOFError, ConnectionError):
        wire.send(request(method, ticket=ticket, body=b"x"))
        pytest.fail(f"a whole reply: {wire.message()}")
    assert len(upstream.requests) == 2


@pytest.mark.rule("F-42")
def test_browser_that_leaves_a_stream_frees_its_upstream(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """In the middle of a reply, too; the connection is not given to anybody else."""
    freed = upstream.stream_events()
    served = serve()
    with served.wire() as wire:
        wire.send(request(ticket=desk.sign_in()))
        wire.until(b"data: 1")
    assert freed.wait(10)
    upstream.serve = upstream.serve_ok
    assert ask(served, request(ticket=desk.sign_in())).body == b"ok"
