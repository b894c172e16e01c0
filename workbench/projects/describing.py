"""Nodes as the API tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from workbench.database import db
from workbench.kit.clock import told
from workbench.projects.model import Node
from workbench.users.people import people_of

if TYPE_CHECKING:
    from workbench.projects.access import Access


def tree_item(row: Any, parent_id: str | None, depth: int) -> dict[str, Any]:  # noqa: ANN401 - a row
    """Return a node as it stands in its tree; `depth` counts from 0."""
    return {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "parent": parent_id,
        "depth": depth,
        "version": row.version,
        "updated_at": told(row.updated_at),
        "size": row.size_bytes,
        "type": row.media_type,
    }


def node_told(node: Node, access: Access) -> dict[str, Any]:
    """Return *node* with its people and its folder; two queries at most."""
    people = people_of((node.created_by, node.updated_by))
    parent_id = None
    if node.parent_pk is not None:
        parent_id = db.session.scalars(select(Node.id).where(Node.pk == node.parent_pk)).one()
    return {
        "id": node.id,
        "kind": node.kind,
        "name": node.name,
        "parent": parent_id,
        "project": {"id": access.project.id, "name": access.project.name},
        "version": node.version,
        "created_at": told(node.created_at),
        "created_by": people[node.created_by].embedded(),
        "updated_at": told(node.updated_at),
        "updated_by": people[node.updated_by].embedded(),
        "size": node.size_bytes,
        "type": node.media_type,
    }
