"""Generated HTTP exchanges, and what they mean whoever carries them.

A request and its reply are drawn together; a server answers each request with the reply of its
number, in the segments and the framing that were drawn.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.wire import Message, Wire

NUMBER: Final = "x-exchange"
_BODILESS: Final = (204, 304)
_STATUSES: Final = (
    *(200, 200, 200, 201, 202, 203, 204, 206, 301, 302, 303, 304, 307, 308),
    *(400, 401, 403, 404, 409, 410, 412, 413, 416, 418, 422, 429, 451, 500, 501, 507, 599),
)
METHODS: Final = ("GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")
_UP: Final = (
    *("Accept", "Accept-Language", "Accept-Encoding", "If-None-Match", "If-Modified-Since"),
    *("If-Match", "If-Range", "Range", "Content-Language", "Prefer", "DNT"),
    *("X-Custom", "X-Empty", "Idempotency-Key", "Last-Event-ID", "User-Agent", "Priority"),
)
_DOWN: Final = (
    *("Content-Language", "Content-Encoding", "ETag", "Last-Modified", "Link"),
    *("Location", "Retry-After", "Allow", "Accept-Ranges", "WWW-Authenticate", "X-Custom"),
    *("X-Empty", "Warning", "Content-Disposition", "Content-Range", "X-RateLimit-Left"),
)
# Said anew by whoever carries the message, or about the connection and not the message.
_OURS_UP: Final = frozenset(
    {"authorization", "connection", "content-length", "cookie", "forwarded", "host"}
    | {"traceparent", "transfer-encoding", "x-forwarded-for", "x-forwarded-host"}
    | {"x-forwarded-proto", "x-request-id"}
)
_OURS_DOWN: Final = frozenset(
    {"cache-control", "connection", "content-length", "date", "keep-alive", "server"}
    | {"transfer-encoding", "vary", "x-request-id"}
)


@dataclass(frozen=True)
class Exchange:
    """A request and the reply that it gets.

    Attributes:
        pieces: the request's body; sent in chunks where `chunked`, else with its length.
        answer: the reply's body in the pieces in which the server writes them.
        framing: ``length``, ``chunked`` or ``close``.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    pieces: tuple[bytes, ...]
    chunked: bool
    status: int
    answer_headers: tuple[tuple[str, str], ...]
    answer: tuple[bytes, ...]
    framing: str

    @property
    def has_answer_body(self) -> bool:
        """Whether bytes follow the reply's head."""
        return self.method != "HEAD" and self.status not in _BODILESS

    def request(self, number: int, *more: str) -> bytes:
        """Return the request's bytes."""
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: app.example.com", *more]
        lines += [f"{NUMBER}: {number}", *(f"{name}: {value}" for name, value in self.headers)]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
            body = b"".join(_chunk(piece) for piece in self.pieces if piece) + _chunk(b"")
        else:
            body = b"".join(self.pieces)
            if body or self.method in {"POST", "PUT", "PATCH"}:
                lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body

    def reply(self) -> list[bytes]:
        """Return the reply's bytes, in the pieces in which they are written."""
        lines = [f"HTTP/1.1 {self.status} Said"]
        lines += [f"{name}: {value}" for name, value in self.answer_headers]
        length = sum(map(len, self.answer))
        if self.framing == "length" and self.status not in _BODILESS:
            lines.append(f"Content-Length: {length}")
        elif self.framing == "chunked" and self.status not in _BODILESS:
            lines.append("Transfer-Encoding: chunked")
        elif self.framing == "close":
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "\r\n"]).encode("latin-1")
        if not self.has_answer_body:
            return [head]
        if self.framing == "chunked":
            return [head, *(_chunk(piece) for piece in self.answer if piece), _chunk(b"")]
        return [head, *self.answer]


