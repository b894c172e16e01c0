"""The first judgement of a proxied call: does it come from our own page?

Spec: RFC 10017 §6.1.3.3.2 (static header on every call); W3C Fetch Metadata; RFC 6454 (Origin).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bff.problems import CSRF_FAILED, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Absent is fine (old browsers, programs); any other value names a page that is not ours.
_OWN_SITES = frozenset({b"same-origin", b"none"})
_GUARDED = frozenset({b"x-csrf", b"sec-fetch-site", b"origin"})
_ORIGIN_DETAIL = "Open the WebSocket from a page of this origin."
_VISIT = _GUARDED | {b"sec-fetch-mode"}
_SAFE = frozenset({"GET", "HEAD"})
_DETAIL = "Send the header `X-CSRF: 1` from a page of this origin."


def require_same_origin(headers: Iterable[tuple[bytes, bytes]], public_origin: bytes) -> None:
    """Return if the call carries exactly one ``X-CSRF: 1`` and names no foreign origin.

    Runs before the cookie, the route's rules or the body are read: ambient authority must not
    even be looked up for a foreign page. Holds for every method, GET included.

    Args:
        headers: as received, names in lower case. A name with ``_`` for ``-`` is another name.
        public_origin: scheme, host and port as a browser writes them in ``Origin``.

    Raises:
        Refused: ``csrf_failed``.
    """
    if _count_marks(headers, public_origin) != 1:
        raise Refused(CSRF_FAILED, detail=_DETAIL, hint="X-CSRF is missing or stands twice")


def require_no_foreign_origin(headers: Iterable[tuple[bytes, bytes]], public_origin: bytes) -> None:
    """Return if the call names no foreign origin, whether or not it carries ``X-CSRF``.

    For what a page cannot give a header to: an `EventSource`, a `WebSocket`. Raises as
    `require_same_origin`.
    """
    _count_marks(headers, public_origin)


def require_own_origin(headers: Iterable[tuple[bytes, bytes]], public_origin: bytes) -> None:
    """Return if the call names our own origin, once, and no foreign one.

    For a WebSocket's handshake: browsers always send ``Origin`` with it, and pages cannot add
    ``X-CSRF``. What sends no ``Origin`` is refused, browser or not (RFC 6455 §10.2).

    Raises:
        Refused: ``csrf_failed``.
    """
    _count_marks(headers, public_origin)
    if sum(name == b"origin" for name, _ in headers) != 1:
        raise Refused(CSRF_FAILED, detail=_ORIGIN_DETAIL, hint="Origin is missing or stands twice")


def require_own_request(
    headers: Sequence[tuple[bytes, bytes]],
    public_origin: bytes,
    *,
    method: str,
    websocket: bool = False,
) -> None:
    """Return if the request comes from our own page, or is a visit to one.

    For pages and sockets that a proxy in front serves. A person who opens a page cannot carry
    `X-CSRF`; browsers mark such a visit with fetch metadata that no script can write. So beside
    what `require_same_origin` lets through there are

    - GET and HEAD with ``Sec-Fetch-Mode: navigate``, ``Sec-Fetch-Site: same-origin`` or ``none``;
    - where *websocket*: GET with our own ``Origin``, which browsers write on a handshake.

    Raises:
        Refused: ``csrf_failed``.
    """
    if _count_marks(headers, public_origin) == 1:
        return
    said = [line for line in headers if line[0] in _VISIT]
    named = dict(said)
    if len(named) == len(said) and b"x-csrf" not in named:
        visit = named.get(b"sec-fetch-mode") == b"navigate" and b"sec-fetch-site" in named
        if visit and method in _SAFE:
            return
        if websocket and method == "GET" and b"origin" in named:
            return
    raise Refused(CSRF_FAILED, detail=_DETAIL, hint="neither X-CSRF nor a visit to a page")


def _count_marks(headers: Iterable[tuple[bytes, bytes]], public_origin: bytes) -> int:
    marks = 0
    for name, value in headers:
        if name not in _GUARDED:
            continue
        if name == b"x-csrf":
            if value != b"1":
                raise Refused(CSRF_FAILED, detail=_DETAIL, hint="X-CSRF has another value")
            marks += 1
        elif name == b"origin":
            if value != public_origin:
                raise Refused(CSRF_FAILED, detail=_DETAIL, hint="foreign Origin")
        elif value not in _OWN_SITES:
            raise Refused(CSRF_FAILED, detail=_DETAIL, hint="foreign Sec-Fetch-Site")
    return marks
