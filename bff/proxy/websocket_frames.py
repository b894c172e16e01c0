"""WebSocket frames, as far as a relay must know them: where they end, and how large a message is.

Payloads are neither unmasked nor decoded: extensions are the two ends' own affair.

Spec: RFC 6455 §5.2 (framing), §5.4 (fragmentation), §5.5 (control frames), §7.4 (close codes).
"""

from __future__ import annotations

import os
from typing import Final

GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
POLICY_VIOLATION: Final = 1008
MESSAGE_TOO_BIG: Final = 1009

_FIN: Final = 0x80
_MASKED: Final = 0x80
_CLOSE: Final = 0x8
_CONTROL_MIN: Final = 0x8
_CONTROL_BYTES_MAX: Final = 125
_KEY_BYTES: Final = 4
# How many bytes the length takes beside the seven bits, by what those say.
_LONG: Final = {126: 2, 127: 8}


class FrameFault(Exception):  # noqa: N818 - leaves the scanner, ends the relay
    """The stream must go no further than *passed*, which is the end of a frame.

    Attributes:
        code: to close with.
        passed: what came before the fault and is still to be sent on.
    """

    def __init__(self, code: int, passed: bytes, hint: str) -> None:
        super().__init__(hint)
        self.code = code
        self.passed = passed


class FrameScanner:
    """Follows one direction of a WebSocket from header to header.

    Attributes:
        closed: a close frame has begun; nothing may follow it.
    """

    def __init__(self, *, masked: bool, message_bytes_max: int) -> None:
        """*masked* is what every frame of this direction must be (RFC 6455 §5.1)."""
        self._masked = masked
        self._message_bytes_max = message_bytes_max
        self._message_bytes = 0
        self._payload_left = 0
        self._held = b""
        self.closed = False

    @property
    def between_frames(self) -> bool:
        """Whether what was passed on ends where a frame ends."""
        return self._payload_left == 0

    def scan(self, data: bytes) -> bytes:
        """Return what of *data* may be sent on: all of it but a frame's unfinished header.

        Raises:
            FrameFault: a message beyond the limit, or a frame that breaks the protocol.
        """
        data = self._held + data
        self._held = b""
        at, end = 0, len(data)
        while True:
            step = min(self._payload_left, end - at)
            self._payload_left -= step
            at += step
            if at == end:
                return data
            size = self._header_bytes(data, at)
            if size is None or end - at < size:
                self._held = data[at:]
                return data[:at]
            self._enter(data, at, size)
            at += size

    def _header_bytes(self, data: bytes, at: int) -> int | None:
        """Return how long the header at *at* is, None where that cannot be seen yet."""
        if len(data) < at + 2:
            return None
        return 2 + _LONG.get(data[at + 1] & 0x7F, 0) + (_KEY_BYTES if self._masked else 0)

    def _enter(self, data: bytes, at: int, size: int) -> None:
        """Judge the frame whose header begins at *at*."""
        first, second = data[at], data[at + 1]
        if bool(second & _MASKED) is not self._masked:
            raise FrameFault(PROTOCOL_ERROR, data[:at], "a frame masked the wrong way")
        if self.closed:
            raise FrameFault(PROTOCOL_ERROR, data[:at], "a frame after the close")
        length = second & 0x7F
        if length in _LONG:
            end_of_length = at + size - (_KEY_BYTES if self._masked else 0)
            length = int.from_bytes(data[at + 2 : end_of_length])
        if first & 0xF >= _CONTROL_MIN:
            if length > _CONTROL_BYTES_MAX or not first & _FIN:
                raise FrameFault(PROTOCOL_ERROR, data[:at], "a long or split control frame")
            self.closed = first & 0xF == _CLOSE
        else:
            self._message_bytes += length
            if self._message_bytes > self._message_bytes_max:
                raise FrameFault(MESSAGE_TOO_BIG, data[:at], "message too big")
            if first & _FIN:
                self._message_bytes = 0
        self._payload_left = length


def close_frame(code: int, reason: str = "", *, masked: bool = False) -> bytes:
    """Return a close frame; *masked* as a client must (RFC 6455 §5.3)."""
    payload = code.to_bytes(2) + reason.encode("utf-8")
    if not masked:
        return bytes((_FIN | _CLOSE, len(payload))) + payload
    key = os.urandom(_KEY_BYTES)
    hidden = bytes(byte ^ key[index % _KEY_BYTES] for index, byte in enumerate(payload))
    return bytes((_FIN | _CLOSE, _MASKED | len(payload))) + key + hidden
