"""What projects, documents and files are called, for rooms that only tell of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from workbench.database import db
from workbench.projects.membership import projects_of
from workbench.projects.model import Node, Project
from workbench.teams.membership import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


def projects_named(pks: Collection[int]) -> dict[int, Named]:
    """Return the projects with *pks*, by pk; deleted ones as well."""
    if not pks:
        return {}
    query = select(Project.pk, Project.id, Project.name).where(Project.pk.in_(pks))
    return {row.pk: Named(*row) for row in db.session.execute(query)}


def find_project(project_id: str) -> Named | None:
    """Return the project with the public id *project_id*, whoever may see it; or None."""
    query = select(Project.pk, Project.id, Project.name).where(Project.id == project_id)
    row = db.session.execute(query).one_or_none()
    return Named(*row) if row else None


def _titles_of_projects(user_pk: int, ids: Collection[str]) -> dict[str, str]:
    query = select(Project.id, Project.name).where(
        Project.id.in_(ids), Project.pk.in_(projects_of(user_pk))
    )
    return {row.id: row.name for row in db.session.execute(query)}


def _titles_of_nodes(kind: str, user_pk: int, ids: Collection[str]) -> dict[str, str]:
    query = select(Node.id, Node.name).where(
        Node.id.in_(ids),
        Node.kind == kind,
        Node.trash_pk.is_(None),
        Node.project_pk.in_(projects_of(user_pk)),
    )
    return {row.id: row.name for row in db.session.execute(query)}


# Of public ids of each kind, those that the person with a pk may see, with their titles.
TITLES: Final[Mapping[str, Callable[[int, Collection[str]], dict[str, str]]]] = {
    "project": _titles_of_projects,
    "document": partial(_titles_of_nodes, "document"),
    "file": partial(_titles_of_nodes, "file"),
}
