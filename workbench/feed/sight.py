"""What a person may see just now, as channels of the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.journal import Channel
from workbench.projects import membership as projects
from workbench.teams import membership as teams
from workbench.teams.model import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEADERS = frozenset({Role.OWNER, Role.ADMIN})


def channels_of(user_pk: int) -> frozenset[Channel]:
    """Return the channels of everything that *user_pk* may see; a fixed number of queries."""
    found = {Channel.person(user_pk)}
    for standing in teams.standings_of(user_pk):
        found |= _of_team(standing)
    return frozenset(found | _of_projects(projects.projects_of(user_pk)))


def channels_in_team(standing: teams.Standing, user_pk: int) -> frozenset[Channel]:
    """Return those of them that belong to one team, where *user_pk* is of *standing*."""
    own = projects.projects_of(user_pk, team_pk=standing.team)
    return frozenset(_of_team(standing) | _of_projects(own))


def _of_team(standing: teams.Standing) -> set[Channel]:
    found = {Channel.team(standing.team)}
    if standing.role in _LEADERS:
        found.add(Channel.team_admins(standing.team))
    return found


def _of_projects(pks: Iterable[int]) -> set[Channel]:
    return {Channel.project(pk) for pk in pks}
