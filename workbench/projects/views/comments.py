"""Comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from workbench.database import outages_named
from workbench.kit.answers import created, gone, shown
from workbench.kit.bodies import read_body
from workbench.kit.idempotency import once
from workbench.kit.transactions import write
from workbench.paging import PageRequest
from workbench.projects import comments
from workbench.projects.views.scopes import READ, WRITE

if TYPE_CHECKING:
    from workbench.kit.answers import Answer
    from workbench.users.people import Callers


def add_routes(room: Blueprint, callers: Callers) -> None:
    """Add the routes to *room*."""

    @room.get("/nodes/<id:node>/comments")
    def listing_comments(node: str) -> Response:
        """List the threads on a document or file."""
        person = callers.require(READ)
        wanted = PageRequest.parse(request.args)
        with outages_named():
            return shown(comments.page(node, person, wanted)).response()

    @room.post("/nodes/<id:node>/comments")
    def write_comment(node: str) -> Response:
        """Write a comment or a reply."""
        person = callers.require(WRITE)
        wanted = read_body(comments.CommentWanted)

        def work() -> Answer:
            document = comments.write_comment(node, person, wanted)
            return created(document, at=f"/comments/{document['id']}", version=1)

        return once(person.id, work)

    @room.patch("/comments/<id:comment>")
    def change_comment(comment: str) -> Response:
        """Say it differently."""
        person = callers.require(WRITE)
        wanted = read_body(comments.CommentChange)
        document, version = write(lambda: comments.change(comment, person, wanted))
        return shown(document, version=version).response()

    @room.delete("/comments/<id:comment>")
    def delete_comment(comment: str) -> Response:
        """Take a comment away."""
        person = callers.require(WRITE)
        write(lambda: comments.delete(comment, person))
        return gone().response()
