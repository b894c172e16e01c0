"""Projects and their people."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import INSTANT, TEXT, an_id, operation, page_of, record
from workbench.projects.operations.words import NAMED, PERSON, posting, refusing
from workbench.projects.people import MemberWanted
from workbench.projects.permissions import Role, Standing
from workbench.projects.projects import ProjectChange, ProjectWanted
from workbench.projects.views.scopes import READ, WRITE

_PROJECT = {
    "id": an_id("p"),
    "team": NAMED,
    "name": TEXT,
    "description": TEXT,
    "role": {"type": "string", "enum": list(Standing), "description": "The caller's."},
    "created_at": INSTANT,
}

SCHEMAS: dict[str, Any] = {
    "Project": record(**_PROJECT),
    "ProjectPage": page_of("Project"),
    "DeletedProject": record(**_PROJECT, deleted_at=INSTANT, deleted_by=PERSON),
    "DeletedProjectPage": page_of("DeletedProject"),
    "ProjectMember": record(
        user=PERSON, role={"type": "string", "enum": list(Role)}, added_at=INSTANT
    ),
    "ProjectMemberPage": page_of("ProjectMember"),
}


def _listing(name: str, summary: str, answer: str) -> dict[str, Any]:
    return {"get": operation(name, summary, scope=READ, answer=answer, paged=True)}


PATHS: dict[str, Any] = {
    "/teams/{team}/projects": _listing(
        "listTeamProjects", "The team's projects that the caller may see", "ProjectPage"
    )
    | {
        "post": posting(
            "makeProject",
            "Make a project; the caller leads it",
            scope=WRITE,
            answer="Project",
            body=ProjectWanted,
            versioned=True,
        ),
    },
    "/teams/{team}/projects/deleted": _listing(
        "listDeletedProjects",
        "The team's deleted projects that the caller can bring back",
        "DeletedProjectPage",
    ),
    "/teams/{team}/projects/deleted/{project}": {
        "delete": operation(
            "eraseProject",
            "Delete a deleted project for good",
            scope=WRITE,
            answer=None,
            status=204,
        )
    },
    "/projects": _listing("listMyProjects", "All projects that the caller may see", "ProjectPage"),
    "/projects/{project}": {
        "get": operation("getProject", "One project", scope=READ, answer="Project", versioned=True),
        "patch": operation(
            "changeProject",
            "Rename or describe it anew",
            scope=WRITE,
            answer="Project",
            body=ProjectChange,
            versioned=True,
            if_match=True,
        ),
        "delete": operation(
            "deleteProject",
            "Delete it; it can be brought back while the trash is kept",
            scope=WRITE,
            answer=None,
            status=204,
        ),
    },
    "/projects/{project}/restore": {
        "post": operation(
            "restoreProject", "Bring it back", scope=WRITE, answer="Project", versioned=True
        )
    },
    "/projects/{project}/members": _listing(
        "listProjectMembers", "Its members", "ProjectMemberPage"
    ),
    "/projects/{project}/members/{user}": {
        "put": refusing(
            operation(
                "putProjectMember",
                "Make somebody of the team a member, or change their role",
                scope=WRITE,
                answer="ProjectMember",
                body=MemberWanted,
            ),
            "409",
        ),
        "delete": operation(
            "removeProjectMember",
            "Take somebody out; oneself: leave",
            scope=WRITE,
            answer=None,
            status=204,
        ),
    },
}
