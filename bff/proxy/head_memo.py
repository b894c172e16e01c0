"""Header blocks that were read before: the same bytes mean the same.

A page's calls differ in their request line and hardly ever in their headers. A block that llhttp
accepted whole, on a request without a body, is remembered for a few seconds, so that the next one
with the very same bytes is neither parsed nor judged again. Only the parser adds to this memory,
and only byte for byte equal blocks are found in it, so that nothing passes that llhttp would not
let pass. Sessions are no part of it: each request still asks Redis.

A proxy that asks by forward-auth names another call in each question. Where it does so before all
else, as `bff edge nginx` writes it, the rest of the block is what is remembered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bff.proxy.browser_head import BrowserHead
    from bff.proxy.forward_shortcut import Shortcut

_BLOCKS_MAX: Final = 2048
_BLOCK_BYTES_MAX: Final = 4096
_KEPT_SWEEPS: Final = 10
# Plain targets of methods that have no body; whatever else there is goes through the parser.
_REQUEST_LINE = re.compile(
    rb"(GET|HEAD|DELETE|OPTIONS) (/[A-Za-z0-9_~!$&'()*+,;=:@./?%-]{0,4000}) HTTP/1\.1"
)
# What forward-auth asks about, in front of a block.
_LEAD_BEGIN: Final = b"\r\nX-Original-Method: "
_LEAD = re.compile(
    rb"\r\nX-Original-Method: ([A-Z]{1,32})"
    rb"\r\nX-Original-URI: (/[A-Za-z0-9_~!$&'()*+,;=:@./?%-]{0,2000})(?=\r\n)"
)
_LEAD_LINES: Final = 2
_END: Final = b"\r\n\r\n"


class HeaderLines(tuple[tuple[bytes, bytes], ...]):  # noqa: SLOT001 - it carries a judgement
    """A request's headers, names in lower case, and what was judged of them.

    Attributes:
        judged: by the gateway, for a proxied call.
        rest: the remembered block, where the two lines of a forward-auth question lead it.
        shortcut: forward-auth's, for questions with this block.
    """

    judged: BrowserHead | None = None
    rest: HeaderLines | None = None
    shortcut: Shortcut | None = None


class HeadMemo:
    """The blocks that one worker read lately."""

    def __init__(self) -> None:
        self._blocks: dict[bytes, HeaderLines] = {}
        self._sweeps = 0

    def find(self, data: bytes) -> tuple[bytes, bytes, HeaderLines] | None:
        """Return method, target and headers if *data* is one request with a known block."""
        end = data.find(b"\r\n")
        if data.startswith(_LEAD_BEGIN, end):
            headers = self._find_led(data, end)
        else:
            headers = self._blocks.get(data[end:])
        if headers is None:
            return None
        line = _REQUEST_LINE.fullmatch(data, 0, end)
        return None if line is None else (line[1], line[2], headers)

    def learn(self, data: bytes, headers: HeaderLines) -> None:
        """Remember the block of *data*, which the parser read as one whole request with no body."""
        end = data.find(b"\r\n")
        lead = _LEAD.match(data, end)
        block = data[end if lead is None else lead.end() :]
        if (
            len(block) <= _BLOCK_BYTES_MAX
            and block.find(_END) == len(block) - len(_END)
            and _REQUEST_LINE.fullmatch(data, 0, end)
        ):
            if len(self._blocks) >= _BLOCKS_MAX:
                self._blocks.clear()
            if lead is None:
                self._blocks[block] = headers
            else:
                headers.rest = self._blocks[block] = HeaderLines(headers[_LEAD_LINES:])

    def _find_led(self, data: bytes, end: int) -> HeaderLines | None:
        lead = _LEAD.match(data, end)
        rest = None if lead is None else self._blocks.get(data[lead.end() :])
        if lead is None or rest is None:
            return None
        told = (b"x-original-method", lead[1]), (b"x-original-uri", lead[2])
        headers = HeaderLines((*told, *rest))
        headers.rest = rest
        return headers

    def sweep(self) -> None:
        """Count a second; forget everything now and then, for there are tickets in it."""
        self._sweeps += 1
        if self._sweeps >= _KEPT_SWEEPS:
            self._sweeps = 0
            self._blocks.clear()
