"""WebSocket frames written and read by hand (RFC 6455 §5.2)."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from tests.support.served import request

if TYPE_CHECKING:
    from bff.sessions.model import Ticket
    from tests.support.wire import Message, Wire

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
OWN_ORIGIN = "Origin: https://app.example.com"
_MASK = b"\x11\x22\x33\x44"
_SHORT, _LONG = 126, 65536


def frame(opcode: int, payload: bytes, *, masked: bool = False, fin: bool = True) -> bytes:
    """Return one frame."""
    size = len(payload)
    if size < _SHORT:
        length = bytes((size,))
    elif size < _LONG:
        length = b"\x7e" + size.to_bytes(2)
    else:
        length = b"\x7f" + size.to_bytes(8)
    first = bytes((opcode | (0x80 if fin else 0),))
    if not masked:
        return first + length + payload
    hidden = bytes(byte ^ _MASK[index % 4] for index, byte in enumerate(payload))
    return first + bytes((length[0] | 0x80,)) + length[1:] + _MASK + hidden


def take_frame(wire: Wire) -> tuple[int, bytes]:
    """Read one frame; return its opcode and its payload unmasked."""
    first, second = wire.exactly(2)
    size = second & 0x7F
    if size >= _SHORT:
        size = int.from_bytes(wire.exactly(2 if size == _SHORT else 8))
    key = wire.exactly(4) if second & 0x80 else bytes(4)
    payload = wire.exactly(size)
    if any(key):
        payload = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
    return first & 0xF, payload


def handshake(
    *more: str, ticket: Ticket | None = None, target: str = "/api/ws", origin: str = OWN_ORIGIN
) -> bytes:
    """Return a handshake as a browser sends it from our own page, unless told otherwise."""
    lines = ["Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    lines += [f"Sec-WebSocket-Key: {KEY}", "Sec-Fetch-Site: same-origin", *more]
    lines += [origin] if origin else []
    return request("GET", target, *lines, ticket=ticket).replace(b"X-CSRF: 1\r\n", b"")


def accept(asked: Message, *more: str) -> bytes:
    """Return the 101 that answers *asked*."""
    key = asked.header("sec-websocket-key") or ""
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode())
    value = base64.b64encode(digest.digest()).decode("ascii")
    lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"]
    lines += [f"Sec-WebSocket-Accept: {value}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
