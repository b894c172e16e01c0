"""Posts and comments as clients are told of them; each list costs a fixed number of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from workbench.database import db
from workbench.kit.clock import told
from workbench.statuses.model import Comment, Like
from workbench.teams import membership
from workbench.users.people import people_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.statuses.model import Status
    from workbench.users.people import Person


def statuses(found: Sequence[Status], me: Person) -> list[dict[str, Any]]:
    """Return posts as *me* sees them: four queries, however many there are."""
    people = people_of(status.author_pk for status in found)
    teams = membership.teams_named({status.team_pk for status in found})
    groups = membership.groups_named({pk for status in found if (pk := status.group_pk)})
    liked = _liked(found, me)
    return [
        {
            "id": status.id,
            "team": teams[status.team_pk].embedded(),
            "group": groups[status.group_pk].embedded() if status.group_pk in groups else None,
            "author": people[status.author_pk].embedded(),
            "title": status.title,
            "body": status.body,
            "done": status.done,
            "problems": status.problems,
            "next": status.next,
            "likes": status.likes,
            "liked": status.pk in liked,
            "comments": status.comments,
            "version": status.version,
            "created_at": told(status.created_at),
            "edited_at": told(status.edited_at),
        }
        for status in found
    ]


def status(one: Status, me: Person) -> dict[str, Any]:
    """Return one post as *me* sees it."""
    return statuses([one], me)[0]


def comments(found: Sequence[Comment]) -> list[dict[str, Any]]:
    """Return comments; of a deleted one nothing is told but its place."""
    people = people_of(comment.author_pk for comment in found if comment.deleted_at is None)
    above = _ids_of({pk for comment in found if (pk := comment.reply_to_pk)})
    return [
        {
            "id": comment.id,
            "reply_to": above.get(comment.reply_to_pk or 0),
            "author": people[comment.author_pk].embedded() if not comment.deleted_at else None,
            "body": comment.body if not comment.deleted_at else None,
            "version": comment.version,
            "created_at": told(comment.created_at),
            "edited_at": told(comment.edited_at),
            "deleted_at": told(comment.deleted_at),
        }
        for comment in found
    ]


def _liked(found: Sequence[Status], me: Person) -> set[int]:
    if not found:
        return set()
    pks = [status.pk for status in found]
    query = select(Like.status_pk).where(Like.user_pk == me.pk, Like.status_pk.in_(pks))
    return set(db.session.scalars(query))


def _ids_of(pks: set[int]) -> dict[int, str]:
    if not pks:
        return {}
    rows = db.session.execute(select(Comment.pk, Comment.id).where(Comment.pk.in_(pks)))
    return {row.pk: row.id for row in rows}
