"""HTTP for other services: membership changed by a client of its own right, no person behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from flask import Blueprint, Response
from pydantic import Field

from workbench.kit.answers import Answer, gone, shown
from workbench.kit.bodies import Body, read_body
from workbench.kit.transactions import write
from workbench.problems import NOT_FOUND, Refused
from workbench.teams import roster
from workbench.teams.locking import find_member, hold_any, require_group
from workbench.teams.model import Role
from workbench.teams.roster import MemberChange
from workbench.users.people import find_person

if TYPE_CHECKING:
    from workbench.users.people import Callers

INTERNAL = "internal:users"


class MembershipWanted(Body):
    """A membership as it shall be."""

    role: Role = Field(default=Role.MEMBER, strict=False)
    group: Annotated[str, Field(max_length=40)] | None = None


def create_blueprint(callers: Callers) -> Blueprint:
    """Return the routes."""
    room = Blueprint("internal_teams", __name__)

    @room.put("/internal/teams/<id:team>/members/<id:user>")
    def put(team: str, user: str) -> Response:
        callers.require_service(INTERNAL)
        wanted = read_body(MembershipWanted)
        return write(lambda: _put(team, user, wanted)).response()

    @room.delete("/internal/teams/<id:team>/members/<id:user>")
    def delete(team: str, user: str) -> Response:
        callers.require_service(INTERNAL)
        return write(lambda: _delete(team, user)).response()

    return room


def _put(team_id: str, user_id: str, wanted: MembershipWanted) -> Answer:
    team, person = hold_any(team_id), find_person(user_id)
    if person is None:
        raise Refused(NOT_FOUND)
    member = find_member(team, person.pk)
    if member is not None:
        whole = MemberChange(role=wanted.role, group=wanted.group)
        roster.apply_change(team, person, member, whole, actor=None)
        return shown(roster.described([member])[0])
    group = require_group(team, wanted.group)
    member = roster.join(team, person, wanted.role, group, actor=None, way="service")
    return shown(roster.described([member])[0])


def _delete(team_id: str, user_id: str) -> Answer:
    team = hold_any(team_id)
    person, member = roster.require_on(team, user_id)
    roster.take_out(team, person, member, actor=None)
    return gone()
