"""The caller at a project or a node: found and judged before anything is told or done.

What somebody may not see is 404, as if it were not there; what they see but may not do is 403.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from workbench.database import db
from workbench.kit.ids import is_id
from workbench.problems import NOT_FOUND, Refused
from workbench.projects.membership import standing_of
from workbench.projects.model import Node, Project, ProjectMember
from workbench.projects.permissions import IN_PROJECT, Deed, Standing
from workbench.teams import membership as teams

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from workbench.users.people import Person


@dataclass(frozen=True, slots=True)
class Access:
    """A person in a project.

    Attributes:
        team: their standing in the project's team.
        standing: what they are in the project.
    """

    person: Person
    project: Project
    team: teams.Standing
    standing: Standing

    def require(self, deed: Deed) -> None:
        """Pass when the person may do *deed* here.

        Raises:
            Refused: 403.
        """
        IN_PROJECT.require(deed, self.standing)


def enter(project_id: str, person: Person, deed: Deed, *, lock: bool = False) -> Access:
    """Return *person* in the project *project_id*, where they may do *deed*.

    *lock* holds the project until the transaction ends: whoever changes a tree does it alone.

    Raises:
        Refused: 404 or 403.
    """
    return _entered(Project.id == project_id, person, deed, lock=lock)


def enter_by_pk(project_pk: int, person: Person, deed: Deed, *, lock: bool = False) -> Access:
    """Return *person* in the project *project_pk*; as `enter`."""
    return _entered(Project.pk == project_pk, person, deed, lock=lock)


def enter_deleted(project_id: str, person: Person, deed: Deed) -> Access:
    """Return *person* in a project that was deleted and not erased yet, locked."""
    return _entered(Project.id == project_id, person, deed, lock=True, deleted=True)


def at_node(
    node_id: str, person: Person, deed: Deed, *, kind: str | None = None, trashed: bool = False
) -> tuple[Node, Access]:
    """Return the live node *node_id* and *person* in its project; for reading.

    *kind* is the only kind wanted; with *trashed* a node in the trash will do as well.

    Raises:
        Refused: 404 or 403.
    """
    found = _found(select(Node).where(Node.id == node_id), person, deed)
    _require_kind(found[0], kind, trashed=trashed)
    return found


def lock_node(node_id: str, person: Person, deed: Deed, *, kind: str) -> tuple[Node, Access]:
    """Return the node *node_id*, locked, and *person* in its project, which is not.

    For a change of what the node holds: two of them wait for each other, the tree does not.
    """
    found = _found(select(Node).where(Node.id == node_id).with_for_update(), person, deed)
    _require_kind(found[0], kind, trashed=False)
    return found


def lock_tree_at(
    node_id: str, person: Person, deed: Deed, *, trashed: bool = False
) -> tuple[Node, Access]:
    """Return the node *node_id* and *person* in its project, which is locked: for moves."""
    project_pk = db.session.scalars(select(Node.project_pk).where(Node.id == node_id)).one_or_none()
    if project_pk is None:
        raise Refused(NOT_FOUND)
    access = enter_by_pk(project_pk, person, deed, lock=True)
    node = db.session.scalars(
        select(Node).where(Node.id == node_id).with_for_update()
    ).one_or_none()
    if node is None:  # erased while we waited
        raise Refused(NOT_FOUND)
    _require_kind(node, None, trashed=trashed)
    return node, access


def find_folder(project: Project, folder_id: str | None) -> Node | None:
    """Return the live folder *folder_id* of *project*; None stands for the top of the tree.

    Raises:
        Refused: 404: there is no such folder in this project.
    """
    if folder_id is None:
        return None
    query = select(Node).where(
        Node.id == folder_id,
        Node.project_pk == project.pk,
        Node.kind == "folder",
        Node.trash_pk.is_(None),
    )
    folder = db.session.scalars(query).one_or_none() if is_id(folder_id, "n") else None
    if folder is None:
        raise Refused(NOT_FOUND, detail="parent: there is no such folder in this project")
    return folder


def _entered(
    condition: ColumnElement[bool], person: Person, deed: Deed, *, lock: bool, deleted: bool = False
) -> Access:
    if lock:
        db.session.execute(select(Project.pk).where(condition).with_for_update()).all()
    alive: ColumnElement[bool] = Project.deleted_at.is_(None)
    if deleted:
        alive = and_(Project.deleted_at.is_not(None), Project.erased_at.is_(None))
    row = db.session.execute(
        select(Project, ProjectMember.role, ProjectMember.created_at)
        .outerjoin(
            ProjectMember,
            and_(ProjectMember.project_pk == Project.pk, ProjectMember.user_pk == person.pk),
        )
        .where(condition, alive)
    ).one_or_none()
    if row is None:
        raise Refused(NOT_FOUND)
    project, role, since = row
    in_team = teams.standing_at(project.team_pk, person.pk)
    standing = standing_of(in_team, role, since)
    if in_team is None or standing is None:
        raise Refused(NOT_FOUND)
    IN_PROJECT.require(deed, standing)
    return Access(person, project, in_team, standing)


def _found(query: Select[Node], person: Person, deed: Deed) -> tuple[Node, Access]:
    node = db.session.scalars(query).one_or_none()
    if node is None:
        raise Refused(NOT_FOUND)
    return node, enter_by_pk(node.project_pk, person, deed)


def _require_kind(node: Node, kind: str | None, *, trashed: bool) -> None:
    if (kind is not None and node.kind != kind) or (node.trash_pk is not None and not trashed):
        raise Refused(NOT_FOUND)
