"""Projects as a whole: made, listed, described, deleted, brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from sqlalchemy import select

from workbench.database import db
from workbench.journal import Verb
from workbench.kit.bodies import Body, OneLine, Prose
from workbench.kit.clock import told, utc_now
from workbench.kit.pages import cut
from workbench.kit.versions import require_match
from workbench.problems import NOT_FOUND, Refused
from workbench.projects import trash
from workbench.projects.access import Access, enter, enter_deleted
from workbench.projects.membership import LEADERS, deleted_of, projects_of
from workbench.projects.model import DESCRIPTION_LENGTH, Project, ProjectMember
from workbench.projects.names import NAME_LENGTH
from workbench.projects.noting import note_project
from workbench.projects.permissions import Deed, Role, Standing
from workbench.teams import membership as teams
from workbench.users.people import people_of

if TYPE_CHECKING:
    from workbench.paging import PageRequest
    from workbench.users.people import Person


class ProjectWanted(Body):
    """A project to be."""

    name: Annotated[str, OneLine(NAME_LENGTH)]
    description: Annotated[str, Prose(DESCRIPTION_LENGTH)] = ""


class ProjectChange(Body):
    """What is to be different."""

    name: Annotated[str, OneLine(NAME_LENGTH)] | None = None
    description: Annotated[str, Prose(DESCRIPTION_LENGTH)] | None = None


def make(team_id: str, person: Person, wanted: ProjectWanted) -> tuple[dict[str, Any], int]:
    """Add a project of which *person* is the lead; for a transaction of the caller.

    Everybody in the team may make one.

    Returns: the project as it is told, and its version.
    """
    in_team = teams.require_member(team_id, person.pk)
    project = Project(
        team_pk=in_team.team,
        name=wanted.name,
        description=wanted.description,
        created_by=person.pk,
    )
    db.session.add(project)
    db.session.flush()
    db.session.add(ProjectMember(project_pk=project.pk, user_pk=person.pk, role=Role.LEAD))
    standing = Standing.TEAM_ADMIN if in_team.role in LEADERS else Standing.LEAD
    access = Access(person, project, in_team, standing)
    note_project(Verb.PROJECT_CREATED, access)
    return described(access), project.version


def change(project_id: str, person: Person, wanted: ProjectChange) -> tuple[dict[str, Any], int]:
    """Rename or describe the project anew; for a transaction of the caller."""
    access = enter(project_id, person, Deed.DESCRIBE, lock=True)
    project = access.project
    require_match(project.version)
    name = project.name if wanted.name is None else wanted.name
    description = project.description if wanted.description is None else wanted.description
    if (name, description) != (project.name, project.description):
        before = project.name
        project.name, project.description = name, description
        project.version += 1
        note_project(Verb.PROJECT_CHANGED, access, detail=before if before != name else None)
    return described(access), project.version


def delete(project_id: str, person: Person) -> None:
    """Delete the project; it can be brought back until the trash is emptied."""
    access = enter(project_id, person, Deed.DELETE, lock=True)
    access.project.deleted_at, access.project.deleted_by = utc_now(), person.pk
    note_project(Verb.PROJECT_DELETED, access)


def revive(project_id: str, person: Person) -> tuple[dict[str, Any], int]:
    """Bring a deleted project back; for a transaction of the caller."""
    access = enter_deleted(project_id, person, Deed.REVIVE)
    access.project.deleted_at = access.project.deleted_by = None
    note_project(Verb.PROJECT_RESTORED, access)
    return described(access), access.project.version


def erase(team_id: str, project_id: str, person: Person) -> None:
    """Delete a deleted project for good; for a transaction of the caller.

    From here on nobody can see it or bring it back; `upkeep` takes it apart.
    """
    access = enter_deleted(project_id, person, Deed.ERASE_PROJECT)
    if access.team.team_id != team_id:
        raise Refused(NOT_FOUND)
    trash.erase_project(access.project, actor=person.pk)


def page(person: Person, wanted: PageRequest, *, team_id: str | None = None) -> dict[str, Any]:
    """Return a page of the projects that *person* may see, those of one team or all.

    Raises:
        Refused: 404: no such team, or no member of it.
    """
    team_pk = None if team_id is None else teams.require_member(team_id, person.pk).team
    mine = projects_of(person.pk, team_pk=team_pk)
    rows, following = cut(select(Project).where(Project.pk.in_(mine)), Project.pk, wanted)
    named = teams.teams_named({row[0].team_pk for row in rows})
    return {
        "items": [_told(row[0], named[row[0].team_pk], mine[row[0].pk]) for row in rows],
        "next": following,
    }


def deleted_page(team_id: str, person: Person, wanted: PageRequest) -> dict[str, Any]:
    """Return a page of the team's deleted projects that *person* can still bring back.

    Raises:
        Refused: 404: no such team, or no member of it.
    """
    in_team = teams.require_member(team_id, person.pk)
    mine = deleted_of(in_team, person.pk, able_to=Deed.REVIVE)
    rows, following = cut(
        select(Project).where(Project.pk.in_(mine)), Project.pk, wanted, newest_first=True
    )
    named = teams.Named(in_team.team, in_team.team_id, in_team.team_name)
    people = people_of(row[0].deleted_by for row in rows)
    items = [
        _told(row[0], named, mine[row[0].pk])
        | {
            "deleted_at": told(row[0].deleted_at),
            "deleted_by": people[row[0].deleted_by].embedded(),
        }
        for row in rows
    ]
    return {"items": items, "next": following}


def described(access: Access) -> dict[str, Any]:
    """Return the project as its members see it."""
    named = teams.Named(access.team.team, access.team.team_id, access.team.team_name)
    return _told(access.project, named, access.standing)


def _told(project: Project, team: teams.Named, standing: Standing) -> dict[str, Any]:
    return {
        "id": project.id,
        "team": team.embedded(),
        "name": project.name,
        "description": project.description,
        "role": standing,
        "created_at": told(project.created_at),
    }
