"""Events as clients are told of them; each list costs a fixed number of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from workbench.kit.clock import told
from workbench.kit.days import day_of
from workbench.paging import cursor_of
from workbench.projects import naming as projects
from workbench.teams import membership as teams
from workbench.users.people import people_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.journal import Event

_UTC = ZoneInfo("UTC")


def items(events: Sequence[Event], zone: ZoneInfo = _UTC) -> list[dict[str, Any]]:
    """Return *events* in their order, each with its day in *zone*: four queries at most."""
    people = people_of(event.actor_pk for event in events)
    of_teams = teams.teams_named({pk for event in events if (pk := event.team_pk)})
    groups = teams.groups_named({pk for event in events if (pk := event.group_pk)})
    of_projects = projects.projects_named({pk for event in events if (pk := event.project_pk)})
    return [
        {
            "id": cursor_of(event.pk),
            "verb": event.verb,
            "at": told(event.created_at),
            "day": day_of(event.created_at, zone),
            "actor": _embedded(people, event.actor_pk),
            "team": _embedded(of_teams, event.team_pk),
            "group": _embedded(groups, event.group_pk),
            "project": _embedded(of_projects, event.project_pk),
            "subject": {
                "kind": event.subject_kind,
                "id": event.subject_id,
                "title": event.title,
            },
            "detail": event.detail,
        }
        for event in events
    ]


def _embedded(named: dict[int, Any], pk: int | None) -> dict[str, Any] | None:
    found = named.get(pk) if pk is not None else None
    embedded: dict[str, Any] | None = found.embedded() if found else None
    return embedded
