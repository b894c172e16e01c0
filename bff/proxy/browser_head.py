"""What a call's headers say, judged once for each distinct block of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bff.proxy.guard import require_same_origin
from bff.proxy.head_memo import HeaderLines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bff.proxy.headers import UpstreamHeaders
    from bff.sessions.cookie import SessionCookie
    from bff.sessions.model import Ticket

CHUNKED: Final = -1


class BrowserHead:
    """The judged headers of a call.

    Attributes:
        upstream_lines: what of them goes to an upstream.
        body_length: as declared; `CHUNKED`, or None where there is no body.
    """

    __slots__ = ("_cookie", "_cookies", "_ticket", "body_length", "judge", "upstream_lines")

    _guard = staticmethod(require_same_origin)

    def __init__(
        self,
        headers: Sequence[tuple[bytes, bytes]],
        public_origin: bytes,
        cookie: SessionCookie,
        up: UpstreamHeaders,
    ) -> None:
        """Judge *headers*, for the front end that *up* belongs to.

        Raises:
            Refused: ``csrf_failed``.
        """
        # Before the cookie: ambient authority must not be read for a foreign page.
        self._guard(headers, public_origin)
        self.judge = up
        self.upstream_lines = up.sieve(headers)
        self.body_length: int | None = None
        self._cookie = cookie
        self._cookies: list[bytes] = []
        self._ticket: Ticket | None = None
        for name, value in headers:
            if name == b"cookie":
                self._cookies.append(value)
            elif name == b"content-length":
                self.body_length = int(value)
            elif name == b"transfer-encoding":
                self.body_length = CHUNKED

    def ticket(self) -> Ticket | None:
        """Return the session cookie's ticket; raises `Refused` where there are two of them."""
        if self._ticket is None and self._cookies:
            self._ticket = self._cookie.read(self._cookies)
        return self._ticket


def judge_headers(
    headers: Sequence[tuple[bytes, bytes]],
    public_origin: bytes,
    cookie: SessionCookie,
    up: UpstreamHeaders,
) -> BrowserHead:
    """Return the judgement of *headers*, the former one where they were judged before.

    Raises:
        Refused: ``csrf_failed``.
    """
    if type(headers) is not HeaderLines:
        return BrowserHead(headers, public_origin, cookie, up)
    judged = headers.judged
    if judged is None or judged.judge is not up:  # another front end judges for itself
        headers.judged = judged = BrowserHead(headers, public_origin, cookie, up)
    return judged
