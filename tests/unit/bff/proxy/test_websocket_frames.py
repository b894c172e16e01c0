"""Where frames end, and which go no further."""

from __future__ import annotations

import os

import pytest

from bff.proxy.websocket_frames import FrameFault, FrameScanner, close_frame
from tests.support.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT, frame


def scanner(limit: int = 100, *, masked: bool = False) -> FrameScanner:
    """Return a scanner of one direction."""
    return FrameScanner(masked=masked, message_bytes_max=limit)


@pytest.mark.parametrize("masked", [False, True])
def test_every_byte_passes_however_the_stream_is_cut(*, masked: bool) -> None:
    """Frames of each length form, one byte at a time and all at once."""
    stream = b"".join(
        frame(BINARY, os.urandom(size), masked=masked) for size in (0, 1, 125, 126, 65535, 65536)
    )
    whole, bytewise = scanner(70_000, masked=masked), scanner(70_000, masked=masked)
    assert whole.scan(stream) == stream
    assert b"".join(bytewise.scan(bytes([byte])) for byte in stream) == stream
    assert whole.between_frames
    assert bytewise.between_frames


def test_half_a_header_waits_so_that_a_close_can_stand_before_it() -> None:
    """What is sent on ends in or after a payload, never within a header."""
    own = scanner()
    assert own.scan(frame(TEXT, b"ab") + b"\x81") == frame(TEXT, b"ab")
    ends = [own.between_frames]
    assert own.scan(b"\x02c") == b"\x81\x02c"
    ends.append(own.between_frames)
    assert own.scan(b"d") == b"d"
    assert ends == [True, False]


def test_message_beyond_the_limit_stops_at_its_header() -> None:
    """The size is judged before the payload is there; fragments count together."""
    with pytest.raises(FrameFault) as fault:
        scanner(100).scan(frame(PING, b"x") + frame(TEXT, bytes(101))[:4])
    assert (fault.value.code, fault.value.passed) == (1009, frame(PING, b"x"))
    own = scanner(100)
    own.scan(frame(TEXT, bytes(60), fin=False))
    own.scan(frame(PING, bytes(60)))
    with pytest.raises(FrameFault):
        own.scan(frame(CONTINUATION, bytes(41)))


def test_the_limit_is_of_each_message() -> None:
    """A finished message does not count for the next."""
    own = scanner(100)
    for _ in range(3):
        own.scan(frame(TEXT, bytes(100)))


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"masked by a server", masked=True),
        frame(PING, bytes(126)),
        frame(PING, b"", fin=False),
        frame(CLOSE, b"") + frame(TEXT, b"after the close"),
    ],
)
def test_what_breaks_the_protocol_goes_no_further(data: bytes) -> None:
    """Two ends could read such a stream differently."""
    with pytest.raises(FrameFault) as fault:
        scanner().scan(data)
    assert fault.value.code == 1002


def test_close_frame_of_ours_is_read_as_one() -> None:
    """Ours in either direction: code, then reason."""
    assert close_frame(1008, "over") == b"\x88\x06\x03\xf0over"
    own = scanner(masked=True)
    assert own.scan(close_frame(1001, masked=True))
    assert own.closed
