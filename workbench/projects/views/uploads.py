"""Uploads. A chunk's bytes go straight to storage; nothing of them is held here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from workbench.database import outages_named
from workbench.kit.answers import Answer, created, gone
from workbench.kit.bodies import read_body
from workbench.kit.idempotency import once
from workbench.kit.transactions import write
from workbench.problems import BAD_REQUEST, Refused
from workbench.projects import uploads
from workbench.projects.upkeep import delete_doomed
from workbench.projects.views.scopes import WRITE

if TYPE_CHECKING:
    from workbench.projects.limits import Limits
    from workbench.projects.storage import Storage
    from workbench.projects.upkeep import Tidier
    from workbench.users.people import Callers

OFFSET = "Upload-Offset"
CHECKSUM = "Upload-Checksum"
_DIGITS = 16


def add_routes(
    room: Blueprint, callers: Callers, storage: Storage, limits: Limits, tidier: Tidier
) -> None:
    """Add the routes to *room*."""

    @room.post("/projects/<id:project>/uploads")
    def begin(project: str) -> Response:
        """Announce a file."""
        person = callers.require(WRITE)
        wanted = read_body(uploads.UploadWanted)

        def work() -> Answer:
            document = uploads.begin(project, person, wanted, limits)
            return created(document, at=f"/uploads/{document['id']}")

        answer = once(person.id, work)
        tidier.now_and_then()
        return answer

    @room.get("/uploads/<id:upload>")
    def state(upload: str) -> Response:
        """Tell how far an upload is."""
        person = callers.require(WRITE)
        with outages_named():
            return _told(uploads.state(upload, person))

    @room.patch("/uploads/<id:upload>")
    def take(upload: str) -> Response:
        """Take the next chunk."""
        person = callers.require(WRITE)
        # Whole chunks of an upload that began under another setting still fit.
        request.max_content_length = max(limits.chunk_bytes, request.content_length or 0)
        chunk = uploads.Chunk(
            offset=_offset(),
            length=_length(),
            sha256=uploads.parse_checksum(request.headers.get(CHECKSUM)),
            source=request.stream,
        )
        return _told(uploads.take(upload, person, chunk, storage, limits))

    @room.delete("/uploads/<id:upload>")
    def abandon(upload: str) -> Response:
        """Give an upload up."""
        person = callers.require(WRITE)
        write(lambda: uploads.abandon(upload, person))
        delete_doomed(storage)
        return gone().response()


def _told(document: dict[str, Any]) -> Response:
    headers = {OFFSET: str(document["offset"])}
    return Answer(document, headers=headers).response()


def _offset() -> int:
    text = request.headers.get(OFFSET, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise Refused(BAD_REQUEST, detail=f"{OFFSET}: write the byte at which the chunk begins")
    return int(text)


def _length() -> int:
    length = request.content_length
    if not length:
        raise Refused(BAD_REQUEST, detail="Content-Length: a chunk's length must be told")
    return length
