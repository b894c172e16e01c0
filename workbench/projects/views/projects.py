"""Projects and their people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from workbench.database import outages_named
from workbench.kit.answers import created, gone, shown
from workbench.kit.bodies import read_body
from workbench.kit.idempotency import once
from workbench.kit.transactions import write
from workbench.paging import PageRequest
from workbench.projects import people, projects
from workbench.projects.access import enter
from workbench.projects.permissions import Deed
from workbench.projects.views.scopes import READ, WRITE

if TYPE_CHECKING:
    from workbench.kit.answers import Answer
    from workbench.projects.upkeep import Tidier
    from workbench.users.people import Callers


def add_routes(room: Blueprint, callers: Callers, tidier: Tidier) -> None:
    """Add the routes to *room*."""
    _add_projects(room, callers, tidier)
    _add_one(room, callers)
    _add_people(room, callers)


def _add_projects(room: Blueprint, callers: Callers, tidier: Tidier) -> None:
    @room.post("/teams/<id:team>/projects")
    def make_project(team: str) -> Response:
        """Make a project."""
        person = callers.require(WRITE)
        wanted = read_body(projects.ProjectWanted)

        def work() -> Answer:
            document, version = projects.make(team, person, wanted)
            return created(document, at=f"/projects/{document['id']}", version=version)

        return once(person.id, work)

    @room.get("/teams/<id:team>/projects")
    def of_team(team: str) -> Response:
        """List the team's projects that the caller may see."""
        person = callers.require(READ)
        wanted = PageRequest.parse(request.args)
        with outages_named():
            return shown(projects.page(person, wanted, team_id=team)).response()

    @room.get("/teams/<id:team>/projects/deleted")
    def deleted(team: str) -> Response:
        """List the team's deleted projects that the caller can bring back."""
        person = callers.require(READ)
        wanted = PageRequest.parse(request.args)
        with outages_named():
            return shown(projects.deleted_page(team, person, wanted)).response()

    @room.delete("/teams/<id:team>/projects/deleted/<id:project>")
    def erase_project(team: str, project: str) -> Response:
        """Delete a deleted project for good."""
        person = callers.require(WRITE)
        write(lambda: projects.erase(team, project, person))
        tidier.soon()
        return gone().response()

    @room.get("/projects")
    def mine() -> Response:
        """List the projects that the caller may see."""
        person = callers.require(READ)
        wanted = PageRequest.parse(request.args)
        with outages_named():
            return shown(projects.page(person, wanted)).response()


def _add_one(room: Blueprint, callers: Callers) -> None:
    @room.get("/projects/<id:project>")
    def show_project(project: str) -> Response:
        """Show a project."""
        person = callers.require(READ)
        with outages_named():
            access = enter(project, person, Deed.SEE)
            answer = shown(projects.described(access), version=access.project.version)
        return answer.response()

    @room.patch("/projects/<id:project>")
    def change_project(project: str) -> Response:
        """Rename a project or describe it anew."""
        person = callers.require(WRITE)
        wanted = read_body(projects.ProjectChange)
        document, version = write(lambda: projects.change(project, person, wanted))
        return shown(document, version=version).response()

    @room.delete("/projects/<id:project>")
    def delete_project(project: str) -> Response:
        """Delete a project; it can be brought back for a while."""
        person = callers.require(WRITE)
        write(lambda: projects.delete(project, person))
        return gone().response()

    @room.post("/projects/<id:project>/restore")
    def revive(project: str) -> Response:
        """Bring a deleted project back."""
        person = callers.require(WRITE)
        document, version = write(lambda: projects.revive(project, person))
        return shown(document, version=version).response()


def _add_people(room: Blueprint, callers: Callers) -> None:
    @room.get("/projects/<id:project>/members")
    def members(project: str) -> Response:
        """List the project's members."""
        person = callers.require(READ)
        wanted = PageRequest.parse(request.args)
        with outages_named():
            return shown(people.page(project, person, wanted)).response()

    @room.put("/projects/<id:project>/members/<id:user>")
    def appoint(project: str, user: str) -> Response:
        """Make somebody a member, or give them another role."""
        person = callers.require(WRITE)
        wanted = read_body(people.MemberWanted)
        document = write(lambda: people.appoint(project, person, user, wanted))
        return shown(document).response()

    @room.delete("/projects/<id:project>/members/<id:user>")
    def remove(project: str, user: str) -> Response:
        """Take somebody out of the project, or leave it."""
        person = callers.require(WRITE)
        write(lambda: people.remove(project, person, user))
        return gone().response()