@dataclass(frozen=True)
class Seen:
    """What one side made of a message: what must be the same whoever carried it."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def request(cls, message: Message) -> Seen:
        """Return what the upstream was asked."""
        start = message.start.removesuffix(" HTTP/1.1")
        return cls(start, _kept(message.headers, _OURS_UP), message.body)

    @classmethod
    def reply(cls, status: int, headers: list[tuple[str, str]], body: bytes) -> Seen:
        """Return what the client was answered."""
        return cls(str(status), _kept(headers, _OURS_DOWN), body)


def _kept(headers: list[tuple[str, str]], ours: frozenset[str]) -> tuple[tuple[str, str], ...]:
    lines = [(name.lower(), value.strip(" \t")) for name, value in headers]
    # Lines of one name keep their order; those of different names have none (RFC 9110 §5.3).
    return tuple(sorted((line for line in lines if line[0] not in ours), key=lambda line: line[0]))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def serve_exchanges(
    exchanges: dict[str, Exchange], seen: dict[str, Seen]
) -> Callable[[Wire], None]:
    """Return the script of an upstream that notes each numbered request and gives its reply."""

    def serve(wire: Wire) -> None:
        while True:
            message = wire.message()
            number = message.header(NUMBER) or ""
            seen[number] = Seen.request(message)
            exchange = exchanges[number]
            for piece in exchange.reply():
                wire.send(piece)
            if exchange.framing == "close":
                return

    return serve


def by_wire(wire: Wire, exchange: Exchange, sent: bytes) -> tuple[Seen, bool]:
    """Send *sent* over *wire*; return the reply, read without leniency, and whether more may go."""
    wire.send(sent)
    message = wire.message(is_reply_to_head=exchange.method == "HEAD")
    told = message.header("content-length"), message.header("transfer-encoding")
    if exchange.has_answer_body and told == (None, None):
        message.body = wire.to_end()
        return Seen.reply(message.status, message.headers, message.body), False
    keeps = message.header("connection") != "close"
    return Seen.reply(message.status, message.headers, message.body), keeps


def by_library(port: int, exchange: Exchange, sent: bytes) -> Seen:
    """Send *sent* and return the reply as Python's own client reads it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.connect()
        connection.sock.sendall(sent)
        reply = http.client.HTTPResponse(connection.sock, method=exchange.method)
        reply.begin()
        body = reply.read()
        return Seen.reply(reply.status, reply.getheaders(), body)
    finally:
        connection.close()


_values = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E) | st.sampled_from(" \té"), max_size=30
).map(lambda text: text.strip(" \t"))
_segment = st.text("abzAZ019-._~!$&'()*+,;=:@", min_size=1, max_size=8).filter(
    lambda text: text.partition(";")[0].strip(".") != ""  # else refused on purpose
)
_escaped = st.sampled_from(["%41", "%E4%BD%A0", "a%20b", "%7E", "%3A"])
_targets = st.builds(
    lambda parts, query: "/api/" + "/".join(parts) + query,
    st.lists(_segment | _escaped, max_size=4),
    st.just("") | st.text("az019-._~!$&'()*+,;=:@/?%41", max_size=20).map(lambda text: f"?{text}"),
)
_bodies = st.lists(
    st.binary(max_size=300) | st.integers(1, 60_000).map(lambda size: b"0123456789" * (size // 10)),
    max_size=4,
).map(tuple)


def _lines(names: tuple[str, ...]) -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    # nginx drops a Content-Type that is empty, and of two of them the first.
    kinds = st.lists(st.sampled_from(["text/html", "application/json; charset=utf-8"]), max_size=1)
    others = st.lists(
        st.tuples(st.sampled_from(names), _values), max_size=6, unique_by=lambda line: line[0]
    )
    again = st.lists(st.tuples(st.just("X-Again"), _values), max_size=3)
    return st.builds(
        lambda kind, rest, more: (*(("Content-Type", value) for value in kind), *rest, *more),
        kinds, others, again,
    )  # fmt: skip


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """Draw an exchange that any proxy must carry unchanged."""
    method = draw(st.sampled_from(METHODS))
    has_body = method in {"POST", "PUT", "PATCH"}
    return Exchange(
        method=method,
        target=draw(_targets),
        headers=draw(_lines(_UP)),
        pieces=draw(_bodies) if has_body else (),
        chunked=draw(st.booleans()) if has_body else False,
        status=draw(st.sampled_from(_STATUSES)),
        answer_headers=draw(_lines(_DOWN)),
        answer=draw(_bodies),
        framing=draw(st.sampled_from(["length", "chunked", "close"])),
    )
