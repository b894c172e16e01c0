"""Pictures are what they say they are, and of a size that every browser can bear.

A file is judged by its first bytes, never by its name or the type it was sent with; what is stored
is served as that type alone. Width and height are read before anybody decodes a pixel.

Spec: PNG (W3C) §11.2.1; JPEG (ITU T.81) B.2.2; WebP (RFC 9649) §2.5-2.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

BYTES_MOST: Final = 524_288
SIDE_MOST: Final = 4096
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_JPEG_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})


class NoPicture(Exception):  # noqa: N818 - an outcome; answered in the field's own words
    """The bytes are no picture that we take; the message says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be shown."""

    media_type: str
    width: int
    height: int


def judge(content: bytes) -> Picture:
    """Return what *content* is.

    Raises:
        NoPicture: neither PNG, JPEG nor WebP, or too large.
    """
    try:
        picture = _read(content)
    except IndexError:
        raise NoPicture("The picture is not whole.") from None
    if not (0 < picture.width <= SIDE_MOST and 0 < picture.height <= SIDE_MOST):
        raise NoPicture(f"Use a picture of at most {SIDE_MOST} by {SIDE_MOST} points.")
    return picture


def _read(content: bytes) -> Picture:
    if content.startswith(_PNG) and content[12:16] == b"IHDR":
        return Picture("image/png", number(content, 16, 4), number(content, 20, 4))
    if content.startswith(_JPEG):
        width, height = _jpeg_size(content)
        return Picture("image/jpeg", width, height)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        width, height = _webp_size(content)
        return Picture("image/webp", width, height)
    raise NoPicture("Use a picture in PNG, JPEG or WebP.")


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    while content[at] == 0xFF:  # noqa: PLR2004 - every marker begins with it
        marker = content[at + 1]
        if marker in _JPEG_ALONE or marker == 0xFF:  # noqa: PLR2004 - filling
            at += 1 if marker == 0xFF else 2  # noqa: PLR2004 - as above
        elif 0xC0 <= marker <= 0xCF and marker not in _JPEG_NO_FRAME:  # noqa: PLR2004 - frames
            return number(content, at + 7, 2), number(content, at + 5, 2)
        else:
            at += 2 + number(content, at + 2, 2)
    raise NoPicture("The picture is not whole.")


def _webp_size(content: bytes) -> tuple[int, int]:
    kind = content[12:16]
    if kind == b"VP8X":
        return 1 + number(content, 24, 3, "little"), 1 + number(content, 27, 3, "little")
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        return number(content, 26, 2, "little") & 0x3FFF, number(content, 28, 2, "little") & 0x3FFF
    if kind == b"VP8L" and content[20] == 0x2F:  # noqa: PLR2004 - the signature
        bits = number(content, 21, 4, "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise NoPicture("The picture is not whole.")


def number(content: bytes, at: int, length: int, order: Literal["little", "big"] = "big") -> int:
    """Return the number in *content* at *at*.

    Raises:
        IndexError: *content* ends before.
    """
    return int.from_bytes(exactly(content, at, length), order)


def exactly(content: bytes, at: int, length: int) -> bytes:
    """Return *length* bytes of *content*.

    Raises:
        IndexError: it ends before.
    """
    if len(content) < at + length:
        raise IndexError(at)
    return content[at : at + length]
