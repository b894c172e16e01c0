"""The seam: what both kinds of storage can do, and how bytes are taken in."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

PIECE_BYTES = 65_536
HEAD_BYTES = 512  # what a file's kind is told from
_KEY_BYTES = 16
_KEY = re.compile(r"[0-9a-f]{32}")


class BlobMissing(Exception):  # noqa: N818 - an outcome
    """There is no such blob."""


class BlobCut(Exception):  # noqa: N818 - an outcome
    """Fewer bytes came than were announced; nothing was kept."""


@dataclass(frozen=True, slots=True)
class Received:
    """What was taken in.

    Attributes:
        sha256: of the bytes, in hexadecimal.
        head: the first bytes.
    """

    sha256: str
    head: bytes


class Source(Protocol):
    """Where the bytes come from; a request's stream, for instance."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most *size* bytes; none at the end."""


class Storage(Protocol):
    """A place for blobs. Methods may be called from any thread.

    Raises, in each method: `httpkit.problems.Unavailable` where the place gives no answer.
    """

    def put(self, key: str, source: Source, size_bytes: int) -> Received:
        """Keep *size_bytes* of *source* under *key*; it is there for good once this returns.

        Raises:
            BlobCut: the source ended early.
        """

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from *start* up to and without *end*, in pieces.

        Raises:
            BlobMissing: before the first piece.
        """

    def delete(self, key: str) -> None:
        """Forget *key*; it need not be there."""

    def keys(self, *, older_than: datetime) -> Iterator[str]:
        """Yield the key of every blob that has not been touched since (UTC, without zone)."""


def new_key() -> str:
    """Return a fresh key."""
    return secrets.token_hex(_KEY_BYTES)


def is_key(text: str) -> bool:
    """Return whether *text* has the form of a key."""
    return bool(_KEY.fullmatch(text))


def take_in(source: Source, size_bytes: int, target: IO[bytes]) -> Received:
    """Copy *size_bytes* of *source* to *target* with flat memory.

    Raises:
        BlobCut: the source ended early.
    """
    digest, head, left = hashlib.sha256(), b"", size_bytes
    while left:
        try:
            piece = source.read(min(PIECE_BYTES, left))
        except OSError:
            raise BlobCut from None  # the sender is gone; our disk is not to blame
        if not piece:
            raise BlobCut
        if len(head) < HEAD_BYTES:
            head += piece[: HEAD_BYTES - len(head)]
        digest.update(piece)
        target.write(piece)
        left -= len(piece)
    return Received(digest.hexdigest(), head)
