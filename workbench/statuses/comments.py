"""Comments on posts, and replies to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from workbench.database import db
from workbench.journal import Verb
from workbench.kit.bodies import wrong_field
from workbench.kit.clock import utc_now
from workbench.kit.pages import cut
from workbench.kit.versions import require_match
from workbench.notifications.model import Reason
from workbench.notifications.watching import notify
from workbench.problems import NOT_FOUND, Refused
from workbench.statuses import posts
from workbench.statuses.model import Comment, Status
from workbench.statuses.permissions import ALLOWED, Deed, Standing
from workbench.teams import membership

if TYPE_CHECKING:
    from workbench.paging import PageRequest
    from workbench.statuses.bodies import CommentBody, CommentEditBody
    from workbench.teams.membership import Standing as Place
    from workbench.users.people import Person


def page(status: Status, wanted: PageRequest) -> tuple[list[Comment], str | None]:
    """Return a page of the comments on *status*, oldest first."""
    query = select(Comment).where(Comment.status_pk == status.pk)
    rows, following = cut(query, Comment.pk, wanted)
    return [row[0] for row in rows], following


def write_comment(status_id: str, me: Person, body: CommentBody) -> Comment:
    """Add a comment; in the transaction at hand."""
    status, place, _ = posts.require_status(status_id, me, Deed.COMMENT, lock=True)
    above = _answered(status, body.reply_to) if body.reply_to else None
    comment = Comment(
        status_pk=status.pk,
        reply_to_pk=above.pk if above else None,
        author_pk=me.pk,
        body=body.body,
    )
    db.session.add(comment)
    db.session.flush()
    status.comments += 1
    event = posts.note(Verb.COMMENT_WRITTEN, status, me, place)
    told = {
        Reason.MENTION: posts.mentioned(status.team_pk, body.body),
        Reason.REPLY: [above.author_pk] if above else [],
        Reason.COMMENT: [status.author_pk],
    }
    notify(event, told, readers_among=lambda pks: membership.are_members(status.team_pk, pks))
    return comment


def edit_comment(comment_id: str, me: Person, body: CommentEditBody) -> Comment:
    """Give a comment other words; in the transaction at hand."""
    comment, status, place = _require(comment_id, me, Deed.EDIT_COMMENT)
    require_match(comment.version)
    before, comment.body = comment.body, body.body
    comment.version += 1
    comment.edited_at = utc_now()
    event = posts.note(Verb.COMMENT_EDITED, status, me, place)
    named = posts.mentioned(status.team_pk, comment.body, before)
    notify(event, {Reason.MENTION: named})
    return comment


def remove_comment(comment_id: str, me: Person) -> None:
    """Take a comment's words away; its place stays for the replies. In the transaction at hand."""
    comment, status, place = _require(comment_id, me, Deed.DELETE_COMMENT)
    comment.body = ""
    comment.version += 1
    comment.deleted_at = utc_now()
    status.comments -= 1
    posts.note(Verb.COMMENT_DELETED, status, me, place)


def _require(comment_id: str, me: Person, deed: Deed) -> tuple[Comment, Status, Place]:
    """Return a comment that is not deleted, locked, with its post, locked before it."""
    below = select(Comment.status_pk).where(Comment.id == comment_id).scalar_subquery()
    status = db.session.scalars(
        select(Status).where(Status.pk == below).with_for_update()
    ).one_or_none()
    comment = db.session.scalars(
        select(Comment)
        .where(Comment.id == comment_id, Comment.deleted_at.is_(None))
        .with_for_update()
    ).one_or_none()
    place = membership.standing_at(status.team_pk, me.pk) if status else None
    if status is None or comment is None or place is None:
        raise Refused(NOT_FOUND)
    ALLOWED.require(deed, Standing(place.role, own=comment.author_pk == me.pk))
    return comment, status, place


def _answered(status: Status, comment_id: str) -> Comment:
    """Return the comment on *status* that a reply names."""
    found = db.session.scalars(
        select(Comment).where(
            Comment.id == comment_id,
            Comment.status_pk == status.pk,
            Comment.deleted_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        raise wrong_field("reply_to", "unknown", "There is no such comment here.")
    return found
