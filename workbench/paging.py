"""Cursor paging: `limit` and `after`, the same on every list.

A cursor names the last row that was seen, so that a page costs the same at any depth and rows
added meanwhile shift nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from workbench.problems import BAD_REQUEST, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
_CURSOR_BYTES = 8
_LIMIT = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which rows a client wants: at most `limit` behind row `after` (0 = from the start)."""

    limit: int = LIMIT_DEFAULT
    after: int = 0

    @classmethod
    def parse(cls, arguments: Mapping[str, str]) -> Self:
        """Return the page that a query asks for.

        Raises:
            Refused: ``bad_request`` that names the parameter.
        """
        limit = arguments.get("limit", str(LIMIT_DEFAULT))
        if not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= LIMIT_MAX):
            raise Refused(BAD_REQUEST, detail=f"limit: write a number from 1 to {LIMIT_MAX}")
        after = arguments.get("after")
        return cls(int(limit), _row_of(after) if after else 0)


def cursor_of(row: int) -> str:
    """Return the cursor that names *row*."""
    return base64.urlsafe_b64encode(row.to_bytes(_CURSOR_BYTES)).rstrip(b"=").decode()


def _row_of(cursor: str) -> int:
    try:
        raw = base64.b64decode(cursor + "=", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != _CURSOR_BYTES or raw[0] & 0x80:
        raise Refused(BAD_REQUEST, detail="after: write the `next` of the page before")
    return int.from_bytes(raw)
