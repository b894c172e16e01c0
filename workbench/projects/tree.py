"""The project's one ordered tree: made, listed, renamed, moved.

Whoever changes a tree holds its project's row, so that two moves can make no circle and two names
no clash; a move writes the one node that moves. A list of siblings is numbered anew only when a
key between two of them has become too long.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from workbench.database import db
from workbench.journal import Verb
from workbench.kit.bodies import Body, wrong_field
from workbench.kit.clock import utc_now
from workbench.kit.versions import require_match
from workbench.problems import LIMIT_REACHED, NAME_TAKEN, Refused
from workbench.projects import order_keys, searchable
from workbench.projects.access import Access, enter, find_folder, lock_tree_at
from workbench.projects.describing import tree_item
from workbench.projects.fields import NodeId, NodeName
from workbench.projects.model import Node
from workbench.projects.names import name_key, next_free
from workbench.projects.noting import note_node
from workbench.projects.permissions import Deed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement

    from workbench.projects.limits import Limits
    from workbench.projects.model import Project
    from workbench.users.people import Person

DEPTH_MAX = 20


class FolderWanted(Body):
    """A folder to be; without `parent` at the top."""

    name: NodeName
    parent: NodeId | None = None


class NodeChange(Body):
    """A name, a place, or both. `before` is the sibling to stand before; null: at the end."""

    name: NodeName | None = None
    parent: NodeId | None = None
    before: NodeId | None = None


def listed(project_id: str, person: Person) -> dict[str, Any]:
    """Return every live node, each folder followed by what is in it. One query for the tree."""
    access = enter(project_id, person, Deed.SEE)
    rows = db.session.execute(
        select(
            Node.pk,
            Node.id,
            Node.parent_pk,
            Node.kind,
            Node.name,
            Node.version,
            Node.updated_at,
            Node.size_bytes,
            Node.media_type,
            Node.order_key,
        ).where(Node.project_pk == access.project.pk, Node.trash_pk.is_(None))
    ).all()
    below: dict[int | None, list[Any]] = {}
    for row in sorted(rows, key=lambda row: (row.order_key, row.pk)):
        below.setdefault(row.parent_pk, []).append(row)
    return {"items": [tree_item(row, parent, depth) for row, parent, depth in _walk(below)]}


def _walk(below: dict[int | None, list[Any]]) -> Iterator[tuple[Any, str | None, int]]:
    stack = [(row, None, 0) for row in reversed(below.get(None, []))]
    while stack:
        row, parent, depth = stack.pop()
        yield row, parent, depth
        stack += [(child, row.id, depth + 1) for child in reversed(below.get(row.pk, []))]


def make_folder(
    project_id: str, person: Person, wanted: FolderWanted, limits: Limits
) -> tuple[Node, Access]:
    """Add a folder; for a transaction of the caller."""
    access = enter(project_id, person, Deed.WRITE, lock=True)
    node = add(
        access, Node(kind="folder", name=wanted.name), wanted.parent, limit=limits.project_nodes
    )
    note_node(Verb.FOLDER_CREATED, access, node)
    searchable.index(node)
    return node, access


def add(
    access: Access, node: Node, parent_id: str | None, *, limit: int, rename: bool = False
) -> Node:
    """Put the new *node* at the end of a folder of the locked project of *access*.

    With *rename* it gets a number where its name is taken. *limit*: the most nodes of a project.

    Raises:
        Refused: no such folder; the name is taken; too many or too deep.
    """
    parent = find_folder(access.project, parent_id)
    _require_depth(parent, 1)
    require_room(access.project, limit)
    node.project_pk, node.parent_pk = access.project.pk, parent.pk if parent else None
    node.created_by = node.updated_by = access.person.pk
    if rename:
        number_where_taken(node)
    else:
        require_name_free(node)
    node.place = place_of(node)
    node.order_key = _key_at(node, None)
    db.session.add(node)
    db.session.flush()
    return node


def change(node_id: str, person: Person, wanted: NodeChange) -> tuple[Node, Access]:
    """Rename or move a node; for a transaction of the caller."""
    node, access = lock_tree_at(node_id, person, Deed.WRITE)
    require_match(node.version)
    said = wanted.model_fields_set
    old_name, old_parent, old_key = node.name, node.parent_pk, node.order_key
    if wanted.name is not None:
        node.name = wanted.name
    if "parent" in said:
        folder = find_folder(access.project, wanted.parent)
        _require_no_circle(node, folder)
        node.parent_pk = folder.pk if folder else None
    moved = node.parent_pk != old_parent
    if moved or node.name != old_name:
        require_name_free(node)
        node.place = place_of(node)
    if moved or "before" in said:
        node.order_key = _key_at(node, wanted.before)
    if (node.name, node.parent_pk, node.order_key) == (old_name, old_parent, old_key):
        return node, access
    node.version += 1
    node.updated_by, node.updated_at = person.pk, utc_now()
    if node.name != old_name:
        note_node(Verb.NODE_RENAMED, access, node, detail=old_name)
        searchable.index(node)
    if moved:
        note_node(Verb.NODE_MOVED, access, node)
    return node, access


def place_of(node: Node) -> str:
    """Return what is unique to a name in a folder."""
    said = f"{node.project_pk}/{node.parent_pk or 0}/{name_key(node.name)}"
    return hashlib.sha256(said.encode()).hexdigest()


def require_name_free(node: Node) -> None:
    """Pass when nothing else in the node's folder has its name.

    Raises:
        Refused: 409 ``name_taken`` with a name that is free.
    """
    free = _free_name(node)
    if free != node.name:
        raise Refused(
            NAME_TAKEN,
            detail="Something in this folder has that name already.",
            members={"suggestion": free},
        )


def number_where_taken(node: Node) -> None:
    """Put a number behind the node's name where another one in its folder has it."""
    node.name = _free_name(node)


