"""HTTP of the two ways into a team: applications and invitations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from workbench.kit.answers import shown
from workbench.kit.bodies import read_body
from workbench.kit.idempotency import once
from workbench.kit.transactions import write
from workbench.paging import PageRequest
from workbench.problems import BAD_REQUEST, Refused
from workbench.teams import applications, invitations
from workbench.teams.applications import ApplicationWanted, Approval, Refusal
from workbench.teams.invitations import Code, InvitationWanted
from workbench.teams.model import State
from workbench.teams.views import READ, WRITE

if TYPE_CHECKING:
    from workbench.users.people import Callers


def create_blueprint(callers: Callers) -> Blueprint:
    """Return the routes."""
    room = Blueprint("joining", __name__)
    _open_applications(room, callers)
    _open_invitations(room, callers)
    return room


def _open_applications(room: Blueprint, callers: Callers) -> None:
    @room.get("/applications")
    def mine() -> Response:
        me, page = callers.require(READ), PageRequest.parse(request.args)
        return shown(applications.page_of_mine(me, page)).response()

    @room.get("/teams/<id:team>/applications")
    def of_team(team: str) -> Response:
        me, page = callers.require(READ), PageRequest.parse(request.args)
        return shown(applications.page_of_team(me, team, _state(), page)).response()

    @room.post("/teams/<id:team>/applications")
    def send(team: str) -> Response:
        me, wanted = callers.require(WRITE), read_body(ApplicationWanted)
        return once(me.id, lambda: applications.send(me, team, wanted))

    @room.post("/applications/<id:application>/approve")
    def approve(application: str) -> Response:
        me, wanted = callers.require(WRITE), read_body(Approval)
        return write(lambda: applications.approve(me, application, wanted)).response()

    @room.post("/applications/<id:application>/refuse")
    def refuse(application: str) -> Response:
        me, wanted = callers.require(WRITE), read_body(Refusal)
        return write(lambda: applications.refuse(me, application, wanted)).response()

    @room.post("/applications/<id:application>/withdraw")
    def withdraw(application: str) -> Response:
        me = callers.require(WRITE)
        return write(lambda: applications.withdraw(me, application)).response()


def _open_invitations(room: Blueprint, callers: Callers) -> None:
    @room.get("/teams/<id:team>/invitations")
    def listing(team: str) -> Response:
        me, page = callers.require(READ), PageRequest.parse(request.args)
        return shown(invitations.page_of_invitations(me, team, page)).response()

    @room.post("/teams/<id:team>/invitations")
    def invite(team: str) -> Response:
        me, wanted = callers.require(WRITE), read_body(InvitationWanted)
        return once(me.id, lambda: invitations.invite(me, team, wanted))

    @room.delete("/teams/<id:team>/invitations/<id:invitation>")
    def revoke(team: str, invitation: str) -> Response:
        me = callers.require(WRITE)
        return write(lambda: invitations.revoke(me, team, invitation)).response()

    @room.post("/invitations/look")
    def look() -> Response:
        me, wanted = callers.require(READ), read_body(Code)
        return invitations.look(me, wanted).response()

    @room.post("/invitations/accept")
    def accept() -> Response:
        me, wanted = callers.require(WRITE), read_body(Code)
        return write(lambda: invitations.accept(me, wanted)).response()


def _state() -> State:
    try:
        return State(request.args.get("state", State.OPEN))
    except ValueError:
        words = ", ".join(State)
        raise Refused(BAD_REQUEST, detail=f"state: write one of these: {words}") from None
