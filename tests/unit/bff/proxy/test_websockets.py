"""WebSockets through the gateway, byte by byte."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from bff.proxy.exchange import TimeLimits
from bff.proxy.rates import RateLimit
from tests.support.frames import (
    BINARY,
    CLOSE,
    KEY,
    PING,
    TEXT,
    accept,
    frame,
    handshake,
    take_frame,
)
from tests.support.served import ACCESS_TOKEN, COOKIE, ask, request
from tests.support.wire import MEGABYTE, OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.served import Desk, Served
    from tests.support.wire import ScriptedUpstream, Wire


def echo(upstream: ScriptedUpstream, *more: str) -> Callable[[Wire], None]:
    """Return a script that takes a handshake and sends every frame back, a close too."""

    def run(wire: Wire) -> None:
        asked = upstream.take(wire)
        if asked.header("upgrade") is None:
            wire.send(OK)
            return
        wire.send(accept(asked, *more))
        opcode = TEXT
        while opcode != CLOSE:
            opcode, payload = take_frame(wire)
            wire.send(frame(opcode, payload))

    return run


def opened(served: Served, sent: bytes) -> Wire:
    """Return a connection on which *sent* was answered with 101."""
    wire = served.wire()
    wire.send(sent)
    assert wire.message().status == 101
    return wire


def test_frames_pass_both_ways_with_the_token_and_without_the_cookie(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """The upstream's handshake has what a proxied call has; subprotocols pass as they are."""
    upstream.serve = echo(upstream, "Sec-WebSocket-Protocol: chat.v2", "Set-Cookie: a=b")
    served = serve(websocket=True)
    with served.wire() as wire:
        wire.send(
            handshake(
                "Sec-WebSocket-Protocol: chat.v2, chat.v1",
                "Sec-WebSocket-Extensions: permessage-deflate",
                "X-User: eve",
                "Authorization: Bearer forged",
                ticket=desk.sign_in(),
            )
        )
        reply = wire.message()
        assert reply.status == 101
        assert reply.header("sec-websocket-protocol") == "chat.v2"
        assert reply.header("set-cookie") is None
        assert (reply.header("upgrade"), reply.header("connection")) == ("websocket", "Upgrade")
        wire.send(frame(TEXT, b"hello", masked=True) + frame(PING, b"p", masked=True))
        assert take_frame(wire) == (TEXT, b"hello")
        assert take_frame(wire) == (PING, b"p")
    (seen,) = upstream.requests
    assert seen.header("authorization") == f"Bearer {ACCESS_TOKEN}"
    assert seen.header("sec-websocket-protocol") == "chat.v2, chat.v1"
    assert seen.header("sec-websocket-extensions") == "permessage-deflate"
    assert (seen.header("cookie"), seen.header("x-user")) == (None, None)
    assert seen.header("connection") == "Upgrade"


@pytest.mark.rule("S-051")
@pytest.mark.parametrize(
    ("origin", "more"),
    [
        ("Origin: https://evil.example", ()),
        ("Origin: null", ()),
        ("", ()),
        ("Origin: https://app.example.com", ("Origin: https://app.example.com",)),
        ("Origin: https://app.example.com", ("Sec-Fetch-Site: cross-site",)),
        ("Origin: https://app.example.com.", ()),
    ],
)
def test_foreign_or_missing_origin_is_refused_before_the_upstream(
    origin: str,
    more: tuple[str, ...],
    serve: Callable[..., Served],
    upstream: ScriptedUpstream,
    desk: Desk,
) -> None:
    """S-051: the session is not even read, and `X-CSRF` changes nothing."""
    served = serve(websocket=True)
    reply = ask(served, handshake("X-CSRF: 1", *more, ticket=desk.sign_in(), origin=origin))
    assert reply.status == 403
    assert upstream.connections == 0


