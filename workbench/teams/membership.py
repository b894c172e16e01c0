"""Who is in which team: the questions that every room asks. Each costs one query at most.

A dissolved team answers as if it were not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from workbench.database import db
from workbench.kit.ids import is_id
from workbench.problems import NOT_FOUND, Refused
from workbench.teams.model import Group, Member, Role, Team

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's place in one team.

    Attributes:
        team: the team's pk, for foreign keys; `team_id` and `team_name` are for people.
        group: the pk of the person's group, or None.
        joined_at: when they last joined.
    """

    team: int
    team_id: str
    team_name: str
    role: Role
    group: int | None
    joined_at: datetime


def standing_in(team_id: str, user_pk: int) -> Standing | None:
    """Return the place of *user_pk* in the team with the public id *team_id*."""
    return _standing(Team.id == team_id, user_pk)


def standing_at(team_pk: int, user_pk: int) -> Standing | None:
    """Return the place of *user_pk* in the team *team_pk*; None for no member."""
    return _standing(Team.pk == team_pk, user_pk)


def require_member(team_id: str, user_pk: int) -> Standing:
    """Return the place of *user_pk* in the team with the public id *team_id*.

    Raises:
        Refused: 404: no member, or no such team; nobody can tell which.
    """
    standing = standing_in(team_id, user_pk)
    if standing is None:
        raise Refused(NOT_FOUND)
    return standing


def role_in(team_id: str, user_pk: int) -> Role | None:
    """Return the role of *user_pk* in the team with the public id *team_id*; None for no member."""
    standing = standing_in(team_id, user_pk)
    return standing.role if standing else None


def standings_of(user_pk: int) -> list[Standing]:
    """Return the places of *user_pk* in all of their teams."""
    rows = db.session.execute(_standings().where(Member.user_pk == user_pk))
    return [Standing(*row[:3], Role(row[3]), *row[4:6]) for row in rows]


def standings_in(team_pk: int) -> dict[int, Standing]:
    """Return the place of everybody in the team *team_pk*, by user pk."""
    rows = db.session.execute(_standings().where(Member.team_pk == team_pk))
    return {row[6]: Standing(*row[:3], Role(row[3]), *row[4:6]) for row in rows}


def teams_of(user_pk: int) -> list[int]:
    """Return the pks of the teams that *user_pk* is in."""
    return list(db.session.scalars(select_teams(user_pk)))


def select_teams(user_pk: int) -> Select[int]:
    """Return the query of `teams_of`, for use in an `IN`."""
    return (
        select(Member.team_pk)
        .join(Team, Team.pk == Member.team_pk)
        .where(Member.user_pk == user_pk, Team.archived_at.is_(None))
    )


def members(team_pk: int) -> dict[int, Role]:
    """Return the role of everybody in the team *team_pk*, by user pk; for mentions and fan-out."""
    found = db.session.execute(select(Member.user_pk, Member.role).where(Member.team_pk == team_pk))
    return {user: Role(role) for user, role in found}


def select_members(team_pk: int, group_pk: int | None = None) -> Select[int]:
    """Return the query of the user pks in the team *team_pk*, or in one group of it."""
    query = select(Member.user_pk).where(Member.team_pk == team_pk)
    return query if group_pk is None else query.where(Member.group_pk == group_pk)


def are_members(team_pk: int, user_pks: Collection[int]) -> set[int]:
    """Return which of *user_pks* are in the team *team_pk*."""
    if not user_pks:
        return set()
    query = select(Member.user_pk).where(Member.team_pk == team_pk, Member.user_pk.in_(user_pks))
    return set(db.session.scalars(query))


def sharing(user_pk: int, others: Collection[int]) -> set[int]:
    """Return which of *others* are in some team with *user_pk*; everybody is with themselves."""
    query = select(Member.user_pk).where(
        Member.user_pk.in_(others), Member.team_pk.in_(select_teams(user_pk))
    )
    return {*db.session.scalars(query), *({user_pk} & set(others))} if others else set()


def share_team(one: int, other: int) -> bool:
    """Return whether the people *one* and *other* are in some team together."""
    return other in sharing(one, [other])


def members_seen_by(user_pk: int, team_id: str, group_id: str | None) -> Select[int]:
    """Return the query of the user pks in a team, or in one group of it, by public ids.

    Raises:
        Refused: 404: *user_pk* is no member, or there is no such team or group.
    """
    standing = require_member(team_id, user_pk)
    if group_id is None:
        return select_members(standing.team)
    group = find_group(standing.team, group_id)
    if group is None:
        raise Refused(NOT_FOUND)
    return select_members(standing.team, group.pk)


@dataclass(frozen=True, slots=True)
class Named:
    """A team or group as documents of the API name it."""

    pk: int
    id: str
    name: str

    def embedded(self) -> dict[str, str]:
        """Return `{id, name}`."""
        return {"id": self.id, "name": self.name}


def teams_named(pks: Collection[int]) -> dict[int, Named]:
    """Return the teams with *pks*, by pk."""
    if not pks:
        return {}
    found = db.session.execute(select(Team.pk, Team.id, Team.name).where(Team.pk.in_(pks)))
    return {row.pk: Named(*row) for row in found}


def groups_named(pks: Collection[int]) -> dict[int, Named]:
    """Return the groups with *pks*, by pk."""
    if not pks:
        return {}
    found = db.session.execute(select(Group.pk, Group.id, Group.name).where(Group.pk.in_(pks)))
    return {row.pk: Named(*row) for row in found}


def find_group(team_pk: int, group_id: str) -> Named | None:
    """Return the living group with the public id *group_id*, of the team *team_pk*; or None."""
    if not is_id(group_id, "g"):
        return None
    row = db.session.execute(
        select(Group.pk, Group.id, Group.name).where(
            Group.team_pk == team_pk, Group.id == group_id, Group.deleted_at.is_(None)
        )
    ).one_or_none()
    return Named(*row) if row else None


def _standings() -> Select[int, str, str, str, int | None, datetime, int]:
    return (
        select(
            Team.pk,
            Team.id,
            Team.name,
            Member.role,
            Member.group_pk,
            Member.joined_at,
            Member.user_pk,
        )
        .join(Member, Member.team_pk == Team.pk)
        .where(Team.archived_at.is_(None))
    )


def _standing(which: ColumnElement[bool], user_pk: int) -> Standing | None:
    row = db.session.execute(_standings().where(which, Member.user_pk == user_pk)).one_or_none()
    return Standing(*row[:3], Role(row[3]), *row[4:6]) if row else None
