"""Posts: found with what the caller is to them, made, changed, deleted, liked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, select

from workbench.database import db
from workbench.journal import Verb, record
from workbench.kit.bodies import wrong_field
from workbench.kit.clock import utc_now
from workbench.kit.versions import require_match
from workbench.notifications import mentions
from workbench.notifications.model import Reason
from workbench.notifications.watching import notify
from workbench.statuses import search
from workbench.statuses.model import Like, Status
from workbench.statuses.permissions import ALLOWED, Deed, Standing
from workbench.teams import membership

if TYPE_CHECKING:
    from collections.abc import Collection

    from workbench.journal import Event
    from workbench.statuses.bodies import EditBody, PostBody
    from workbench.teams.membership import Standing as Place
    from workbench.users.people import Person

_PARTS = ("title", "body", "done", "problems", "next")


class Found(NamedTuple):
    """A post, the caller's place in its team, and what that makes them to it."""

    status: Status
    place: Place
    standing: Standing


def require_status(status_id: str, me: Person, deed: Deed, *, lock: bool = False) -> Found:
    """Return the post that *me* may do *deed* with; *lock* it where it is about to change.

    Raises:
        Refused: 404 where it is not there or not for *me*; 403 where it is not theirs to do.
    """
    query = select(Status).where(Status.id == status_id)
    status = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    place = membership.standing_at(status.team_pk, me.pk) if status else None
    if status is None or place is None:
        ALLOWED.require(deed, None)
        raise AssertionError("unreachable: who is nobody is refused")
    standing = Standing(place.role, own=status.author_pk == me.pk)
    ALLOWED.require(deed, standing)
    return Found(status, place, standing)


def group_pk_of(team_pk: int, group_id: str | None) -> int | None:
    """Return the pk of the team's group *group_id*, or None for None.

    Raises:
        Refused: ``invalid_fields``: the team has no such group.
    """
    if group_id is None:
        return None
    group = membership.find_group(team_pk, group_id)
    if group is None:
        raise wrong_field("group", "unknown", "There is no such group in this team.")
    return group.pk


def post(team_id: str, me: Person, body: PostBody) -> tuple[Status, Place]:
    """Make a post; in the transaction at hand."""
    place = membership.require_member(team_id, me.pk)
    ALLOWED.require(Deed.POST, Standing(place.role, own=True))
    status = Status(
        team_pk=place.team,
        group_pk=group_pk_of(place.team, body.group),
        author_pk=me.pk,
        **{name: getattr(body, name) for name in _PARTS},
    )
    db.session.add(status)
    db.session.flush()
    search.index(status)
    event = note(Verb.STATUS_POSTED, status, me, place)
    notify(event, {Reason.MENTION: mentioned(status.team_pk, _text(status))})
    return status, place


def edit(status_id: str, me: Person, body: EditBody) -> tuple[Status, Place]:
    """Change a post to what *body* says; in the transaction at hand."""
    status, place, _ = require_status(status_id, me, Deed.EDIT, lock=True)
    require_match(status.version)
    before = _text(status)
    if "group" in body.model_fields_set and not _is_group_of(status, body.group):
        status.group_pk = group_pk_of(status.team_pk, body.group)
    for name in body.model_fields_set - {"group"}:
        setattr(status, name, getattr(body, name))
    status.version += 1
    status.edited_at = utc_now()
    search.index(status)
    event = note(Verb.STATUS_EDITED, status, me, place)
    notify(event, {Reason.MENTION: mentioned(status.team_pk, _text(status), before)})
    return status, place


def remove(status_id: str, me: Person) -> None:
    """Delete a post with all that hangs on it; in the transaction at hand."""
    status, place, _ = require_status(status_id, me, Deed.DELETE, lock=True)
    note(Verb.STATUS_DELETED, status, me, place)
    db.session.delete(status)


def like(status_id: str, me: Person, *, liked: bool) -> Status:
    """Let *me* like a post, or no longer; done twice is done once. In the transaction at hand."""
    status, place, _ = require_status(status_id, me, Deed.LIKE, lock=True)
    own = (Like.status_pk == status.pk, Like.user_pk == me.pk)
    already = db.session.scalars(select(Like.user_pk).where(*own)).one_or_none() is not None
    if already == liked:
        return status
    if liked:
        db.session.add(Like(status_pk=status.pk, user_pk=me.pk))
    else:
        db.session.execute(delete(Like).where(*own))
    status.likes += 1 if liked else -1
    note(Verb.STATUS_LIKED if liked else Verb.STATUS_UNLIKED, status, me, place)
    return status


def note(verb: Verb, status: Status, me: Person, place: Place) -> Event:
    """Record what *me* did to *status*."""
    return record(
        verb,
        actor=me.pk,
        team=status.team_pk,
        group=status.group_pk or place.group,
        subject_kind="status",
        subject_id=status.id,
        title=status.title,
    )


def mentioned(team_pk: int, text: str, before: str = "") -> Collection[int]:
    """Return the pks of the team's members whom *text* names and *before* did not."""
    return mentions.find(text, lambda pks: membership.are_members(team_pk, pks), before=before)


def _is_group_of(status: Status, group_id: str | None) -> bool:
    """Return whether *status* is about that group already, which may be no more by now."""
    if status.group_pk is None or group_id is None:
        return False
    return membership.groups_named([status.group_pk])[status.group_pk].id == group_id


def _text(status: Status) -> str:
    return "\n\n".join(getattr(status, name) or "" for name in _PARTS)
