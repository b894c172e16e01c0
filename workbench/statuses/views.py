"""HTTP of posts, their comments and likes, and the digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request

from workbench.database import outages_named
from workbench.kit.answers import Answer, created, gone, shown
from workbench.kit.bodies import read_body
from workbench.kit.days import parse_week, parse_zone
from workbench.kit.idempotency import once
from workbench.kit.transactions import write
from workbench.paging import PageRequest
from workbench.statuses import comments, digest, documents, listing, posts
from workbench.statuses.bodies import CommentBody, CommentEditBody, EditBody, PostBody
from workbench.statuses.permissions import Deed
from workbench.teams import membership

if TYPE_CHECKING:
    from workbench.users.people import Callers

READ, WRITE = "status:read", "status:write"


def create_blueprint(callers: Callers) -> Blueprint:
    """Return the room's routes."""
    room = Blueprint("statuses", __name__)
    _add_team_routes(room, callers)
    _add_status_routes(room, callers)
    _add_comment_routes(room, callers)
    return room


def _add_team_routes(room: Blueprint, callers: Callers) -> None:
    @room.get("/teams/<id:team>/statuses")
    def list_statuses(team: str) -> Response:
        """Answer a page of the team's posts, newest first."""
        me = callers.require(READ)
        filters, wanted = listing.Filters.parse(request.args), PageRequest.parse(request.args)
        with outages_named():
            place = membership.require_member(team, me.pk)
            found, following = listing.page(place, filters, wanted)
            return jsonify(items=documents.statuses(found, me), next=following)

    @room.post("/teams/<id:team>/statuses")
    def post_status(team: str) -> Response:
        """Make a post."""
        me, body = callers.require(WRITE), read_body(PostBody)

        def work() -> Answer:
            status, _ = posts.post(team, me, body)
            document = documents.status(status, me)
            return created(document, at=f"/statuses/{status.id}", version=status.version)

        return once(me.id, work)

    @room.get("/teams/<id:team>/digest")
    def week_digest(team: str) -> Response:
        """Answer what everybody did in one week."""
        me = callers.require(READ)
        zone = parse_zone(request.args)
        week, monday = parse_week(request.args, zone)
        with outages_named():
            place = membership.require_member(team, me.pk)
            return jsonify(digest.of_week(place, week, monday, zone))


def _add_status_routes(room: Blueprint, callers: Callers) -> None:
    @room.get("/statuses/<id:status>")
    def show(status: str) -> Response:
        """Answer one post."""
        me = callers.require(READ)
        with outages_named():
            found = posts.require_status(status, me, Deed.SEE).status
            return shown(documents.status(found, me), version=found.version).response()

    @room.patch("/statuses/<id:status>")
    def edit(status: str) -> Response:
        """Change the caller's own post."""
        me, body = callers.require(WRITE), read_body(EditBody)

        def work() -> Answer:
            changed, _ = posts.edit(status, me, body)
            return shown(documents.status(changed, me), version=changed.version)

        return write(work).response()

    @room.delete("/statuses/<id:status>")
    def delete(status: str) -> Response:
        """Delete a post with its comments and likes."""
        me = callers.require(WRITE)
        write(lambda: posts.remove(status, me))
        return gone().response()

    @room.put("/statuses/<id:status>/like")
    def like(status: str) -> Response:
        """Like a post; twice is once."""
        return _liked(status, liked=True)

    @room.delete("/statuses/<id:status>/like")
    def unlike(status: str) -> Response:
        """Like it no longer."""
        return _liked(status, liked=False)

    def _liked(status: str, *, liked: bool) -> Response:
        me = callers.require(WRITE)

        def work() -> Answer:
            found = posts.like(status, me, liked=liked)
            return shown({"likes": found.likes, "liked": liked})

        return write(work).response()


def _add_comment_routes(room: Blueprint, callers: Callers) -> None:
    @room.get("/statuses/<id:status>/comments")
    def list_comments(status: str) -> Response:
        """Answer a page of the comments, oldest first."""
        me, wanted = callers.require(READ), PageRequest.parse(request.args)
        with outages_named():
            found = posts.require_status(status, me, Deed.SEE).status
            written, following = comments.page(found, wanted)
            return jsonify(items=documents.comments(written), next=following)

    @room.post("/statuses/<id:status>/comments")
    def write_comment(status: str) -> Response:
        """Comment, or answer a comment."""
        me, body = callers.require(WRITE), read_body(CommentBody)

        def work() -> Answer:
            comment = comments.write_comment(status, me, body)
            [document] = documents.comments([comment])
            return created(document, at=f"/status-comments/{comment.id}", version=comment.version)

        return once(me.id, work)

    @room.patch("/status-comments/<id:comment>")
    def edit_comment(comment: str) -> Response:
        """Give the caller's own comment other words."""
        me, body = callers.require(WRITE), read_body(CommentEditBody)

        def work() -> Answer:
            changed = comments.edit_comment(comment, me, body)
            return shown(documents.comments([changed])[0], version=changed.version)

        return write(work).response()

    @room.delete("/status-comments/<id:comment>")
    def delete_comment(comment: str) -> Response:
        """Take a comment's words away."""
        me = callers.require(WRITE)
        write(lambda: comments.remove_comment(comment, me))
        return gone().response()
