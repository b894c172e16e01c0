"""Teams as a whole: founded, found again, described, handed over, dissolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from workbench.database import db, outages_named
from workbench.journal import Verb, record
from workbench.kit.answers import Answer, created, gone, shown
from workbench.kit.bodies import Body, OneLine, Prose, wrong_field
from workbench.kit.clock import told, utc_now
from workbench.kit.names import index_name, named_like
from workbench.kit.pages import cut
from workbench.kit.versions import require_match
from workbench.problems import NOT_FOUND, Refused
from workbench.teams.locking import find_member, hold
from workbench.teams.membership import members
from workbench.teams.model import (
    DESCRIPTION_LENGTH,
    NAME_LENGTH,
    Application,
    Group,
    Invitation,
    Member,
    Role,
    State,
    Team,
)
from workbench.teams.permissions import IN_TEAM, Deed
from workbench.teams.telling import tell
from workbench.users.people import find_person

if TYPE_CHECKING:
    from sqlalchemy import ScalarSelect

    from workbench.journal import Event
    from workbench.paging import PageRequest
    from workbench.users.people import Person

_Everybody = aliased(Member)
FIRST_GROUPS = ("Product", "Front end", "Back end", "Android", "Design")
_GROUPS_MOST = 50
_Name = Annotated[str, OneLine(NAME_LENGTH)]
_Description = Annotated[str, Prose(DESCRIPTION_LENGTH)]


class TeamWanted(Body):
    """A team to be; `groups` are the names of its first ones."""

    name: _Name
    description: _Description = ""
    listed: bool = True
    groups: list[_Name] = Field(default_factory=lambda: list(FIRST_GROUPS), max_length=_GROUPS_MOST)


class TeamChange(Body):
    """What is to change of a team; the rest stays."""

    name: _Name = ""
    description: _Description = ""
    listed: bool = True


class HandOver(Body):
    """Whom a team is handed over to."""

    to: Annotated[str, Field(max_length=40)]


def found(founder: Person, wanted: TeamWanted) -> Answer:
    """Add a team of which *founder* is the owner."""
    team = Team(name=wanted.name, description=wanted.description, listed=wanted.listed)
    db.session.add(team)
    db.session.flush()
    index_name("t", team.pk, team.name)
    db.session.add_all(
        Group(team_pk=team.pk, name=name, position=position)
        for position, name in enumerate(dict.fromkeys(wanted.groups), 1)
    )
    db.session.add(Member(team_pk=team.pk, user_pk=founder.pk, role=Role.OWNER))
    _note(Verb.TEAM_CREATED, founder, team)
    return created(_described(team, Role.OWNER, 1), at=f"/teams/{team.id}", version=team.version)


def page_of_mine(me: Person, wanted: PageRequest) -> dict[str, Any]:
    """Return one page of the teams that *me* is in, in the order of joining.

    Raises:
        Unavailable: the database gave no answer.
    """
    query = (
        select(Team, Member.role, _size())
        .join(Member, Member.team_pk == Team.pk)
        .where(Member.user_pk == me.pk, Team.archived_at.is_(None))
    )
    with outages_named():
        rows, following = cut(query, Member.pk, wanted)
    items = [_described(team, Role(role), size) for team, role, size, _ in rows]
    return {"items": items, "next": following}


def one_of_mine(me: Person, team_id: str) -> Answer:
    """Return the team *team_id*.

    Raises:
        Refused: 404: *me* is no member, or there is no such team.
        Unavailable: the database gave no answer.
    """
    query = (
        select(Team, Member.role, _size())
        .join(Member, Member.team_pk == Team.pk)
        .where(Team.id == team_id, Member.user_pk == me.pk, Team.archived_at.is_(None))
    )
    with outages_named():
        row = db.session.execute(query).one_or_none()
    if row is None:
        raise Refused(NOT_FOUND)
    return shown(_described(row[0], Role(row[1]), row[2]), version=row[0].version)


def directory(sought: str | None, wanted: PageRequest) -> dict[str, Any]:
    """Return one page of the teams that one may apply to, with their groups.

    Raises:
        Refused: ``bad_request``: *sought* is too long.
        Unavailable: the database gave no answer.
    """
    query = select(Team).where(Team.listed.is_(True), Team.archived_at.is_(None))
    if sought:
        query = query.where(Team.pk.in_(named_like("t", sought)))
    with outages_named():
        rows, following = cut(query, Team.pk, wanted)
        groups = _groups_of([row[0].pk for row in rows])
    items = [
        {
            "id": team.id,
            "name": team.name,
            "description": team.description,
            "groups": groups.get(team.pk, []),
        }
        for team, _ in rows
    ]
    return {"items": items, "next": following}


def describe(me: Person, team_id: str, change: TeamChange) -> Answer:
    """Change name, description or whether the team is listed; wants `If-Match`."""
    held = hold(team_id, me)
    IN_TEAM.require(Deed.DESCRIBE, held.role)
    team = held.team
    require_match(team.version)
    before = team.name
    for field in change.model_fields_set:
        setattr(team, field, getattr(change, field))
    team.version += 1
    index_name("t", team.pk, team.name)
    _note(Verb.TEAM_CHANGED, me, team, detail=before if before != team.name else None)
    return shown(_described(team, held.role, _count(team)), version=team.version)


def hand_over(me: Person, team_id: str, wanted: HandOver) -> Answer:
    """Make another member the owner, and *me* an admin."""
    held = hold(team_id, me)
    IN_TEAM.require(Deed.HAND_OVER, held.role)
    heir = find_person(wanted.to)
    member = find_member(held.team, heir.pk) if heir else None
    if heir is None or member is None or heir.pk == me.pk:
        raise wrong_field("to", "not_offered", "Choose another member of the team.")
    member.role, held.own.role = Role.OWNER, Role.ADMIN
    event = _note(Verb.TEAM_HANDED_OVER, me, held.team, detail=heir.name)
    tell(event, [heir.pk])
    return shown(_described(held.team, Role.ADMIN, _count(held.team)), version=held.team.version)


def dissolve(me: Person, team_id: str) -> Answer:
    """End the team: nobody sees it or what was made in it any more; nothing is destroyed.

    Open applications are closed and invitations revoked, so that nothing leads into it if it is
    ever brought back.
    """
    held = hold(team_id, me)
    IN_TEAM.require(Deed.DISSOLVE, held.role)
    team, now = held.team, utc_now()
    tell(_note(Verb.TEAM_DISSOLVED, me, team), list(members(team.pk)))
    db.session.execute(
        update(Application)
        .where(Application.team_pk == team.pk, Application.state == State.OPEN)
        .values(state=State.CLOSED, open_mark=None, decided_at=now)
    )
    db.session.execute(
        update(Invitation)
        .where(Invitation.team_pk == team.pk, Invitation.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    index_name("t", team.pk)
    team.archived_at = now
    team.version += 1
    return gone()


def _note(verb: Verb, me: Person, team: Team, *, detail: str | None = None) -> Event:
    return record(
        verb,
        actor=me.pk,
        team=team.pk,
        subject_kind="team",
        subject_id=team.id,
        title=team.name,
        detail=detail,
    )


def _described(team: Team, role: Role, members: int) -> dict[str, Any]:
    return {
        "id": team.id,
        "name": team.name,
        "description": team.description,
        "listed": team.listed,
        "role": role,
        "members": members,
        "created_at": told(team.created_at),
    }


def _size() -> ScalarSelect[int]:
    everybody = select(func.count()).select_from(_Everybody)
    return everybody.where(_Everybody.team_pk == Team.pk).scalar_subquery()


def _count(team: Team) -> int:
    return db.session.scalar(select(func.count()).where(Member.team_pk == team.pk)) or 0


def _groups_of(team_pks: list[int]) -> dict[int, list[dict[str, str]]]:
    """Return the living groups of each team, in order."""
    found: dict[int, list[dict[str, str]]] = {}
    query = (
        select(Group)
        .where(Group.team_pk.in_(team_pks), Group.deleted_at.is_(None))
        .order_by(Group.team_pk, Group.position, Group.pk)
    )
    for group in db.session.scalars(query):
        found.setdefault(group.team_pk, []).append({"id": group.id, "name": group.name})
    return found
