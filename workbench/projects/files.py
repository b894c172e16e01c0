"""Files: what they are, and their bytes in full or in part.

Spec: RFC 9110 §13 (conditional requests), §14 (ranges); RFC 6266.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response, request
from sqlalchemy import select

from workbench.database import db, outages_named
from workbench.problems import FILES_UNAVAILABLE, RANGE_NOT_SATISFIABLE, Refused, Unavailable
from workbench.projects.access import at_node
from workbench.projects.describing import node_told
from workbench.projects.disposition import content_disposition
from workbench.projects.kinds import OCTETS, may_show
from workbench.projects.model import Content, Part
from workbench.projects.permissions import Deed
from workbench.projects.storage import BlobMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.projects.storage import Storage
    from workbench.users.people import Person

_OK, _PARTIAL, _NOT_MODIFIED = 200, 206, 304
# Whatever a file holds, in a browser it is nobody: no script, no origin, no way out.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True, slots=True)
class File:
    """A file outside of any transaction.

    Attributes:
        parts: key and length of each blob, in order.
        tag: names these bytes; they never change.
    """

    name: str
    media_type: str
    size_bytes: int
    tag: str
    parts: tuple[tuple[str, int], ...]

    def read(self, storage: Storage, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from *start* up to and without *end*.

        Raises:
            BlobMissing: before the first piece, or in the middle; never a clean early end.
        """
        at = 0
        for key, length in self.parts:
            low, high = max(start - at, 0), min(end - at, length)
            if low < high:
                yield from storage.read(key, low, high)
            at += length


def shown(node_id: str, person: Person) -> tuple[dict[str, Any], int]:
    """Return the file as it is told, and its version."""
    node, access = at_node(node_id, person, Deed.SEE, kind="file")
    return node_told(node, access), node.version


def find(node_id: str, person: Person) -> File:
    """Return the file *node_id* for reading; no connection is held from here on."""
    with outages_named():
        node, _ = at_node(node_id, person, Deed.SEE, kind="file")
        content_id = db.session.scalars(
            select(Content.id).where(Content.pk == node.content_pk)
        ).one()
        parts = db.session.execute(
            select(Part.key, Part.size_bytes)
            .where(Part.content_pk == node.content_pk)
            .order_by(Part.number)
        )
        file = File(
            node.name, node.media_type or OCTETS, node.size_bytes or 0, content_id, tuple(parts)
        )
        db.session.remove()
    return file


def answer(file: File, storage: Storage, *, inline: bool) -> Response:
    """Return the answer to the request at hand: 200, 206 or 304.

    Raises:
        Refused: 416: the range begins behind the end.
        Unavailable: storage is silent.
    """
    shown_inline = inline and may_show(file.media_type)
    headers = {
        "ETag": f'"{file.tag}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition(file.name, inline=shown_inline),
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }
    if request.if_none_match.contains_weak(file.tag):
        return Response(status=_NOT_MODIFIED, headers=headers)
    start, end = _range(file)
    status = _OK
    if (start, end) != (0, file.size_bytes):
        status = _PARTIAL
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size_bytes}"
    body = () if request.method == "HEAD" else _begun(file.read(storage, start, end))
    response = Response(body, status, headers, content_type=_content_type(file.media_type))
    response.content_length = end - start
    return response


def _range(file: File) -> tuple[int, int]:
    """Return what is wanted: one range, or everything where there is none or several."""
    whole = 0, file.size_bytes
    wanted = request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return whole
    if_range = request.headers.get("If-Range")
    if if_range is not None and if_range.strip() != f'"{file.tag}"':
        return whole
    found = wanted.range_for_length(file.size_bytes)
    if found is None:
        raise Refused(
            RANGE_NOT_SATISFIABLE, headers={"Content-Range": f"bytes */{file.size_bytes}"}
        )
    return found


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Return *pieces* with the first one fetched: a silent storage is 503, not a broken 200."""
    try:
        first = next(pieces, b"")
    except BlobMissing as missing:
        raise Unavailable(FILES_UNAVAILABLE, hint=f"blob {missing} is missing") from None

    def everything() -> Iterator[bytes]:
        yield first
        yield from pieces

    return everything()


def _content_type(media_type: str) -> str:
    # Without a charset a browser guesses; a guess can be talked into another one.
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
