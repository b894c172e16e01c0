"""Judge the raw target: what cannot be read in two ways passes, unchanged to the byte.

A path that one server reads as `/api/x` and another as `/admin` is how walls are walked around,
so the judgement is over the bytes that will be sent and nothing is ever cleaned.

Spec: RFC 3986 §3.3, §6.2.2; RFC 9112 §3.2.
"""

from __future__ import annotations

import re
from typing import Final

from bff.problems import URI_REJECTED, Refused

# Most paths: segments of unreserved characters, none of them empty or beginning with a dot.
_PLAIN = re.compile(rb"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9_~!$&'()*+,=:@.-]*)+/?|/")
# What may stand in a path at all: pchar, `/`, and the few that browsers leave bare.
_PATH = re.compile(rb"/(?:[A-Za-z0-9_~!$&'()*+,;=:@./|^{}\[\]-]|%[0-9A-Fa-f]{2})*")
# A query is opaque to us: no byte in it may end the request line or begin a fragment.
_QUERY = re.compile(rb"[\x21\x22\x24-\x7e]*")
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_ASCII_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")
_DECODINGS_MAX: Final = 4
_DETAIL = "Write the path plainly: no dot segments, no encoded slashes, no control characters."


def judge(path: bytes, query: bytes) -> None:
    """Return if *path* and *query*, raw as received, can be read in one way only.

    Raises:
        Refused: ``uri_rejected``.
    """
    if not _PLAIN.fullmatch(path):
        _judge_unusual(path)
    if query and not _QUERY.fullmatch(query):
        raise _rejected("a control, space, `#` or non-ASCII byte in the query")


def _judge_unusual(path: bytes) -> None:
    if not _PATH.fullmatch(path):
        raise _rejected("a byte or percent-encoding that no path may contain")
    _judge_segments(path)
    decoded = _decode(path)
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        raise _rejected("encoded bytes that are not UTF-8") from None
    if _CONTROLS.search(text):
        raise _rejected("an encoded control character")
    _judge_deeper(path, decoded)


def _judge_deeper(path: bytes, decoded: bytes) -> None:
    """Look beneath each layer of encoding: some upstreams decode twice."""
    for _ in range(_DECODINGS_MAX):
        if decoded == path:
            return
        if decoded.count(b"/") != path.count(b"/") or b"\\" in decoded:
            raise _rejected("an encoded slash or backslash")
        if _ASCII_CONTROLS.search(decoded):
            raise _rejected("an encoded control character")
        _judge_segments(decoded)
        path, decoded = decoded, _decode(decoded)
    raise _rejected("encoded too many times over")


def _judge_segments(path: bytes) -> None:
    *inner, last = path[1:].split(b"/")
    if last:
        inner.append(last)
    for segment in inner:
        # Servlet containers cut `;parameters` off before they look at the segment, and some
        # file systems cut trailing spaces.
        name = segment.split(b";", 1)[0].strip(b" ")
        if not name:
            raise _rejected("an empty segment")
        if name in {b".", b".."}:
            raise _rejected("a dot segment")


def _decode(path: bytes) -> bytes:
    return _ENCODED.sub(lambda match: bytes((int(match[1], 16),)), path)


def _rejected(hint: str) -> Refused:
    return Refused(URI_REJECTED, detail=_DETAIL, hint=hint)
