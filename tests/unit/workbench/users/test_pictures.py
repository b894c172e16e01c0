"""Pictures are judged by their bytes."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.users.pictures import NoPicture, Picture, judge


def png(width: int = 3, height: int = 2) -> bytes:
    """Return the smallest PNG of this size that a browser would begin to read."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b"")


def jpeg(width: int = 3, height: int = 2) -> bytes:
    """Return a JPEG's head: an APP0 segment, filling, then the frame."""
    app0 = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    frame = b"\xff\xff\xc2\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + app0 + b"\xff\xd0" + frame


def webp(kind: bytes, width: int = 3, height: int = 2) -> bytes:
    """Return a WebP's head in one of its three forms."""
    if kind == b"VP8X":
        body = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8 ":
        body = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)
    else:
        body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little")
    chunk = kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png(), "image/png"),
        (jpeg(), "image/jpeg"),
        *((webp(kind), "image/webp") for kind in (b"VP8X", b"VP8 ", b"VP8L")),
    ],
)
def test_each_kind_is_known_by_its_bytes(content: bytes, kind: str) -> None:
    """Type, width and height, without decoding anything; cut anywhere it is none."""
    assert judge(content) == Picture(kind, 3, 2)
    for length in range(len(content) - 12):
        if kind != "image/png" or length < 24:
            with pytest.raises(NoPicture):
                judge(content[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + bytes(20),
        b"<html>" + png(),
        png(4097, 1),
        png(1, 4097),
        png(0, 1),
        jpeg(9000, 9000),
        webp(b"VP8X", 5000, 5000),
    ],
)
def test_anything_else_is_no_picture(content: bytes) -> None:
    """Other formats, pages in disguise, and sizes that would fill a browser's memory."""
    with pytest.raises(NoPicture):
        judge(content)


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"]), st.binary())
def test_no_bytes_break_the_judge(start: bytes, rest: bytes) -> None:
    """Whatever follows, it is a picture or it is none."""
    with contextlib.suppress(NoPicture):
        assert judge(start + rest).width > 0
