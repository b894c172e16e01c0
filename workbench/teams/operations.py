"""The room's part of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import FLAG, INSTANT, TEXT, an_id, operation, page_of, record
from workbench.teams.founding import TeamWanted
from workbench.teams.model import Role
from workbench.teams.views import READ, WRITE

_ROLE: dict[str, Any] = {"type": "string", "enum": list(Role)}

SCHEMAS: dict[str, Any] = {
    "Team": record(
        id=an_id("t"),
        name=TEXT,
        description=TEXT,
        listed=FLAG,
        role=_ROLE | {"description": "The caller's."},
        created_at=INSTANT,
    ),
    "TeamPage": page_of("Team"),
}

PATHS: dict[str, Any] = {
    "/teams": {
        "get": operation(
            "listMyTeams", "The caller's teams", scope=READ, answer="TeamPage", paged=True
        ),
        "post": operation(
            "foundTeam",
            "Found a team; the caller owns it",
            scope=WRITE,
            answer="Team",
            status=201,
            body=TeamWanted,
            versioned=True,
            once=True,
        ),
    },
}
