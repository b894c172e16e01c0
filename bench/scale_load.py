"""Fills a workbench's database with many events, as years of many teams would have."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, update

from workbench.journal import Channel, Event
from workbench.journal.model import JournalHead
from workbench.kit.clock import utc_now
from workbench.notifications.model import Notification
from workbench.projects.model import Project, ProjectMember
from workbench.teams.model import Group, Member, Team
from workbench.users.model import User

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

_BATCH = 5000
_VERBS = ("status.posted", "document.edited", "comment.written", "file.uploaded", "status.liked")
_LETTERS_EVERY = 100


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to be; person 1 is in team 1 alone and in no project, person 2 leads it."""

    events: int
    teams: int = 50
    projects_a_team: int = 10
    people_a_team: int = 20


def load(engine: Engine, size: Size, *, issuer: str) -> None:
    """Fill the empty, migrated database of *engine*; the same every time."""
    chance = random.Random(1)
    with engine.begin() as connection:
        for table, rows in _surroundings(size, issuer):
            connection.execute(insert(table), rows)
    start = utc_now() - timedelta(days=1000)
    for first in range(1, size.events + 1, _BATCH):
        numbers = range(first, min(first + _BATCH, size.events + 1))
        events = [_event(number, size, chance, start) for number in numbers]
        letters = [_letter(event) for event in events if event["pk"] % _LETTERS_EVERY == 0]
        with engine.begin() as connection:
            connection.execute(insert(Event), events)
            if letters:
                connection.execute(insert(Notification), letters)
    with engine.begin() as connection:
        connection.execute(update(JournalHead).values(last=size.events))


def _surroundings(size: Size, issuer: str) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    teams, people = range(1, size.teams + 1), range(1, size.teams * size.people_a_team + 1)
    projects = range(1, size.teams * size.projects_a_team + 1)
    now = utc_now()
    yield (
        User,
        [
            {"pk": pk, "issuer": issuer, "subject": f"p{pk}", "name": f"P{pk}", "checked_at": now}
            for pk in people
        ],
    )
    yield Team, [{"pk": pk, "name": f"Team {pk}"} for pk in teams]
    yield Group, [{"pk": pk, "team_pk": pk, "name": "All", "position": 1} for pk in teams]
    yield (
        Member,
        [
            {
                "team_pk": _team_of(pk, size),
                "user_pk": pk,
                "role": "owner" if pk % size.people_a_team == 2 else "member",
                "group_pk": _team_of(pk, size),
            }
            for pk in people
        ],
    )
    yield (
        Project,
        [
            {"pk": pk, "team_pk": (pk - 1) // size.projects_a_team + 1, "name": f"Project {pk}"}
            | {"created_by": 1}
            for pk in projects
        ],
    )
    yield (
        ProjectMember,
        [
            {"project_pk": pk, "user_pk": user, "role": "member"}
            for pk in projects
            for user in _workers_of(pk, size)
        ],
    )


def _team_of(person: int, size: Size) -> int:
    return (person - 1) // size.people_a_team + 1


def _workers_of(project: int, size: Size) -> range:
    """Return the last five people of the project's team."""
    last = ((project - 1) // size.projects_a_team + 1) * size.people_a_team
    return range(last - 4, last + 1)


def _event(number: int, size: Size, chance: random.Random, start: datetime) -> dict[str, Any]:
    team = chance.randint(1, size.teams)
    project = (team - 1) * size.projects_a_team + chance.randint(1, size.projects_a_team)
    in_project = chance.random() < 0.7
    channel = Channel.project(project) if in_project else Channel.team(team)
    return {
        "pk": number,
        "channel": channel.number,
        "team_pk": team,
        "actor_pk": (team - 1) * size.people_a_team + chance.randint(1, size.people_a_team),
        "group_pk": team,
        "verb": chance.choice(_VERBS),
        "subject_kind": "document" if in_project else "status",
        "subject_id": f"n_{number:024x}",
        "title": f"周报 {number}",
        "detail": None,
        "created_at": start + timedelta(seconds=number * 80),
    }


def _letter(event: dict[str, Any]) -> dict[str, Any]:
    """Return a notification for person 2 of the event's team."""
    return {
        "user_pk": 2,
        "event_pk": event["pk"],
        "channel": Channel.team(1).number,
        "reason": "watch",
    }