def free_key(node: Node) -> str:
    """Return the node's own order key, or the next one where a sibling has it by now."""
    with db.session.no_autoflush:
        same = select(Node.pk).where(*_beside(node), Node.order_key == node.order_key)
        if db.session.scalars(same).first() is None:
            return node.order_key
        above = select(func.min(Node.order_key)).where(
            *_beside(node), Node.order_key > node.order_key
        )
        return order_keys.between(node.order_key, db.session.scalars(above).one())


def require_depth_for(node: Node, folder: Node | None) -> None:
    """Pass when *node*, with all that is in it, may stand in *folder*."""
    _require_depth(folder, _height(node))


def _beside(node: Node) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that leave the live nodes of the node's folder, itself apart."""
    conditions = (
        Node.project_pk == node.project_pk,
        Node.parent_pk.is_not_distinct_from(node.parent_pk),
        Node.trash_pk.is_(None),
    )
    return conditions if node.pk is None else (*conditions, Node.pk != node.pk)


def _free_name(node: Node) -> str:
    with db.session.no_autoflush:
        query = select(Node.pk).where(Node.place == place_of(node))
        if db.session.scalars(query).first() in {None, node.pk}:
            return node.name
        names = db.session.scalars(select(Node.name).where(*_beside(node)))
        return next_free(node.name, {name_key(name) for name in names})


def _key_at(node: Node, before_id: str | None) -> str:
    """Return the key that puts *node* before its sibling *before_id*, or at the end.

    Raises:
        Refused: 422: the sibling is not in that folder.
    """
    if node.pk is not None and before_id == node.id:
        return node.order_key
    with db.session.no_autoflush:
        high = None
        below = select(func.max(Node.order_key)).where(*_beside(node))
        if before_id is not None:
            sibling = select(Node.order_key).where(*_beside(node), Node.id == before_id)
            high = db.session.scalars(sibling).one_or_none()
            if high is None:
                raise wrong_field("before", "not_there", "Name something that is in that folder.")
            below = below.where(Node.order_key < high)
        low = db.session.scalars(below).one()
    if node.order_key and (low or "") < node.order_key and (high is None or node.order_key < high):
        return node.order_key  # it is there already
    key = order_keys.between(low, high)
    return key if len(key) <= order_keys.LENGTH_MAX else _renumbered(node, high)


def _renumbered(node: Node, high: str | None) -> str:
    """Give the node's siblings new keys with a gap below *high*; return the gap's key."""
    with db.session.no_autoflush:
        ordered = select(Node).where(*_beside(node)).order_by(Node.order_key)
        siblings = db.session.scalars(ordered).all()
    index = sum(high is None or each.order_key < high for each in siblings)
    keys = order_keys.spread(len(siblings) + 1)
    gap = keys.pop(index)
    for each, key in zip(siblings, keys, strict=True):
        each.order_key = key
    return gap


def _require_no_circle(node: Node, folder: Node | None) -> None:
    """Pass when *folder* is neither *node* nor inside it, and not too deep for it."""
    above = folder
    while above is not None:
        if above.pk == node.pk:
            raise wrong_field("parent", "inside_itself", "A folder cannot be inside itself.")
        above = db.session.get(Node, above.parent_pk) if above.parent_pk else None
    require_depth_for(node, folder)


def _require_depth(folder: Node | None, height: int) -> None:
    depth, above = 0, folder
    while above is not None:
        depth += 1
        above = db.session.get(Node, above.parent_pk) if above.parent_pk else None
    if depth + height > DEPTH_MAX:
        raise Refused(LIMIT_REACHED, detail=f"A tree is at most {DEPTH_MAX} folders deep.")


def _height(node: Node) -> int:
    """Return how many levels *node* and what is in it take."""
    height, level = 0, [node.pk]
    while level and height <= DEPTH_MAX:
        height += 1
        level = list(
            db.session.scalars(
                select(Node.pk).where(Node.parent_pk.in_(level), Node.kind == "folder")
            )
        )
    return height


def require_room(project: Project, limit: int, *, wanted: int = 1) -> None:
    """Pass when *project* may hold as many live nodes more as are *wanted*."""
    query = select(func.count()).where(Node.project_pk == project.pk, Node.trash_pk.is_(None))
    if db.session.scalars(query).one() + wanted > limit:
        raise Refused(LIMIT_REACHED, detail=f"A project holds at most {limit} documents and files.")
