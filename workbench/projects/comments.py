"""Comments on documents and files: threads of one comment and its replies.

Whoever is deleted above replies leaves a stub, so that the replies keep what they hang on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import StringConstraints
from sqlalchemy import or_, select, update

from workbench.database import db
from workbench.journal import Verb
from workbench.kit.bodies import Body, Prose, wrong_field
from workbench.kit.clock import told, utc_now
from workbench.kit.pages import cut
from workbench.kit.versions import require_match
from workbench.notifications.model import Reason
from workbench.problems import LIMIT_REACHED, NOT_FOUND, Refused
from workbench.projects.access import Access, at_node, enter_by_pk
from workbench.projects.model import COMMENT_LENGTH, Comment, Node
from workbench.projects.noting import named_in, note_node
from workbench.projects.permissions import ON_COMMENT, Deed, DeedOn
from workbench.users.people import people_of

if TYPE_CHECKING:
    from workbench.paging import PageRequest
    from workbench.users.people import Person

REPLIES_MAX = 500


class CommentWanted(Body):
    """A comment; `reply_to` names the one it answers."""

    body: Annotated[str, Prose(COMMENT_LENGTH, least=1)]
    reply_to: Annotated[str, StringConstraints(pattern="^cm_[0-9a-f]{24}$")] | None = None


class CommentChange(Body):
    """What a comment is to say."""

    body: Annotated[str, Prose(COMMENT_LENGTH, least=1)]


def write_comment(node_id: str, person: Person, wanted: CommentWanted) -> dict[str, Any]:
    """Add a comment; for a transaction of the caller."""
    node, access = at_node(node_id, person, Deed.COMMENT)
    if node.kind == "folder":
        raise Refused(NOT_FOUND)
    above = _locked_above(node, wanted.reply_to) if wanted.reply_to else None
    thread = above[0] if above else None
    comment = Comment(
        node_pk=node.pk,
        thread_pk=thread.pk if thread else None,
        body=wanted.body,
        author_pk=person.pk,
    )
    db.session.add(comment)
    if thread is not None:
        thread.replies += 1
    db.session.flush()
    told_of = named_in(access, wanted.body)
    told_of |= {Reason.REPLY: [above[1]] if above else [], Reason.COMMENT: [node.created_by]}
    note_node(Verb.COMMENT_WRITTEN, access, node, told=told_of)
    return _told(comment, {person.pk: person}, [])


def page(node_id: str, person: Person, wanted: PageRequest) -> dict[str, Any]:
    """Return a page of threads, oldest first, each with all of its replies."""
    node, _ = at_node(node_id, person, Deed.SEE, trashed=True)
    first = select(Comment).where(
        Comment.node_pk == node.pk,
        Comment.thread_pk.is_(None),
        or_(Comment.deleted_at.is_(None), Comment.replies > 0),
    )
    rows, following = cut(first, Comment.pk, wanted)
    threads = [row[0] for row in rows]
    answered = [thread.pk for thread in threads if thread.replies]
    replies: dict[int, list[Comment]] = {}
    if answered:
        query = select(Comment).where(Comment.thread_pk.in_(answered), Comment.deleted_at.is_(None))
        for reply in db.session.scalars(query.order_by(Comment.pk)):
            replies.setdefault(reply.thread_pk or 0, []).append(reply)
    everything = [*threads, *(reply for several in replies.values() for reply in several)]
    people = people_of(comment.author_pk for comment in everything)
    items = [_told(thread, people, replies.get(thread.pk, [])) for thread in threads]
    return {"items": items, "next": following}


def change(comment_id: str, person: Person, wanted: CommentChange) -> tuple[dict[str, Any], int]:
    """Let the author say it differently; for a transaction of the caller."""
    comment, node, access = _locked(comment_id, person, DeedOn.EDIT)
    require_match(comment.version)
    if comment.body != wanted.body:
        before, comment.body, comment.edited_at = comment.body, wanted.body, utc_now()
        comment.version += 1
        named = named_in(access, wanted.body, before)
        note_node(Verb.COMMENT_EDITED, access, node, told=named)
    return _told(comment, {person.pk: person}, []), comment.version


def delete(comment_id: str, person: Person) -> None:
    """Take a comment away; for a transaction of the caller."""
    comment, node, access = _locked(comment_id, person, DeedOn.DELETE)
    comment.deleted_at, comment.deleted_by = utc_now(), person.pk
    comment.body = ""  # what was taken back is not kept
    if comment.thread_pk is not None:
        db.session.execute(
            update(Comment)
            .where(Comment.pk == comment.thread_pk)
            .values(replies=Comment.replies - 1),
            execution_options={"synchronize_session": False},
        )
    note_node(Verb.COMMENT_DELETED, access, node)


def _locked(comment_id: str, person: Person, deed: DeedOn) -> tuple[Comment, Node, Access]:
    """Return a live comment, locked, where *person* may do *deed* to it.

    Raises:
        Refused: 404 or 403.
    """
    comment = db.session.scalars(
        select(Comment).where(Comment.id == comment_id).with_for_update()
    ).one_or_none()
    if comment is None:
        raise Refused(NOT_FOUND)
    node = db.session.get_one(Node, comment.node_pk)
    access = enter_by_pk(node.project_pk, person, Deed.SEE)
    if comment.deleted_at is not None or node.trash_pk is not None:
        raise Refused(NOT_FOUND)
    ON_COMMENT.require(deed, (access.standing, comment.author_pk == person.pk))
    return comment, node, access


def _locked_above(node: Node, comment_id: str) -> tuple[Comment, int]:
    """Return the thread that *comment_id* belongs to, locked, and the pk of who wrote the latter.

    Raises:
        Refused: 422: there is no such comment here; 409: the thread is full.
    """
    found = db.session.execute(
        select(Comment.pk, Comment.thread_pk, Comment.author_pk).where(
            Comment.id == comment_id,
            Comment.node_pk == node.pk,
            or_(Comment.deleted_at.is_(None), Comment.replies > 0),
        )
    ).one_or_none()
    if found is None:
        raise wrong_field("reply_to", "not_there", "There is no such comment here.")
    thread = db.session.scalars(
        select(Comment).where(Comment.pk == (found.thread_pk or found.pk)).with_for_update()
    ).one()
    if thread.replies >= REPLIES_MAX:
        raise Refused(LIMIT_REACHED, detail=f"A thread has at most {REPLIES_MAX} replies.")
    return thread, found.author_pk


def _told(comment: Comment, people: dict[int, Person], replies: list[Comment]) -> dict[str, Any]:
    gone = comment.deleted_at is not None
    return {
        "id": comment.id,
        "body": None if gone else comment.body,
        "author": None if gone else people[comment.author_pk].embedded(),
        "created_at": told(comment.created_at),
        "edited_at": told(comment.edited_at),
        "deleted": gone,
        "version": comment.version,
        "replies": [_told(reply, people, []) for reply in replies],
    }
