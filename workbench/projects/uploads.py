"""Uploads: a file comes in chunks of one size, and goes on where it stopped.

A chunk counts when all of it is in storage, so a connection that is lost costs one chunk at most.
Chunks are what storage keeps: nothing is put together at the end, however large the file is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import StringConstraints
from sqlalchemy import func, select

from workbench.database import db, outages_named, start_over
from workbench.journal import Verb
from workbench.kit.bodies import Body, OneLine, wrong_field
from workbench.kit.clock import told, utc_now
from workbench.kit.transactions import write
from workbench.problems import (
    BAD_REQUEST,
    CHECKSUM_MISMATCH,
    LIMIT_REACHED,
    NOT_FOUND,
    WRONG_OFFSET,
    Refused,
)
from workbench.projects import searchable, tree
from workbench.projects.access import enter, enter_by_pk, find_folder
from workbench.projects.describing import node_told
from workbench.projects.fields import NodeId, NodeName
from workbench.projects.kinds import OCTETS, KindMismatch, judged, parse_media_type
from workbench.projects.model import MEDIA_TYPE_LENGTH, Content, Node, Part
from workbench.projects.noting import note_node
from workbench.projects.permissions import Deed
from workbench.projects.storage import BlobCut, new_key
from workbench.projects.trash import doom_contents

if TYPE_CHECKING:
    from workbench.projects.access import Access
    from workbench.projects.limits import Limits
    from workbench.projects.storage import Received, Storage
    from workbench.projects.storage.blobs import Source
    from workbench.users.people import Person

_SIZE_MAX = 2**53 - 1  # what every client can count


class UploadWanted(Body):
    """A file to come. `sha256` (hexadecimal, of all bytes) is checked before there is a file."""

    name: NodeName
    size: Annotated[int, "bytes"]
    type: Annotated[str, OneLine(MEDIA_TYPE_LENGTH, least=0)] = ""
    parent: NodeId | None = None
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a request brings: its place, its length, its digest where the client told."""

    offset: int
    length: int
    sha256: str | None
    source: Source


@dataclass(frozen=True, slots=True)
class _Open:
    """An upload outside of any transaction."""

    pk: int
    size_bytes: int
    chunk_bytes: int
    received_bytes: int
    declared_type: str
    sha256: str | None


def begin(project_id: str, person: Person, wanted: UploadWanted, limits: Limits) -> dict[str, Any]:
    """Announce a file; for a transaction of the caller. One without bytes is there at once."""
    if not 0 <= wanted.size <= min(limits.upload_bytes, _SIZE_MAX):
        raise wrong_field("size", "too_large", f"At most {limits.upload_bytes} bytes are taken.")
    declared = parse_media_type(wanted.type) if wanted.type else OCTETS
    if declared is None:
        raise wrong_field("type", "malformed", "Write a media type, such as image/png.")
    if not limits.takes(declared):
        raise wrong_field("type", "not_taken", "Files of this kind are not taken here.")
    access = enter(project_id, person, Deed.WRITE, lock=True)
    _require_bytes(access, wanted.size, limits)
    folder = find_folder(access.project, wanted.parent)
    content = Content(
        project_pk=access.project.pk,
        parent_pk=folder.pk if folder else None,
        name=wanted.name,
        declared_type=declared,
        size_bytes=wanted.size,
        chunk_bytes=limits.chunk_bytes,
        received_bytes=0,
        sha256=wanted.sha256,
        created_by=person.pk,
    )
    db.session.add(content)
    db.session.flush()
    file = None
    if wanted.size == 0:
        _require_digest(wanted.sha256, hashlib.sha256().hexdigest())
        content.media_type = declared
        file = _finish(content, access, limits)
    return _told(content, file)


def state(upload_id: str, person: Person) -> dict[str, Any]:
    """Return how far the person's upload is, with its file where all bytes are there."""
    content = _own(upload_id, person)
    access = enter_by_pk(content.project_pk, person, Deed.SEE)
    node = db.session.get(Node, content.node_pk) if content.node_pk else None
    return _told(content, node_told(node, access) if node else None)


def abandon(upload_id: str, person: Person) -> None:
    """Forget an upload and what came of it; for a transaction of the caller."""
    content = _own(upload_id, person, lock=True)
    if content.node_pk is not None:
        raise Refused(NOT_FOUND)
    doom_contents([content.pk])


def take(
    upload_id: str, person: Person, chunk: Chunk, storage: Storage, limits: Limits
) -> dict[str, Any]:
    """Keep *chunk*; with the last one the file is there. No transaction is open while it comes.

    Raises:
        Refused: 409 with the right offset; 422 for bytes that are not what was said.
    """
    with outages_named():
        opened = _open(upload_id, person)
        start_over()
    _require_place(opened, chunk)
    key = new_key()
    try:
        received = storage.put(key, chunk.source, chunk.length)
    except BlobCut:
        raise Refused(BAD_REQUEST, detail="The chunk broke off; send it again.") from None
    try:
        _require_digest(chunk.sha256, received.sha256)
        kind = _kind_of(opened, received) if chunk.offset == 0 else None
        if opened.sha256 and chunk.offset + chunk.length == opened.size_bytes:
            _require_digest(opened.sha256, _digest_of_all(opened, storage, key, chunk.length))
        answer, kept = write(
            lambda: _keep(upload_id, person, chunk, _Kept(key, received, kind), limits)
        )
    except Refused:
        storage.delete(key)
        raise  # but not after an outage: the commit may have stood; `upkeep` finds out
    if not kept:
        storage.delete(key)
    return answer


@dataclass(frozen=True, slots=True)
class _Kept:
    key: str
    received: Received
    kind: str | None


