"""A picture keeps nothing that it is not drawn from."""

from __future__ import annotations

import contextlib
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workbench.users.test_pictures import jpeg, png, webp
from workbench.users.metadata import without_metadata
from workbench.users.pictures import NoPicture, judge

ROOT = Path(__file__).parents[4]
SECRET = b"31.2304N 121.4737E"


def tiff(orientation: int, order: str = "<") -> bytes:
    """Return an EXIF block as a camera writes it: the way up, and where it stood."""
    entries = [(0x010E, 2, len(SECRET), 50), (0x0112, 3, 1, 0), (0x8825, 4, 1, 60)]
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(entries))
    for tag, kind, count, value in entries:
        block += struct.pack(f"{order}HHI", tag, kind, count)
        block += struct.pack(
            f"{order}HH" if tag == 0x0112 else f"{order}I",
            *((orientation, 0) if tag == 0x0112 else (value,)),
        )
    return block.ljust(50, b"\0") + SECRET


def segment(marker: int, payload: bytes) -> bytes:
    """Return a JPEG's segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def photo(orientation: int = 6, order: str = "<") -> bytes:
    """Return a JPEG as a telephone makes it, down to the film behind its end."""
    head, scan = jpeg(), segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"pi\xff\x00xe\xff\xd3ls"
    told = [
        segment(0xE1, b"Exif\0\0" + tiff(orientation, order)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET),
        segment(0xE2, b"MPF\0" + SECRET),
        segment(0xED, b"Photoshop 3.0\0" + SECRET),
        segment(0xFE, SECRET),
    ]
    between = segment(0xFE, SECRET) + segment(0xC4, b"tables") + scan
    return head[:20] + b"".join(told) + head[20:] + scan + between + b"\xff\xd9" + SECRET


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a PNG's chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a WebP of *chunks*."""
    body = b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photo_keeps_its_pixels_and_its_way_up(order: str) -> None:
    """Place, camera, words, thumbnails and films go; profile and tables stay where they were."""
    sent = photo(6, order)
    kept = without_metadata(sent)
    assert SECRET not in kept
    assert kept.count(b"pi\xff\x00xe\xff\xd3ls") == 2
    assert b"tables" in kept
    assert kept.endswith(b"\xff\xd9")
    assert kept.index(b"JFIF") < kept.index(b"Exif")
    assert b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06" in kept
    assert judge(kept) == judge(sent)
    assert without_metadata(kept) == kept


def test_an_upright_photo_has_no_block_at_all() -> None:
    """Nor one whose way up cannot be read."""
    for orientation in (1, 0, 9):
        assert b"Exif" not in without_metadata(photo(orientation))
    profile = segment(0xE2, b"ICC_PROFILE\0\x01\x01colours") + segment(0xEE, b"Adobe\0d")
    sent = b"\xff\xd8" + profile + jpeg()[2:]
    assert without_metadata(sent) == sent


def test_a_png_keeps_what_it_is_drawn_from() -> None:
    """Transparency and colours stay; words, times and what nobody knows go."""
    plain = png()
    head, end = plain[:33], plain[33:]
    drawn = chunk(b"gAMA", b"\0\0\xb1\x8f") + chunk(b"tRNS", b"\0\0") + chunk(b"IDAT", b"pixels")
    told = [(b"tEXt", b"GPS\0" + SECRET), (b"iTXt", SECRET), (b"tIME", SECRET), (b"prVt", SECRET)]
    sent = head + b"".join(chunk(*each) for each in told) + drawn + end + SECRET
    assert without_metadata(sent) == head + drawn + end
    turned = without_metadata(head + chunk(b"eXIf", tiff(8)) + drawn + end)
    assert SECRET not in turned
    assert turned[33:41] == struct.pack(">I", 26) + b"eXIf"
    assert turned[71:] == drawn + end
    assert without_metadata(turned) == turned


def test_a_webp_says_no_more_that_it_has_metadata() -> None:
    """The flags of its head are those of what is left."""
    size = bytes(3) + (2).to_bytes(3, "little") + (1).to_bytes(3, "little")
    pixels = (b"VP8 ", b"pixels!")
    told = [(b"EXIF", tiff(3, ">")), (b"XMP ", SECRET), (b"prVt", SECRET)]
    kept = without_metadata(riff((b"VP8X", b"\x1c" + size), pixels, *told) + SECRET)
    assert SECRET not in kept
    assert kept[20] == 0x18
    assert kept[:12] == riff((b"VP8X", bytes(10)), pixels, (b"EXIF", bytes(26)))[:12]
    upright = without_metadata(riff((b"VP8X", b"\x1c" + size), pixels, (b"XMP ", SECRET)))
    assert upright == riff((b"VP8X", b"\x10" + size), pixels)


@pytest.mark.parametrize("content", [png(), jpeg(), *map(webp, (b"VP8X", b"VP8 ", b"VP8L"))])
def test_a_picture_without_metadata_stays_as_it_is(content: bytes) -> None:
    """Byte for byte."""
    assert without_metadata(content) == content


def test_a_real_picture_stays_as_it_is() -> None:
    """One of our own, as a browser made it."""
    content = (ROOT / "docs" / "images" / "sign-in.png").read_bytes()
    assert judge(without_metadata(content)) == judge(content)
    assert len(content) - len(without_metadata(content)) < 1000


@pytest.mark.parametrize(
    "content",
    [
        photo()[:60],  # in the middle of a segment
        jpeg() + b"\x00\x01",
        jpeg() + b"\xff",
        jpeg() + b"\xff\x00",
        png()[:33] + b"\xff\xff\xff\xffIDAT",
        png()[:36],
        webp(b"VP8X")[:-1],
        webp(b"VP8X")[:16] + bytes(4) + webp(b"VP8X")[20:],
        riff((b"VP8X", bytes(10)), (b"VP8 ", b"pixels"))[:-3],
    ],
)
def test_what_is_broken_is_refused(content: bytes) -> None:
    """A picture that cannot be read to its end might hide anything."""
    with pytest.raises(NoPicture):
        without_metadata(content)


@given(
    st.sampled_from([png()[:33], jpeg(), webp(b"VP8X"), photo()[:150]]),
    st.lists(st.binary(max_size=40) | st.sampled_from([b"\xff\xe1\0\x08Exif\0\0", b"\xff\xd9"])),
)
def test_no_bytes_break_it(start: bytes, rest: list[bytes]) -> None:
    """Whatever follows, it is a picture of the same size, or refused; twice is once."""
    content = start + b"".join(rest)
    with contextlib.suppress(NoPicture):
        kept = without_metadata(content)
        assert judge(kept) == judge(content)
        assert without_metadata(kept) == kept
