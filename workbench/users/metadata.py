"""A picture without what it tells of its maker: place, camera, time, words, hidden second pictures.

The pieces that a picture is drawn from are copied as they are, nothing is decoded. Of all else only
the way up (EXIF's orientation) is kept, in a block of our own; what lies behind the picture's end
goes as well.

Spec: JPEG (ITU T.81) B.1; PNG (W3C) §5, §11; WebP (RFC 9649) §2.3-2.7; EXIF 2.32 §4.6.2.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING, Final, Literal

from workbench.users.pictures import NoPicture, exactly, judge, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UPRIGHT, _ORIENTATIONS = 1, range(1, 9)
_ORIENTATION_TAG = 0x0112
_EXIF = b"Exif\0\0"
_BYTE_ORDERS: Final[Mapping[bytes, Literal["little", "big"]]] = {
    b"II*\0": "little",
    b"MM\0*": "big",
}
# JPEG
_FILL, _END, _SCAN, _APP0, _APP1, _APP2, _APP14, _APP15, _COMMENT = (
    *(0xFF, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE),
)
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_PROFILE = b"ICC_PROFILE\0"
_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
# PNG: what a picture is drawn from; capital letters are the standard's own.
_PNG_HEAD = 8
_PNG_KEPT = frozenset(
    {
        *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT"),
        *(b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT"),
    }
)
# WebP
_WEBP_HEAD = 12
_WEBP_KEPT = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_EXTENDED_BYTES = 10
_HAS_EXIF, _HAS_XMP = 0x08, 0x04


def without_metadata(content: bytes) -> bytes:
    """Return the picture *content* with nothing in it but the picture.

    Raises:
        NoPicture: it is none that we take, or broken.
    """
    try:
        stripped = _STRIPPING[judge(content).media_type](content)
    except IndexError:
        raise NoPicture("The picture is not whole.") from None
    judge(stripped)
    return stripped


def _jpeg(content: bytes) -> bytes:
    kept, at, orientation = [content[:2]], 2, _UPRIGHT
    while at < len(content):
        start = at
        while exactly(content, at, 1)[0] == _FILL:
            at += 1
        marker, at = content[at], at + 1
        if start + 1 == at or marker == 0:  # not a marker at all
            raise IndexError(start)
        if marker not in _ALONE and marker != _END:
            at += max(number(content, at, 2), 2)
        piece = exactly(content, start, at - start)
        payload = piece.lstrip(b"\xff")[3:]
        if _is_drawn_from(marker, payload):
            kept.append(piece)
        elif marker == _APP1 and payload.startswith(_EXIF):
            orientation = _orientation(payload.removeprefix(_EXIF))
        if marker == _END:
            break
        if marker == _SCAN:
            end = _AFTER_SCAN.search(content, at)
            kept.append(content[at : end.start() if end else len(content)])
            at = end.start() if end else len(content)
    if orientation != _UPRIGHT:
        block = _EXIF + _tiff(orientation)
        segment = struct.pack(">BBH", _FILL, _APP1, len(block) + 2) + block
        kept.insert(1 + (len(kept) > 1 and kept[1].lstrip(b"\xff")[:1] == bytes([_APP0])), segment)
    return b"".join(kept)


def _is_drawn_from(marker: int, payload: bytes) -> bool:
    if marker == _APP2:
        return payload.startswith(_PROFILE)
    return marker in {_APP0, _APP14} or not (_APP0 <= marker <= _APP15 or marker == _COMMENT)


def _png(content: bytes) -> bytes:
    kept, at, orientation = [content[:_PNG_HEAD]], _PNG_HEAD, _UPRIGHT
    while at < len(content):
        length, kind = number(content, at, 4), exactly(content, at + 4, 4)
        chunk = exactly(content, at, length + 12)
        at += len(chunk)
        if kind in _PNG_KEPT:
            kept.append(chunk)
        elif kind == b"eXIf":
            orientation = _orientation(chunk[8:-4])
        if kind == b"IEND":
            break
    if orientation != _UPRIGHT:
        body = b"eXIf" + _tiff(orientation)
        kept.insert(
            2, struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        )
    return b"".join(kept)


def _webp(content: bytes) -> bytes:
    kept, at, orientation = bytearray(), _WEBP_HEAD, _UPRIGHT
    end = 8 + number(content, 4, 4, "little")
    extended = content[_WEBP_HEAD : _WEBP_HEAD + 4] == b"VP8X"
    while at < end:
        kind, length = exactly(content, at, 4), number(content, at + 4, 4, "little")
        body = exactly(content, at + 8, length)
        at += 8 + length + length % 2
        if kind == b"EXIF":
            orientation = _orientation(body.removeprefix(_EXIF))
        elif kind in _WEBP_KEPT:
            kept += _webp_chunk(kind, body)
    if extended:
        if len(kept) < 8 + _EXTENDED_BYTES:
            raise IndexError(at)
        kept[8] &= ~(_HAS_EXIF | _HAS_XMP)
        if orientation != _UPRIGHT:
            kept[8] |= _HAS_EXIF
            kept += _webp_chunk(b"EXIF", _tiff(orientation))
    return b"RIFF" + struct.pack("<I", 4 + len(kept)) + b"WEBP" + bytes(kept)


def _webp_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _orientation(tiff: bytes) -> int:
    """Return which way up the picture is; upright where it cannot be told."""
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return _UPRIGHT
    try:
        at = number(tiff, 4, 4, order)
        for entry in range(at + 2, at + 2 + 12 * number(tiff, at, 2, order), 12):
            if number(tiff, entry, 2, order) == _ORIENTATION_TAG:
                value = number(tiff, entry + 8, 2, order)
                return value if value in _ORIENTATIONS else _UPRIGHT
    except IndexError:
        pass
    return _UPRIGHT


def _tiff(orientation: int) -> bytes:
    """Return a block with *orientation* and nothing else: one entry, a SHORT."""
    return struct.pack(">4sIHHHIHHI", b"MM\0*", 8, 1, _ORIENTATION_TAG, 3, 1, orientation, 0, 0)


_STRIPPING: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
}
