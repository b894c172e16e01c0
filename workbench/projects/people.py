"""The people of a project and their roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from workbench.database import db
from workbench.journal import Verb
from workbench.kit.bodies import Body, wrong_field
from workbench.kit.clock import told, utc_now
from workbench.kit.pages import cut
from workbench.problems import LIMIT_REACHED, NOT_FOUND, Refused
from workbench.projects.access import Access, enter
from workbench.projects.model import ProjectMember
from workbench.projects.noting import note_person
from workbench.projects.permissions import Deed, Role
from workbench.teams import membership as teams
from workbench.users.people import Person, find_person, people_of

if TYPE_CHECKING:
    from workbench.paging import PageRequest

MEMBERS_MAX = 500


class MemberWanted(Body):
    """What somebody is to be."""

    role: Role


def page(project_id: str, person: Person, wanted: PageRequest) -> dict[str, Any]:
    """Return a page of the project's members who are in its team."""
    access = enter(project_id, person, Deed.SEE)
    query = select(ProjectMember).where(
        ProjectMember.project_pk == access.project.pk,
        ProjectMember.user_pk.in_(teams.select_members(access.project.team_pk)),
    )
    rows, following = cut(query, ProjectMember.pk, wanted)
    people = people_of(row[0].user_pk for row in rows)
    return {"items": [_told(row[0], people[row[0].user_pk]) for row in rows], "next": following}


def appoint(project_id: str, person: Person, whom_id: str, wanted: MemberWanted) -> dict[str, Any]:
    """Make somebody of the team a member, or give a member another role."""
    access = enter(project_id, person, Deed.APPOINT, lock=True)
    whom = find_person(whom_id)
    in_team = teams.standing_at(access.project.team_pk, whom.pk) if whom else None
    if whom is None or in_team is None:
        raise wrong_field("user", "not_in_team", "Choose somebody of the team.")
    member = _find(access, whom)
    if member is None:
        _require_room(access)
        member = ProjectMember(project_pk=access.project.pk, user_pk=whom.pk, role=wanted.role)
        db.session.add(member)
        db.session.flush()
        note_person(Verb.PROJECT_MEMBER_ADDED, access, whom, detail=wanted.role)
    elif member.role != wanted.role or member.created_at < in_team.joined_at:
        member.role, member.created_at = wanted.role, utc_now()
        note_person(Verb.PROJECT_MEMBER_ADDED, access, whom, detail=wanted.role)
    return _told(member, whom)


def remove(project_id: str, person: Person, whom_id: str) -> None:
    """Take somebody out of the project; what they made stays. One's own name: leave."""
    own = whom_id == person.id
    access = enter(project_id, person, Deed.LEAVE if own else Deed.APPOINT, lock=True)
    whom = find_person(whom_id)
    member = _find(access, whom) if whom else None
    if whom is None or member is None:
        raise Refused(NOT_FOUND)
    db.session.delete(member)
    note_person(Verb.PROJECT_MEMBER_REMOVED, access, whom, gone=True)


def _find(access: Access, whom: Person) -> ProjectMember | None:
    return db.session.scalars(
        select(ProjectMember).where(
            ProjectMember.project_pk == access.project.pk, ProjectMember.user_pk == whom.pk
        )
    ).one_or_none()


def _require_room(access: Access) -> None:
    count = db.session.scalars(
        select(func.count()).where(ProjectMember.project_pk == access.project.pk)
    ).one()
    if count >= MEMBERS_MAX:
        raise Refused(LIMIT_REACHED, detail=f"A project has at most {MEMBERS_MAX} members.")


def _told(member: ProjectMember, person: Person) -> dict[str, Any]:
    return {
        "user": person.embedded(),
        "role": member.role,
        "added_at": told(member.created_at),
    }
