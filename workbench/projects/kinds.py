"""What kind of file bytes are: what the client says, held against what they begin with.

A browser is never handed anything that it would run: only pictures, sound, film and plain text may
be shown in place, everything else is downloaded.
"""

from __future__ import annotations

import re

OCTETS = "application/octet-stream"
_TOKEN = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,59}"  # noqa: S105 - RFC 6838's, not a password
_MEDIA_TYPE = re.compile(f"{_TOKEN}/{_TOKEN}")

# Leading bytes of the kinds that have them, and how many bytes to leave out before.
_SIGNATURES: tuple[tuple[str, int, bytes], ...] = (
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", 0, b"\xff\xd8\xff"),
    ("image/gif", 0, b"GIF87a"),
    ("image/gif", 0, b"GIF89a"),
    ("image/webp", 8, b"WEBPVP8"),
    ("image/avif", 4, b"ftypavif"),
    ("image/tiff", 0, b"II*\x00"),
    ("image/tiff", 0, b"MM\x00*"),
    ("application/pdf", 0, b"%PDF-"),
    ("application/zip", 0, b"PK\x03\x04"),
    ("application/zip", 0, b"PK\x05\x06"),
    ("application/gzip", 0, b"\x1f\x8b"),
    ("application/x-7z-compressed", 0, b"7z\xbc\xaf\x27\x1c"),
    ("application/vnd.rar", 0, b"Rar!\x1a\x07"),
    ("audio/mpeg", 0, b"ID3"),
    ("audio/ogg", 0, b"OggS"),
    ("audio/wav", 8, b"WAVE"),
    ("audio/flac", 0, b"fLaC"),
    ("video/webm", 0, b"\x1a\x45\xdf\xa3"),
    ("video/mp4", 4, b"ftyp"),
)
# Kinds whose bytes always begin in one way: whoever claims one of them must show it.
_CERTAIN = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/avif",
        "application/pdf",
        "application/zip",
        "application/gzip",
    }
)
# The same bytes under several names.
_KIN: dict[str, tuple[str, ...]] = {
    "application/zip": ("application/", "model/"),  # office documents, packages, books
    "application/gzip": ("application/", "image/svg"),
    "audio/ogg": ("audio/", "video/ogg", "application/ogg"),
    "video/webm": ("video/", "audio/"),
    "video/mp4": ("video/", "audio/", "image/hei"),
    "image/tiff": ("image/",),
}
_SHOWN = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/avif",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/flac",
        "video/mp4",
        "video/webm",
        "video/ogg",
        "text/plain",
    }
)


class KindMismatch(ValueError):  # noqa: N818 - an outcome
    """The bytes are not of the kind that was declared; the message says what they look like."""


def parse_media_type(value: str) -> str | None:
    """Return the media type in *value* without its parameters, or None where there is none."""
    essence = value.partition(";")[0].strip().lower()
    return essence if _MEDIA_TYPE.fullmatch(essence) else None


def judged(declared: str, head: bytes) -> str:
    """Return the kind of a file that begins with *head* and is said to be *declared*.

    Raises:
        KindMismatch: it is something else, which is no harmless difference of names.
    """
    seen = _seen(head)
    if declared in {OCTETS, seen}:
        return seen or declared
    if seen is not None and declared.startswith(_KIN.get(seen, ())) and declared not in _CERTAIN:
        return declared
    if declared in _CERTAIN or (seen is not None and _of_one_kind(declared)):
        raise KindMismatch(f"This looks like {seen or 'something else'}, not {declared}.")
    return declared if seen is None else seen


def may_show(media_type: str) -> bool:
    """Return whether a browser may show it in place; never what it could run."""
    return media_type in _SHOWN


def _seen(head: bytes) -> str | None:
    for media_type, skipped, signature in _SIGNATURES:
        if head[skipped:].startswith(signature):
            return media_type
    return None


def _of_one_kind(declared: str) -> bool:
    return declared.partition("/")[0] in {"image", "audio", "video", "text"}