def _keep(
    upload_id: str, person: Person, chunk: Chunk, blob: _Kept, limits: Limits
) -> tuple[dict[str, Any], bool]:
    """Enter the blob as the upload's next part; return the upload, and whether it was taken."""
    content = _own(upload_id, person, lock=True)
    last = chunk.offset + chunk.length == content.size_bytes
    access = enter_by_pk(content.project_pk, person, Deed.WRITE, lock=last)
    number = chunk.offset // content.chunk_bytes
    if content.received_bytes != chunk.offset:
        known = db.session.scalars(
            select(Part.sha256).where(Part.content_pk == content.pk, Part.number == number)
        ).one_or_none()
        if known != blob.received.sha256:
            raise _wrong_offset(content.received_bytes)
        node = db.session.get(Node, content.node_pk) if content.node_pk else None
        return _told(content, node_told(node, access) if node else None), False
    part = Part(
        content_pk=content.pk,
        number=number,
        key=blob.key,
        size_bytes=chunk.length,
        sha256=blob.received.sha256,
    )
    db.session.add(part)
    content.received_bytes += chunk.length
    content.touched_at = utc_now()
    content.media_type = blob.kind or content.media_type
    db.session.flush()
    return _told(content, _finish(content, access, limits) if last else None), True


def _finish(content: Content, access: Access, limits: Limits) -> dict[str, Any]:
    """Make the file's node; a folder that is gone by now is the top, a taken name gets a number."""
    parent = db.session.get(Node, content.parent_pk) if content.parent_pk else None
    parent_id = parent.id if parent and parent.trash_pk is None else None
    node = Node(
        kind="file",
        name=content.name,
        size_bytes=content.size_bytes,
        media_type=content.media_type,
        content_pk=content.pk,
    )
    tree.add(access, node, parent_id, rename=True, limit=limits.project_nodes)
    content.node_pk = node.pk
    note_node(Verb.FILE_UPLOADED, access, node)
    searchable.index(node)
    db.session.flush()
    return node_told(node, access)


def _require_bytes(access: Access, wanted: int, limits: Limits) -> None:
    """Pass when the locked project may hold as many bytes more as are *wanted*."""
    # What is only announced counts: else many uploads begun at once would all fit.
    query = select(func.sum(Content.size_bytes)).where(Content.project_pk == access.project.pk)
    if (db.session.scalar(query) or 0) + wanted > limits.project_bytes:
        message = f"The files of a project take at most {limits.project_bytes} bytes."
        raise Refused(LIMIT_REACHED, detail=message)


def _open(upload_id: str, person: Person) -> _Open:
    content = _own(upload_id, person)
    enter_by_pk(content.project_pk, person, Deed.WRITE)
    return _Open(
        content.pk,
        content.size_bytes,
        content.chunk_bytes,
        content.received_bytes,
        content.declared_type,
        content.sha256,
    )


def _own(upload_id: str, person: Person, *, lock: bool = False) -> Content:
    """Return the person's own upload; another's is not there."""
    query = select(Content).where(Content.id == upload_id, Content.created_by == person.pk)
    found = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise Refused(NOT_FOUND)
    return found


def _require_place(opened: _Open, chunk: Chunk) -> None:
    """Pass when *chunk* is the next one, or one that was sent twice; its length must be right."""
    expected = min(opened.chunk_bytes, opened.size_bytes - chunk.offset)
    if chunk.offset > opened.received_bytes or chunk.offset % opened.chunk_bytes:
        raise _wrong_offset(opened.received_bytes)
    # A retry of the chunk before this one: its answer was lost on the way.
    if chunk.offset < opened.received_bytes - opened.chunk_bytes or expected <= 0:
        raise _wrong_offset(opened.received_bytes)
    if chunk.length != expected:
        raise Refused(BAD_REQUEST, detail=f"Send {expected} bytes at this offset.")


def _wrong_offset(right: int) -> Refused:
    return Refused(
        WRONG_OFFSET,
        detail=f"Go on at byte {right}.",
        members={"offset": right},
        headers={"Upload-Offset": str(right)},
    )


def _require_digest(said: str | None, found: str) -> None:
    if said is not None and said != found:
        raise Refused(CHECKSUM_MISMATCH, detail="The bytes are not those that were announced.")


def _kind_of(opened: _Open, received: Received) -> str:
    try:
        return judged(opened.declared_type, received.head)
    except KindMismatch as mismatch:
        raise wrong_field("type", "mismatch", str(mismatch)) from None


def _digest_of_all(opened: _Open, storage: Storage, last_key: str, last_bytes: int) -> str:
    with outages_named():
        rows = db.session.execute(
            select(Part.key, Part.size_bytes)
            .where(Part.content_pk == opened.pk)
            .order_by(Part.number)
        )
        parts = [*rows, (last_key, last_bytes)]
        start_over()
    digest = hashlib.sha256()
    for key, size_bytes in parts:
        for piece in storage.read(key, 0, size_bytes):
            digest.update(piece)
    return digest.hexdigest()


def parse_checksum(header: str | None) -> str | None:
    """Return the SHA-256 (hexadecimal) that an ``Upload-Checksum`` names: ``sha256 <base64>``.

    Raises:
        Refused: 400: it is something else.
    """
    if header is None:
        return None
    algorithm, _, value = header.strip().partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        digest = b""
    if algorithm.lower() != "sha256" or len(digest) != hashlib.sha256().digest_size:
        raise Refused(BAD_REQUEST, detail="Upload-Checksum: write sha256 and the digest in base64")
    return digest.hex()


def _told(content: Content, file: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": content.id,
        "name": content.name,
        "size": content.size_bytes,
        "offset": content.received_bytes,
        "chunk_bytes": content.chunk_bytes,
        "created_at": told(content.created_at),
        "file": file,
    }
