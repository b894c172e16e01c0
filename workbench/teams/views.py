"""HTTP of teams as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from workbench.kit.answers import Answer, created, shown
from workbench.kit.bodies import read_body
from workbench.kit.idempotency import once
from workbench.paging import PageRequest
from workbench.teams import founding
from workbench.teams.founding import TeamWanted

if TYPE_CHECKING:
    from workbench.users.people import Callers

READ = "team:read"
WRITE = "team:write"


def create_blueprint(callers: Callers) -> Blueprint:
    """Return the room's routes for teams as a whole."""
    room = Blueprint("teams", __name__)

    @room.post("/teams")
    def found() -> Response:
        """Found a team; the caller owns it."""
        me = callers.require(WRITE)
        wanted = read_body(TeamWanted)

        def work() -> Answer:
            document = founding.found(me, wanted)
            return created(document, at=f"/teams/{document['id']}", version=1)

        return once(me.id, work)

    @room.get("/teams")
    def mine() -> Response:
        """Answer the caller's own teams."""
        me = callers.require(READ)
        return shown(founding.page_of_mine(me, PageRequest.parse(request.args))).response()

    return room
