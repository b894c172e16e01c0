"""Who is in which project: the questions that other rooms ask. Two queries each at most.

A membership counts only while its person is in the team, and since they last joined it: whoever is
removed from the team and comes back later begins without projects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from workbench.database import db
from workbench.projects.model import Project, ProjectMember
from workbench.projects.permissions import IN_PROJECT, Deed, Role, Standing
from workbench.teams import membership as teams
from workbench.teams.model import Role as TeamRole

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement

LEADERS = frozenset({TeamRole.OWNER, TeamRole.ADMIN})


def projects_of(user_pk: int, *, team_pk: int | None = None) -> dict[int, Standing]:
    """Return the projects that *user_pk* may see, by pk; *team_pk* keeps those of one team."""
    standings = {
        each.team: each
        for each in teams.standings_of(user_pk)
        if team_pk is None or each.team == team_pk
    }
    return _seen_in(standings, user_pk, Project.deleted_at.is_(None))


def deleted_of(in_team: teams.Standing, user_pk: int, *, able_to: Deed) -> dict[int, Standing]:
    """Return the deleted projects of a team that *user_pk* is *able_to* treat so, by pk."""
    gone = and_(Project.deleted_at.is_not(None), Project.erased_at.is_(None))
    found = _seen_in({in_team.team: in_team}, user_pk, gone)
    return {pk: each for pk, each in found.items() if IN_PROJECT.allows(able_to, each)}


def _seen_in(
    standings: Mapping[int, teams.Standing], user_pk: int, condition: ColumnElement[bool]
) -> dict[int, Standing]:
    if not standings:
        return {}
    led = [pk for pk, each in standings.items() if each.role in LEADERS]
    own = and_(
        Project.team_pk.in_([pk for pk in standings if pk not in led]),
        ProjectMember.pk.is_not(None),
    )
    rows = db.session.execute(
        select(Project.pk, Project.team_pk, ProjectMember.role, ProjectMember.created_at)
        .outerjoin(
            ProjectMember,
            and_(ProjectMember.project_pk == Project.pk, ProjectMember.user_pk == user_pk),
        )
        .where(condition, or_(Project.team_pk.in_(led), own))
    )
    found = {pk: standing_of(standings[team], role, since) for pk, team, role, since in rows}
    return {pk: standing for pk, standing in found.items() if standing is not None}


def standing_of(
    in_team: teams.Standing | None, role: str | None, since: datetime | None
) -> Standing | None:
    """Return what somebody of the standing *in_team* is in a project; None for a stranger.

    *role* and *since* are those of their membership, where they have one.
    """
    if in_team is None:
        return None
    if in_team.role in LEADERS:
        return Standing.TEAM_ADMIN
    if role is None or since is None or since < in_team.joined_at:
        return None
    return Standing(role)


def readers_of(project_pk: int, among: Collection[int] | None = None) -> set[int]:
    """Return the pks of everybody who may see the project *project_pk*, or those of *among*."""
    team_pk = db.session.scalars(
        select(Project.team_pk).where(Project.pk == project_pk, Project.deleted_at.is_(None))
    ).one_or_none()
    if team_pk is None:
        return set()
    query = select(ProjectMember.user_pk, ProjectMember.role, ProjectMember.created_at)
    query = query.where(ProjectMember.project_pk == project_pk)
    own = {user: (role, since) for user, role, since in db.session.execute(query)}
    return {
        user
        for user, in_team in teams.standings_in(team_pk).items()
        if (among is None or user in among)
        and standing_of(in_team, *own.get(user, (None, None))) is not None
    }


def roles_in(project_pk: int) -> dict[int, Role]:
    """Return the role of everybody who was made a member of the project *project_pk*."""
    query = select(ProjectMember.user_pk, ProjectMember.role)
    rows = db.session.execute(query.where(ProjectMember.project_pk == project_pk))
    return {user: Role(role) for user, role in rows}