def test_no_session_no_socket(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """401 without a session; 400 for what is no handshake; nothing goes upstream."""
    served = serve(websocket=True)
    assert ask(served, handshake()).status == 401
    ended = desk.sign_in()
    desk.store.delete_by_digest(ended.digest)
    assert ask(served, handshake(ticket=ended)).status == 401
    other = handshake(ticket=desk.sign_in()).replace(b"Version: 13", b"Version: 8")
    reply = ask(served, other)
    assert (reply.status, reply.header("sec-websocket-version")) == (400, "13")
    short = handshake(ticket=desk.sign_in()).replace(KEY.encode(), b"c2hvcnQ=")
    assert ask(served, short).status == 400
    assert upstream.connections == 0


def test_route_without_websocket_refuses_as_ever(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """Without the setting a handshake is a call without `X-CSRF`."""
    served = serve()
    assert ask(served, handshake(ticket=desk.sign_in())).status == 403
    assert upstream.connections == 0


def test_upstreams_refusal_is_an_ordinary_reply(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """Its status and body are relayed, and the connection ends with them."""

    def refuse(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")

    upstream.serve = refuse
    reply = ask(serve(websocket=True), handshake(ticket=desk.sign_in()))
    assert (reply.status, reply.body) == (404, b"no")


def test_a_101_to_another_handshake_is_a_bad_reply(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """A wrong `Sec-WebSocket-Accept` is 502."""

    def confuse(wire: Wire) -> None:
        asked = upstream.take(wire)
        wire.send(accept(asked).replace(b"Accept: ", b"Accept: A"))

    upstream.serve = confuse
    assert ask(serve(websocket=True), handshake(ticket=desk.sign_in())).status == 502


def test_session_end_on_another_node_closes_with_1008(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """Both sides are told; the connection ends."""
    told: list[tuple[int, bytes]] = []
    done = threading.Event()

    def listen(wire: Wire) -> None:
        wire.send(accept(upstream.take(wire)))
        told.append(take_frame(wire))
        done.set()

    upstream.serve = listen
    ticket = desk.sign_in()
    served = serve(websocket=True)
    with opened(served, handshake(ticket=ticket)) as wire:
        desk.store.delete_by_digest(ticket.digest)
        assert take_frame(wire) == (CLOSE, (1008).to_bytes(2) + b"session ended")
        assert wire.to_end() == b""
    assert done.wait(30)
    assert told == [(CLOSE, (1008).to_bytes(2) + b"session ended")]


def test_session_end_within_a_frame_resets(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """A close frame must not stand in the middle of another frame."""
    begun = frame(BINARY, bytes(1000))[:-1]

    def begin(wire: Wire) -> None:
        wire.send(accept(upstream.take(wire)) + begun)
        wire.to_end()

    upstream.serve = begin
    ticket = desk.sign_in()
    served = serve(websocket=True)
    with opened(served, handshake(ticket=ticket)) as wire:
        assert wire.exactly(len(begun)) == begun
        desk.store.delete_by_digest(ticket.digest)
        assert wire.to_end() == b""
    served.stop()
    assert [line["hint"] for line in served.lines()] == ["session ended"]


def test_close_codes_pass_both_ways(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """Who closes is heard by the other side, word for word."""
    heard: list[tuple[int, bytes]] = []
    done = threading.Event()

    def close_first(wire: Wire) -> None:
        wire.send(accept(upstream.take(wire)) + frame(CLOSE, b"\x0f\xa1bye"))
        heard.append(take_frame(wire))
        done.set()

    served = serve(websocket=True)
    upstream.serve = close_first
    with opened(served, handshake(ticket=desk.sign_in())) as wire:
        assert take_frame(wire) == (CLOSE, b"\x0f\xa1bye")
        wire.send(frame(CLOSE, b"\x0f\xa2ok", masked=True))
        assert wire.to_end() == b""
    assert done.wait(30)
    assert heard == [(CLOSE, b"\x0f\xa2ok")]


def test_browser_that_closes_and_leaves_is_still_heard(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """Its close frame reaches the upstream, and then the connection's end."""
    heard: list[tuple[int, bytes]] = []
    done = threading.Event()

    def listen(wire: Wire) -> None:
        wire.send(accept(upstream.take(wire)))
        heard.append(take_frame(wire))
        assert wire.to_end() == b""
        done.set()

    upstream.serve = listen
    served = serve(websocket=True)
    with opened(served, handshake(ticket=desk.sign_in())) as wire:
        wire.send(frame(CLOSE, b"\x03\xe9", masked=True))
    assert done.wait(30)
    assert heard == [(CLOSE, b"\x03\xe9")]


def test_too_big_a_message_is_closed_with_1009(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """Its header alone suffices; not a byte of it goes upstream."""
    upstream.serve = echo(upstream)
    served = serve(websocket=True, websocket_message_limit_bytes=100)
    with opened(served, handshake(ticket=desk.sign_in())) as wire:
        wire.send(frame(TEXT, bytes(100), masked=True))
        assert take_frame(wire) == (TEXT, bytes(100))
        wire.send(frame(TEXT, bytes(101), masked=True)[:8])
        assert take_frame(wire)[1][:2] == (1009).to_bytes(2)


def test_silence_on_both_sides_ends_it(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """The idle limit closes with 1001."""
    upstream.serve = echo(upstream)
    served = serve(websocket=True, websocket_idle_s=0.3)
    with opened(served, handshake(ticket=desk.sign_in())) as wire:
        assert take_frame(wire) == (CLOSE, (1001).to_bytes(2) + b"idle")


def test_limit_for_streams_ends_it_too(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """Only where one is set; the limit of ordinary calls is not for it."""
    upstream.serve = echo(upstream)
    times = TimeLimits(60, 60, 60, total_s=1, stream_total_s=2)
    served = serve(websocket=True, times=times)
    with opened(served, handshake(ticket=desk.sign_in())) as wire:
        wire.send(frame(TEXT, b"x", masked=True))
        assert take_frame(wire) == (TEXT, b"x")
        assert take_frame(wire) == (CLOSE, (1001).to_bytes(2) + b"total time")


def test_open_sockets_of_a_session_are_bounded(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """One too many is 429; another session has places of its own; an end frees one."""
    upstream.serve = echo(upstream)
    served = serve(websocket=True, websockets_per_session=2)
    ticket = desk.sign_in()
    first = opened(served, handshake(ticket=ticket))
    with opened(served, handshake(ticket=ticket)):
        assert ask(served, handshake(ticket=ticket)).status == 429
        opened(served, handshake(ticket=desk.sign_in())).close()
        first.send(frame(CLOSE, b"\x03\xe8", masked=True))
        first.to_end()
        first.close()
        opened(served, handshake(ticket=ticket)).close()


def test_open_sockets_count_among_the_calls_of_a_limited_route(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """A WebSocket holds its place until its end; a handshake tells of the quota, too."""
    upstream.serve = echo(upstream)
    limits = (RateLimit("session", 100, 60),)
    served = serve(websocket=True, concurrent_requests=1, rate_limits=limits)
    wire = served.wire()
    wire.send(handshake(ticket=desk.sign_in()))
    assert '"session";r=99' in (wire.message().header("ratelimit") or "")
    assert ask(served, handshake(ticket=desk.sign_in())).status == 503
    wire.send(frame(CLOSE, b"\x03\xe8", masked=True))
    wire.to_end()
    wire.close()
    assert ask(served, request(ticket=desk.sign_in())).status == 200


def test_big_message_waits_for_a_slow_reader(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """An upstream cannot fill our memory: it is stopped while the browser does not read."""
    size = 64 * MEGABYTE
    sent = 0

    def pour(wire: Wire) -> None:
        nonlocal sent
        wire.send(accept(upstream.take(wire)) + frame(BINARY, bytes(size))[:10])
        while sent < size:
            wire.send(bytes(MEGABYTE))
            sent += MEGABYTE

    upstream.serve = pour
    served = serve(websocket=True, websocket_message_limit_bytes=size)
    with opened(served, handshake(ticket=desk.sign_in())) as wire:
        before = -1
        while before != sent:  # until the upstream is stopped
            before = sent
            time.sleep(0.3)
        assert sent < size // 2
        assert len(wire.exactly(10)) == 10
        left = size
        while left:
            left -= len(wire.receive())


def test_many_open_sockets_leave_other_calls_alone(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """A hundred quiet sockets, and ordinary calls are answered beside them."""
    upstream.serve = echo(upstream)
    served = serve(websocket=True, websockets_per_session=100)
    ticket = desk.sign_in()
    wires = [opened(served, handshake(ticket=ticket)) for _ in range(100)]
    for _ in range(20):
        assert ask(served, request(ticket=ticket)).status == 200
    for wire in wires:
        wire.close()


def test_worker_that_stops_says_1001_and_logs(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """One line a socket, at its end, with the session's fingerprint and the reason."""
    upstream.serve = echo(upstream)
    ticket = desk.sign_in()
    served = serve(websocket=True)
    with opened(served, handshake(ticket=ticket)) as wire:
        served.tell_to_leave()
        assert take_frame(wire) == (CLOSE, (1001).to_bytes(2) + b"stopping")
    served.stop()
    (line,) = served.lines()
    assert (line["status"], line["upstream_status"], line["hint"]) == (101, 101, "stopping")
    assert line["sid"] == ticket.fingerprint
    assert COOKIE.name not in str(line)


def test_event_stream_ends_with_its_session(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """A proxied stream is cut, without the end of a whole reply."""

    def stream(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert wire.to_end() == b""

    upstream.serve = stream
    ticket = desk.sign_in()
    served = serve()
    with served.wire() as wire:
        wire.send(request(ticket=ticket))
        wire.until(b"data: 1\n\n")
        desk.store.delete_by_digest(ticket.digest)
        assert b"0\r\n\r\n" not in wire.to_end()
    served.stop()
    (line,) = served.lines()
    assert (line["problem"], line["level"]) == ("session_ended", "info")


def test_what_is_open_is_counted_by_route_and_kind(
    serve: Callable[..., Served], upstream: ScriptedUpstream, desk: Desk
) -> None:
    """Up with each stream and socket, and down with its end."""

    def stream(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        wire.to_end()

    served, ticket = serve(websocket=True), desk.sign_in()

    def count(kind: str) -> float | None:
        labels = {"route": "/api", "kind": kind}
        return served.registry.get_sample_value("bff_streams_open", labels)

    upstream.serve = echo(upstream)
    socket = opened(served, handshake(ticket=ticket))
    upstream.serve = stream
    with socket, served.wire() as events:
        events.send(request(ticket=ticket))
        events.until(b"data: 1")
        socket.send(frame(TEXT, b"x", masked=True))
        take_frame(socket)
        assert (count("events"), count("websocket")) == (1, 1)
    for kind in ("events", "websocket"):
        until_s = time.monotonic() + 30
        while count(kind) != 0 and time.monotonic() < until_s:
            time.sleep(0.01)
        assert count(kind) == 0
