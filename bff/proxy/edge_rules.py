"""What a request's head must look like before anything behind the socket hears of it.

llhttp holds the grammar; these rules close what it leaves open: requests that two servers in a row
could frame, route or attribute differently.

Spec: RFC 9112 §3.2 (target, Host), §6.1 (Transfer-Encoding), §6.3 (length).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bff.problems import BAD_REQUEST, ProblemType

if TYPE_CHECKING:
    from collections.abc import Sequence

URI_TOO_LONG = ProblemType("uri_too_long", 414, "The address is too long.")
HEAD_TOO_LARGE = ProblemType("head_too_large", 431, "The request's headers are too large.")
NOT_IMPLEMENTED = ProblemType("not_implemented", 501, "This way of asking is not supported.")
TOO_MANY_CONNECTIONS = ProblemType(
    "too_many_connections", 503, "Too many connections are open; come back in a moment."
)
TOO_MANY_FROM_ADDRESS = ProblemType(
    "too_many_from_address", 429, "Too many connections are open from this address."
)
VERSION_UNSUPPORTED = ProblemType(
    "version_unsupported", 505, "This version of HTTP is not supported."
)

# What the rules look at, in lower case.
JUDGED_NAMES = frozenset({b"content-length", b"expect", b"host", b"transfer-encoding", b"upgrade"})
_VERSIONS = frozenset({"1.0", "1.1"})
# host[:port]; no list, no user, no blank.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """How much and how slow a browser may be.

    Attributes:
        target_bytes: of the request target.
        head_bytes: of the whole head.
        headers: how many there may be.
        first_byte_s: from the connection's start to the first byte of its first head.
        head_s: from a head's first byte to its end.
        body_bytes_per_s: averaged over *stall_s*, while we are ready to read.
        stall_s: how long a body may fall short of that, or a reader take nothing.
        linger_s: how long what is left of a refused body is read and dropped.
        keep_alive_s: between a reply and the next head's first byte.
        connections: of one worker; 0 for as many as there is room for. One more is 503.
        connections_per_address: of one client address; 0 for half of that. One more is 429.
    """

    target_bytes: int = 8 * 1024
    head_bytes: int = 32 * 1024
    headers: int = 100
    first_byte_s: int = 10
    head_s: int = 10
    body_bytes_per_s: int = 200
    stall_s: int = 12
    linger_s: int = 3
    keep_alive_s: int = 75
    connections: int = 0
    connections_per_address: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request is refused at the socket; the connection ends with the answer."""

    problem: ProblemType
    hint: str


def judge_head(
    version: str, target: bytes, judged: Sequence[tuple[bytes, bytes]], limits: EdgeLimits
) -> Fault | None:
    """Return what is wrong with the head, or None; *judged* are its lines of `JUDGED_NAMES`."""
    if version not in _VERSIONS:
        return Fault(VERSION_UNSUPPORTED, "version")
    if len(target) > limits.target_bytes:
        return Fault(URI_TOO_LONG, "target too long")
    if not target.startswith(b"/"):
        # Absolute form, authority form, `*`: a second place to name a host or nothing to route.
        return Fault(BAD_REQUEST, "target is no path")
    if b"#" in target:
        return Fault(BAD_REQUEST, "a fragment in the target")
    return _judge_lines(version, judged)


def expects_continue(judged: Sequence[tuple[bytes, bytes]]) -> bool:
    """Return whether the browser holds its body back until it is asked for."""
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in judged)


def is_websocket(method: bytes, judged: Sequence[tuple[bytes, bytes]]) -> bool:
    """Return whether an upgrade is a WebSocket's: a GET without a body (RFC 6455 §4.1)."""
    asked = [value.lower() for name, value in judged if name == b"upgrade"]
    return method == b"GET" and asked == [b"websocket"] and len(judged) == len((b"host", *asked))


def judge_size(
    target: bytes, headers: Sequence[tuple[bytes, bytes]], read_bytes: int, limits: EdgeLimits
) -> Fault | None:
    """Return whether the head is too large; *read_bytes* may hold a body beside it."""
    if len(headers) > limits.headers:
        return Fault(HEAD_TOO_LARGE, "too many headers")
    if read_bytes <= limits.head_bytes:
        return None
    size = len(target) + sum(len(name) + len(value) + 4 for name, value in headers)
    return Fault(HEAD_TOO_LARGE, "head too large") if size > limits.head_bytes else None


def _judge_lines(version: str, headers: Sequence[tuple[bytes, bytes]]) -> Fault | None:
    hosts = codings = lengths = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if not _HOST.fullmatch(value):
                return Fault(BAD_REQUEST, "malformed Host")
        elif name == b"transfer-encoding":
            codings += 1
            if value.lower() != b"chunked":
                return Fault(NOT_IMPLEMENTED, "transfer coding")
        elif name == b"content-length":
            lengths += 1
    if hosts != 1 and (hosts or version != "1.0"):
        return Fault(BAD_REQUEST, f"{hosts} Host headers")
    if codings > 1 or lengths > 1 or (codings and (lengths or version == "1.0")):
        return Fault(BAD_REQUEST, "the body's end is told twice")
    return None
