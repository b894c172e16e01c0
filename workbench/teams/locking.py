"""Where every change of a team begins: its row is locked, then the caller's place is judged.

Changes of one team wait for each other, so that two owners cannot leave at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from workbench.database import db
from workbench.kit.bodies import wrong_field
from workbench.problems import LAST_OWNER, NOT_FOUND, Refused
from workbench.teams.model import Group, Member, Role, Team

if TYPE_CHECKING:
    from sqlalchemy import Select

    from workbench.users.people import Person


@dataclass(frozen=True, slots=True)
class Held:
    """A locked team and the caller's own row in it."""

    team: Team
    own: Member

    @property
    def role(self) -> Role:
        """The caller's."""
        return Role(self.own.role)


def hold(team_id: str, me: Person) -> Held:
    """Return the team with the public id *team_id*, locked until the transaction ends.

    Raises:
        Refused: 404: the caller is no member, or there is no such team.
    """
    team = hold_any(team_id)
    own = find_member(team, me.pk)
    if own is None:
        raise Refused(NOT_FOUND)
    return Held(team, own)


def hold_any(team_id: str) -> Team:
    """Return the team with the public id *team_id*, locked; for callers who are no members.

    Raises:
        Refused: 404: there is no such team.
    """
    return _held(select(Team).where(Team.id == team_id))


def hold_pk(team_pk: int) -> Team:
    """Return the team *team_pk*, locked.

    Raises:
        Refused: 404: it was dissolved.
    """
    return _held(select(Team).where(Team.pk == team_pk))


def find_member(team: Team, user_pk: int) -> Member | None:
    """Return the row of *user_pk* in the held *team*."""
    return db.session.scalars(
        select(Member).where(Member.team_pk == team.pk, Member.user_pk == user_pk)
    ).one_or_none()


def require_another_owner(team: Team) -> None:
    """Pass when the held *team* has two owners or more.

    Raises:
        Refused: ``last_owner``.
    """
    owners = select(func.count()).where(Member.team_pk == team.pk, Member.role == Role.OWNER)
    if db.session.scalar(owners) == 1:
        raise Refused(LAST_OWNER)


def require_group(team: Team, group_id: str | None) -> Group | None:
    """Return the living group of *team* with the public id *group_id*; None for None.

    Raises:
        Refused: ``invalid_fields``: `group` names none of this team.
    """
    if group_id is None:
        return None
    group = db.session.scalars(
        select(Group).where(
            Group.team_pk == team.pk, Group.id == group_id, Group.deleted_at.is_(None)
        )
    ).one_or_none()
    if group is None:
        raise wrong_field("group", "not_offered", "Choose a group of this team.")
    return group


def _held(query: Select[Team]) -> Team:
    team = db.session.scalars(
        query.where(Team.archived_at.is_(None)).with_for_update()
    ).one_or_none()
    if team is None:
        raise Refused(NOT_FOUND)
    return team
