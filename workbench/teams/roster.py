"""The members of a team: listed, moved, appointed, removed; and leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from sqlalchemy import select

from workbench.database import db, outages_named
from workbench.journal import Verb, record
from workbench.kit.answers import Answer, gone, shown
from workbench.kit.bodies import Body
from workbench.kit.clock import told
from workbench.kit.pages import cut
from workbench.problems import NOT_FOUND, Refused
from workbench.teams.locking import find_member, hold, require_another_owner, require_group
from workbench.teams.membership import groups_named, require_member
from workbench.teams.model import Application, Group, Member, Role, State, Team
from workbench.teams.permissions import IN_TEAM, ON_MEMBER, Deed, DeedOn
from workbench.teams.telling import tell
from workbench.users.people import find_person, people_of

if TYPE_CHECKING:
    from workbench.journal import Event
    from workbench.paging import PageRequest
    from workbench.users.people import Person

NO_GROUP = "none"


class MemberChange(Body):
    """What is to change of a member; `group` null puts them into none."""

    role: Role = Field(default=Role.MEMBER, strict=False)
    group: Annotated[str, Field(max_length=40)] | None = None


def page_of_members(
    me: Person, team_id: str, group_id: str | None, wanted: PageRequest
) -> dict[str, Any]:
    """Return one page of the members of a team, or of one of its groups, in the order of joining.

    Raises:
        Refused: 404: *me* is no member, or there is no such team or group.
        Unavailable: the database gave no answer.
    """
    with outages_named():
        standing = require_member(team_id, me.pk)
        query = select(Member).where(Member.team_pk == standing.team)
        if group_id == NO_GROUP:
            query = query.where(Member.group_pk.is_(None))
        elif group_id is not None:
            query = query.where(Member.group_pk == _group_pk(standing.team, group_id))
        rows, following = cut(query, Member.pk, wanted)
        documents = described([row[0] for row in rows])
    return {"items": documents, "next": following}


def described(members: list[Member]) -> list[dict[str, Any]]:
    """Return the documents of *members*; two queries however many there are."""
    people = people_of(member.user_pk for member in members)
    groups = groups_named({member.group_pk for member in members if member.group_pk})
    return [
        {
            "user": people[member.user_pk].embedded(),
            "role": member.role,
            "group": groups[member.group_pk].embedded() if member.group_pk else None,
            "joined_at": told(member.joined_at),
        }
        for member in members
    ]


def change(me: Person, team_id: str, user_id: str, wanted: MemberChange) -> Answer:
    """Give a member another role or another group."""
    held = hold(team_id, me)
    person, member = require_on(held.team, user_id)
    fields, standing = wanted.model_fields_set, (held.role, Role(member.role))
    if "group" in fields:
        ON_MEMBER.require(DeedOn.MOVE, standing)
    if "role" in fields:
        ON_MEMBER.require(DeedOn.APPOINT, standing)
    apply_change(held.team, person, member, wanted, actor=me.pk)
    return shown(described([member])[0])


def apply_change(
    team: Team,
    person: Person,
    member: Member,
    wanted: MemberChange,
    *,
    actor: int | None,
) -> None:
    """Change *member* of the held *team*; what is as it should be makes no event."""
    if "group" in wanted.model_fields_set:
        group = require_group(team, wanted.group)
        if member.group_pk != (group.pk if group else None):
            member.group_pk = group.pk if group else None
            _note(
                Verb.MEMBER_MOVED,
                actor,
                team,
                person,
                group=member.group_pk,
                detail=group.name if group else None,
            )
    if "role" in wanted.model_fields_set and member.role != wanted.role:
        if member.role == Role.OWNER:
            require_another_owner(team)
        member.role = wanted.role
        event = _note(
            Verb.MEMBER_ROLE_CHANGED, actor, team, person, group=member.group_pk, detail=wanted.role
        )
        tell(event, [person.pk])
    db.session.flush()


def join(
    team: Team,
    person: Person,
    role: Role,
    group: Group | None,
    *,
    actor: int | None,
    way: str,
) -> Member:
    """Make *person*, who is no member yet, one of the held *team*; an open application closes."""
    member = Member(
        team_pk=team.pk, user_pk=person.pk, role=role, group_pk=group.pk if group else None
    )
    db.session.add(member)
    db.session.flush()
    waiting = db.session.scalars(
        select(Application).where(
            Application.team_pk == team.pk,
            Application.user_pk == person.pk,
            Application.open_mark == 1,
        )
    ).one_or_none()
    if waiting is not None:
        waiting.state, waiting.open_mark = State.CLOSED, None
    _note(Verb.MEMBER_JOINED, actor, team, person, group=member.group_pk, detail=way)
    return member


def leave_or_remove(me: Person, team_id: str, user_id: str) -> Answer:
    """Take a member out of the team; what they made stays. Oneself: leave."""
    held = hold(team_id, me)
    person, member = require_on(held.team, user_id)
    if person.pk == me.pk:
        IN_TEAM.require(Deed.LEAVE, held.role)
    else:
        ON_MEMBER.require(DeedOn.REMOVE, (held.role, Role(member.role)))
    take_out(held.team, person, member, actor=me.pk)
    return gone()


def take_out(team: Team, person: Person, member: Member, *, actor: int | None) -> None:
    """Take *member* out of the held *team*, which keeps an owner."""
    if member.role == Role.OWNER:
        require_another_owner(team)
    verb = Verb.MEMBER_LEFT if actor == person.pk else Verb.MEMBER_REMOVED
    event = _note(verb, actor, team, person, group=member.group_pk)
    tell(event, [person.pk])
    db.session.delete(member)
    db.session.flush()


def require_on(team: Team, user_id: str) -> tuple[Person, Member]:
    """Return the member of the held *team* with the public id *user_id*.

    Raises:
        Refused: 404: nobody in this team.
    """
    person = find_person(user_id)
    member = find_member(team, person.pk) if person else None
    if person is None or member is None:
        raise Refused(NOT_FOUND)
    return person, member


def _group_pk(team_pk: int, group_id: str) -> int:
    query = select(Group.pk).where(
        Group.team_pk == team_pk, Group.id == group_id, Group.deleted_at.is_(None)
    )
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise Refused(NOT_FOUND)
    return found


def _note(
    verb: Verb,
    actor: int | None,
    team: Team,
    person: Person,
    *,
    group: int | None,
    detail: str | None = None,
) -> Event:
    return record(
        verb,
        actor=actor,
        team=team.pk,
        group=group,
        subject_kind="user",
        subject_id=person.id,
        title=person.name or person.username or "",
        detail=detail,
    )
