"""HTTP of teams, their members and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from workbench.kit.answers import shown
from workbench.kit.bodies import read_body
from workbench.kit.idempotency import once
from workbench.kit.transactions import write
from workbench.paging import PageRequest
from workbench.teams import founding, groups, roster
from workbench.teams.founding import HandOver, TeamChange, TeamWanted
from workbench.teams.groups import GroupChange, GroupWanted
from workbench.teams.roster import MemberChange

if TYPE_CHECKING:
    from workbench.users.people import Callers

READ = "team:read"
WRITE = "team:write"


def create_blueprint(callers: Callers) -> Blueprint:
    """Return the routes."""
    room = Blueprint("teams", __name__)
    _open_teams(room, callers)
    _open_members(room, callers)
    _open_groups(room, callers)
    return room


def _open_teams(room: Blueprint, callers: Callers) -> None:
    @room.get("/teams")
    def mine() -> Response:
        me = callers.require(READ)
        return shown(founding.page_of_mine(me, PageRequest.parse(request.args))).response()

    @room.post("/teams")
    def found() -> Response:
        me, wanted = callers.require(WRITE), read_body(TeamWanted)
        return once(me.id, lambda: founding.found(me, wanted))

    @room.get("/teams/directory")
    def directory() -> Response:
        callers.require(READ)
        page = PageRequest.parse(request.args)
        return shown(founding.directory(request.args.get("q"), page)).response()

    @room.get("/teams/<id:team>")
    def one(team: str) -> Response:
        return founding.one_of_mine(callers.require(READ), team).response()

    @room.patch("/teams/<id:team>")
    def describe(team: str) -> Response:
        me, change = callers.require(WRITE), read_body(TeamChange)
        return write(lambda: founding.describe(me, team, change)).response()

    @room.delete("/teams/<id:team>")
    def dissolve(team: str) -> Response:
        me = callers.require(WRITE)
        return write(lambda: founding.dissolve(me, team)).response()

    @room.post("/teams/<id:team>/hand-over")
    def hand_over(team: str) -> Response:
        me, wanted = callers.require(WRITE), read_body(HandOver)
        return once(me.id, lambda: founding.hand_over(me, team, wanted))


def _open_members(room: Blueprint, callers: Callers) -> None:
    @room.get("/teams/<id:team>/members")
    def members(team: str) -> Response:
        me, page = callers.require(READ), PageRequest.parse(request.args)
        found = roster.page_of_members(me, team, request.args.get("group"), page)
        return shown(found).response()

    @room.patch("/teams/<id:team>/members/<id:user>")
    def change(team: str, user: str) -> Response:
        me, wanted = callers.require(WRITE), read_body(MemberChange)
        return write(lambda: roster.change(me, team, user, wanted)).response()

    @room.delete("/teams/<id:team>/members/<id:user>")
    def remove(team: str, user: str) -> Response:
        me = callers.require(WRITE)
        return write(lambda: roster.leave_or_remove(me, team, user)).response()


def _open_groups(room: Blueprint, callers: Callers) -> None:
    @room.get("/teams/<id:team>/groups")
    def listing(team: str) -> Response:
        me, page = callers.require(READ), PageRequest.parse(request.args)
        return shown(groups.page_of_groups(me, team, page)).response()

    @room.post("/teams/<id:team>/groups")
    def add(team: str) -> Response:
        me, wanted = callers.require(WRITE), read_body(GroupWanted)
        return once(me.id, lambda: groups.add(me, team, wanted))

    @room.patch("/teams/<id:team>/groups/<id:group>")
    def arrange(team: str, group: str) -> Response:
        me, wanted = callers.require(WRITE), read_body(GroupChange)
        return write(lambda: groups.change(me, team, group, wanted)).response()

    @room.delete("/teams/<id:team>/groups/<id:group>")
    def delete(team: str, group: str) -> Response:
        me = callers.require(WRITE)
        return write(lambda: groups.delete(me, team, group)).response()
