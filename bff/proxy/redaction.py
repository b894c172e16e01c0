"""A reply that carries the session's own tokens never reaches the browser.

Spec: RFC 10017 §6.1 (tokens stay on the server); RFC 9700 §4.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bff.sessions.model import BoundToken, TokenSet

# A token's end: for a JWT it is signature, while its beginning is every token's beginning. The
# longer what is searched for, the more of a body the search may leap over.
_NEEDLE_CHARS: Final = 64
# Shorter than any real token; searching for less would find accidents.
_TOKEN_CHARS_MIN: Final = 16
# The C library's search costs a call through ctypes and then a third of Python's own, whose worst
# case (a body of few different characters) is ten times slower still.
_LARGE_BYTES: Final = 4096
_memmem = ctypes.CDLL(None).memmem
_memmem.restype = ctypes.c_void_p
_memmem.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)


class TokenWatch:
    """Looks for a session's tokens in a reply as it passes, also across two pieces of a body.

    A compressed body is not opened: it is the upstream's word against the browser's need.
    """

    __slots__ = ("_needles", "_shortest", "_tail")

    def __init__(self, tokens: TokenSet, sent: BoundToken | None = None) -> None:
        """Look for *tokens*, and for the one that was *sent*: it may be the gateway's own."""
        values = [tokens.refresh_token, tokens.id_token]
        for token in tokens.access_tokens.values():
            values.append(token.value)
            if sent is not None and token is sent.token:
                sent = None
        if sent is not None:
            values.append(sent.token.value)
        needles: list[bytes] = []
        self._needles = needles
        shortest = _NEEDLE_CHARS
        for value in values:
            if value is not None and (length := len(value)) >= _TOKEN_CHARS_MIN:
                needles.append(value[-_NEEDLE_CHARS:].encode())
                if length < shortest:  # noqa: PLR1730 - cheaper than a call
                    shortest = length
        self._shortest = shortest
        self._tail = b""

    def sees_in_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Return whether a header's value holds a token."""
        shortest = self._shortest
        for _, value in headers:  # noqa: SIM110 - a generator costs more than the search
            if len(value) >= shortest and self._finds(value):
                return True
        return False

    def sees_in_body(self, piece: bytes) -> bool:
        """Return whether the body, up to and including *piece*, holds a token."""
        tail = self._tail
        if self._finds(piece) or (tail and self._finds(tail + piece[:_NEEDLE_CHARS])):
            return True
        if len(piece) < _NEEDLE_CHARS:
            piece = tail + piece
        self._tail = piece[-_NEEDLE_CHARS:]
        return False

    def _finds(self, data: bytes) -> bool:
        if len(data) >= _LARGE_BYTES:
            return any(
                _memmem(data, len(data), needle, len(needle)) is not None
                for needle in self._needles
            )
        for needle in self._needles:  # noqa: SIM110 - a generator costs more than the search
            if data.rfind(needle) >= 0:  # backwards takes half the time of `in`
                return True
        return False
