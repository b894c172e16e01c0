"""Documents and their history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from workbench.database import outages_named
from workbench.kit.answers import created, shown
from workbench.kit.bodies import read_body
from workbench.kit.idempotency import once
from workbench.kit.transactions import write
from workbench.paging import PageRequest
from workbench.problems import BAD_REQUEST, Refused
from workbench.projects import documents
from workbench.projects.views.scopes import READ, WRITE

if TYPE_CHECKING:
    from workbench.kit.answers import Answer
    from workbench.projects.limits import Limits
    from workbench.users.people import Callers

# A character of a text takes up to six bytes as JSON (`\u4e2d` for three of UTF-8).
_JSON_FACTOR = 2
_ENVELOPE_BYTES = 65_536
_NUMBER_DIGITS = 9


def add_routes(room: Blueprint, callers: Callers, limits: Limits) -> None:
    """Add the routes to *room*."""
    _add_texts(room, callers, limits)
    _add_history(room, callers)


def _add_texts(room: Blueprint, callers: Callers, limits: Limits) -> None:
    body_limit_bytes = limits.document_bytes * _JSON_FACTOR + _ENVELOPE_BYTES

    @room.post("/projects/<id:project>/documents")
    def make_document(project: str) -> Response:
        """Write a new document."""
        person = callers.require(WRITE)
        request.max_content_length = body_limit_bytes
        wanted = read_body(documents.DocumentWanted)

        def work() -> Answer:
            document, revision = documents.make(project, person, wanted, limits)
            return created(document, at=f"/documents/{document['id']}", version=revision)

        return once(person.id, work)

    @room.get("/documents/<id:node>")
    def show_document(node: str) -> Response:
        """Show a document with its text."""
        person = callers.require(READ)
        with outages_named():
            document, revision = documents.shown(node, person)
        return shown(document, version=revision).response()

    @room.put("/documents/<id:node>")
    def save(node: str) -> Response:
        """Save a document's text as its next revision."""
        person = callers.require(WRITE)
        request.max_content_length = body_limit_bytes
        wanted = read_body(documents.Save)
        try:
            document, revision = write(lambda: documents.save(node, person, wanted, limits))
        except documents.Overtaken as overtaken:
            raise overtaken.refusal() from None
        return shown(document, version=revision).response()

    @room.post("/documents/<id:node>/restore")
    def restore(node: str) -> Response:
        """Make an old revision the newest one."""
        person = callers.require(WRITE)
        wanted = read_body(documents.RestoreWanted)
        try:
            document, revision = write(lambda: documents.restore(node, person, wanted))
        except documents.Overtaken as overtaken:
            raise overtaken.refusal() from None
        return shown(document, version=revision).response()


def _add_history(room: Blueprint, callers: Callers) -> None:
    @room.get("/documents/<id:node>/revisions")
    def history(node: str) -> Response:
        """List a document's revisions."""
        person = callers.require(READ)
        wanted = PageRequest.parse(request.args)
        with outages_named():
            return shown(documents.history(node, person, wanted)).response()

    @room.get(f"/documents/<id:node>/revisions/<int(max={documents.REVISION_MAX}):number>")
    def revision(node: str, number: int) -> Response:
        """Show one revision with its text."""
        person = callers.require(READ)
        with outages_named():
            return shown(documents.revision_shown(node, person, number)).response()

    @room.get("/documents/<id:node>/diff")
    def compared(node: str) -> Response:
        """Show what changed between two revisions."""
        person = callers.require(READ)
        old, new = _number("from"), _number("to")
        if old is None:
            raise Refused(BAD_REQUEST, detail="from: write the number of a revision")
        with outages_named():
            return shown(documents.compared(node, person, old, new)).response()


def _number(name: str) -> int | None:
    text: Any = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS and int(text)):
        raise Refused(BAD_REQUEST, detail=f"{name}: write the number of a revision")
    return int(text)
