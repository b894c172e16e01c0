"""Teams as a whole: founded, found again, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from sqlalchemy import select

from workbench.database import db, outages_named
from workbench.journal import Verb, record
from workbench.kit.bodies import Body, OneLine, Prose
from workbench.kit.clock import told
from workbench.kit.pages import cut
from workbench.teams.model import (
    DESCRIPTION_LENGTH,
    NAME_LENGTH,
    Group,
    Member,
    Role,
    Team,
)

if TYPE_CHECKING:
    from workbench.paging import PageRequest
    from workbench.users.people import Person

FIRST_GROUPS = ("Product", "Front end", "Back end", "Android", "Design")


class TeamWanted(Body):
    """A team to be."""

    name: Annotated[str, OneLine(NAME_LENGTH)]
    description: Annotated[str, Prose(DESCRIPTION_LENGTH)] = ""
    listed: bool = True
    groups: Annotated[
        list[Annotated[str, OneLine(NAME_LENGTH)]] | None, "the names of its first groups"
    ] = None


def found(founder: Person, wanted: TeamWanted) -> dict[str, Any]:
    """Add a team of which *founder* is the owner; for a transaction of the caller."""
    team = Team(name=wanted.name, description=wanted.description, listed=wanted.listed)
    db.session.add(team)
    db.session.flush()
    names = FIRST_GROUPS if wanted.groups is None else tuple(dict.fromkeys(wanted.groups))
    db.session.add_all(
        Group(team_pk=team.pk, name=name, position=position)
        for position, name in enumerate(names, 1)
    )
    db.session.add(Member(team_pk=team.pk, user_pk=founder.pk, role=Role.OWNER))
    db.session.flush()
    record(
        Verb.TEAM_CREATED,
        actor=founder.pk,
        team=team.pk,
        subject_kind="team",
        subject_id=team.id,
        title=team.name,
    )
    return described(team, Role.OWNER)


def page_of_mine(person: Person, wanted: PageRequest) -> dict[str, Any]:
    """Return one page of the teams that *person* is in, in the order of joining.

    Raises:
        Unavailable: the database gave no answer.
    """
    query = (
        select(Team, Member.role)
        .join(Member, Member.team_pk == Team.pk)
        .where(Member.user_pk == person.pk, Team.archived_at.is_(None))
    )
    with outages_named():
        rows, following = cut(query, Member.pk, wanted)
    return {"items": [described(row[0], Role(row[1])) for row in rows], "next": following}


def described(team: Team, role: Role) -> dict[str, Any]:
    """Return *team* as its members see it; *role* is the caller's."""
    return {
        "id": team.id,
        "name": team.name,
        "description": team.description,
        "listed": team.listed,
        "role": role,
        "created_at": told(team.created_at),
    }
