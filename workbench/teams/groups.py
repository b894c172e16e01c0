"""Groups: the parts of a team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from sqlalchemy import func, select, update

from workbench.database import db, outages_named
from workbench.journal import Verb, record
from workbench.kit.answers import Answer, created, gone, shown
from workbench.kit.bodies import Body, OneLine, wrong_field
from workbench.kit.clock import utc_now
from workbench.kit.pages import cut
from workbench.kit.versions import etag_of, require_match
from workbench.problems import NOT_FOUND, Refused
from workbench.teams.locking import hold
from workbench.teams.membership import require_member
from workbench.teams.model import NAME_LENGTH, Group, Member, Team
from workbench.teams.permissions import IN_TEAM, Deed

if TYPE_CHECKING:
    from workbench.paging import PageRequest
    from workbench.users.people import Person

GROUPS_MOST = 50


class GroupWanted(Body):
    """A group to be."""

    name: Annotated[str, OneLine(NAME_LENGTH)]


class GroupChange(Body):
    """What is to change of a group; `position` counts from 1."""

    name: Annotated[str, OneLine(NAME_LENGTH)] = ""
    position: Annotated[int, Field(ge=1, le=GROUPS_MOST)] = 1


def page_of_groups(me: Person, team_id: str, wanted: PageRequest) -> dict[str, Any]:
    """Return the groups of a team; they come with the number of their members.

    Raises:
        Refused: 404: *me* is no member, or there is no such team.
        Unavailable: the database gave no answer.
    """
    size = select(func.count()).where(Member.group_pk == Group.pk).scalar_subquery()
    with outages_named():
        standing = require_member(team_id, me.pk)
        query = select(Group, size).where(
            Group.team_pk == standing.team, Group.deleted_at.is_(None)
        )
        rows, following = cut(query, Group.position, wanted)
    items = [_described(group, members) for group, members, _ in rows]
    return {"items": items, "next": following}


def add(me: Person, team_id: str, wanted: GroupWanted) -> Answer:
    """Add a group, behind the others."""
    team = _arranged(me, team_id)
    groups = _groups_of(team)
    _require_free(groups, wanted.name)
    if len(groups) >= GROUPS_MOST:
        raise wrong_field("name", "too_many", f"A team has at most {GROUPS_MOST} groups.")
    last = max((group.position for group in groups), default=0)
    group = Group(team_pk=team.pk, name=wanted.name, position=last + 1)
    db.session.add(group)
    db.session.flush()
    _note(Verb.GROUP_CREATED, me, team, group)
    at = f"/teams/{team.id}/groups/{group.id}"
    return created(_described(group, 0), at=at, version=group.version)


def change(me: Person, team_id: str, group_id: str, wanted: GroupChange) -> Answer:
    """Rename a group, or give it another place among the others; wants `If-Match`."""
    team = _arranged(me, team_id)
    groups = _groups_of(team)
    group = _require(groups, group_id)
    require_match(group.version)
    if "name" in wanted.model_fields_set and wanted.name != group.name:
        _require_free(groups, wanted.name)
        before, group.name = group.name, wanted.name
        _note(Verb.GROUP_RENAMED, me, team, group, detail=before)
    if "position" in wanted.model_fields_set:
        groups.remove(group)
        groups.insert(wanted.position - 1, group)
        for position, each in enumerate(groups, 1):
            each.position = position
    group.version += 1
    return shown(_described(group, _size(group)), version=group.version)


def delete(me: Person, team_id: str, group_id: str) -> Answer:
    """End a group; its members stay in the team, in no group."""
    team = _arranged(me, team_id)
    group = _require(_groups_of(team), group_id)
    group.deleted_at = utc_now()
    db.session.execute(update(Member).where(Member.group_pk == group.pk).values(group_pk=None))
    _note(Verb.GROUP_DELETED, me, team, group)
    return gone()


def _arranged(me: Person, team_id: str) -> Team:
    held = hold(team_id, me)
    IN_TEAM.require(Deed.ARRANGE, held.role)
    return held.team


def _groups_of(team: Team) -> list[Group]:
    query = select(Group).where(Group.team_pk == team.pk, Group.deleted_at.is_(None))
    return list(db.session.scalars(query.order_by(Group.position)))


def _require(groups: list[Group], group_id: str) -> Group:
    for group in groups:
        if group.id == group_id:
            return group
    raise Refused(NOT_FOUND)


def _require_free(groups: list[Group], name: str) -> None:
    if any(group.name == name for group in groups):
        raise wrong_field("name", "taken", "There is a group of this name.")


def _size(group: Group) -> int:
    return db.session.scalar(select(func.count()).where(Member.group_pk == group.pk)) or 0


def _described(group: Group, members: int) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": group.name,
        "position": group.position,
        "members": members,
        "etag": etag_of(group.version),
    }


def _note(verb: Verb, me: Person, team: Team, group: Group, *, detail: str | None = None) -> None:
    record(
        verb,
        actor=me.pk,
        team=team.pk,
        group=group.pk,
        subject_kind="group",
        subject_id=group.id,
        title=group.name,
        detail=detail,
    )
