"""The trash: what was deleted, by whom and when; back to where it was, or gone for good.

A folder takes what is in it along as one entry. What was deleted before on its own stays an entry
of its own, and comes back to the nearest folder that is still there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete as delete_rows
from sqlalchemy import insert, select, update

from workbench.database import db
from workbench.journal import Verb
from workbench.kit.clock import told, utc_now
from workbench.kit.pages import cut
from workbench.notifications import watching
from workbench.problems import NOT_FOUND, Refused
from workbench.projects import searchable, tree
from workbench.projects.access import Access, enter, lock_tree_at
from workbench.projects.model import Content, DoomedBlob, Node, Part, Project, TrashEntry
from workbench.projects.noting import note_erased, note_node
from workbench.projects.permissions import Deed
from workbench.users.people import people_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.paging import PageRequest
    from workbench.projects.limits import Limits
    from workbench.users.people import Person

_BATCH = 500


def throw_away(node_id: str, person: Person) -> None:
    """Put a node and all that is in it into the trash; for a transaction of the caller."""
    node, access = lock_tree_at(node_id, person, Deed.WRITE)
    inside = _live_below(node)
    entry = TrashEntry(
        project_pk=node.project_pk, node_pk=node.pk, items=len(inside), trashed_by=person.pk
    )
    db.session.add(entry)
    db.session.flush()
    for batch in _batches(inside):
        db.session.execute(
            update(Node).where(Node.pk.in_(batch)).values(trash_pk=entry.pk),
            execution_options={"synchronize_session": False},
        )
    node.trash_pk, node.place = entry.pk, None
    node.version += 1
    note_node(Verb.NODE_TRASHED, access, node)


def page(project_id: str, person: Person, wanted: PageRequest) -> dict[str, Any]:
    """Return a page of the project's trash, newest first."""
    access = enter(project_id, person, Deed.SEE)
    query = (
        select(TrashEntry, Node)
        .join(Node, Node.pk == TrashEntry.node_pk)
        .where(TrashEntry.project_pk == access.project.pk)
    )
    rows, following = cut(query, TrashEntry.pk, wanted, newest_first=True)
    people = people_of(row[0].trashed_by for row in rows)
    items = [
        {
            "id": node.id,
            "kind": node.kind,
            "name": node.name,
            "size": node.size_bytes,
            "items": entry.items,
            "trashed_at": told(entry.trashed_at),
            "trashed_by": people[entry.trashed_by].embedded(),
        }
        for entry, node, _ in rows
    ]
    return {"items": items, "next": following}


def take_back(node_id: str, person: Person, limits: Limits) -> tuple[Node, Access]:
    """Put what was thrown away back where it was; for a transaction of the caller.

    Where its folder is gone, it goes to the nearest one above that is there; where its name is
    taken by now, it gets a number.
    """
    node, access, entry = _entry_at(node_id, person, Deed.WRITE)
    folder = _nearest_folder(node)
    tree.require_depth_for(node, folder)
    tree.require_room(access.project, limits.project_nodes, wanted=1 + entry.items)
    node.parent_pk = folder.pk if folder else None
    node.trash_pk = None
    node.version += 1
    tree.number_where_taken(node)
    node.order_key = tree.free_key(node)
    node.place = tree.place_of(node)
    db.session.flush()
    db.session.execute(
        update(Node).where(Node.trash_pk == entry.pk).values(trash_pk=None),
        execution_options={"synchronize_session": False},
    )
    db.session.delete(entry)
    note_node(Verb.NODE_RESTORED, access, node)
    searchable.index(node)
    return node, access


def erase(node_id: str, person: Person) -> None:
    """Delete an entry of the trash for good; for a transaction of the caller."""
    node, access, entry = _entry_at(node_id, person, Deed.ERASE)
    note_node(Verb.NODE_DELETED, access, node)
    erase_entry(entry)


def erase_entry(entry: TrashEntry) -> None:
    """Delete the rows of *entry*; the files' blobs are doomed, see `upkeep`."""
    node = db.session.get_one(Node, entry.node_pk)
    pks = list(db.session.scalars(select(Node.pk).where(Node.trash_pk == entry.pk)))
    for batch in _batches(pks):
        # What was thrown away earlier on its own outlives the folder it was in.
        db.session.execute(
            update(Node)
            .where(Node.parent_pk.in_(batch), Node.trash_pk != entry.pk)
            .values(parent_pk=node.parent_pk),
            execution_options={"synchronize_session": False},
        )
    erase_nodes(pks)
    db.session.execute(delete_rows(TrashEntry).where(TrashEntry.pk == entry.pk))


def erase_project(project: Project, *, actor: int | None) -> None:
    """Delete *project*, which is locked, for good: `upkeep` takes apart what it holds.

    *actor* is None where time did it.
    """
    project.erased_at = utc_now()
    db.session.execute(delete_rows(TrashEntry).where(TrashEntry.project_pk == project.pk))
    watching.forget("project", [project.id])
    note_erased(project, actor=actor)


def erase_nodes(pks: Sequence[int]) -> None:
    """Delete nodes with all that hangs on them; what is in them and stays is nowhere then."""
    for batch in _batches(pks):
        db.session.execute(
            update(Node).where(Node.parent_pk.in_(batch)).values(parent_pk=None),
            execution_options={"synchronize_session": False},
        )
    for batch in _batches(pks):
        _forget_watches(batch)
        contents = select(Content.pk).where(Content.node_pk.in_(batch))
        doom_contents(list(db.session.scalars(contents)))
        db.session.execute(delete_rows(Node).where(Node.pk.in_(batch)))


def _forget_watches(pks: Sequence[int]) -> None:
    rows = db.session.execute(select(Node.kind, Node.id).where(Node.pk.in_(pks))).all()
    for kind in ("document", "file"):
        if ids := [row.id for row in rows if row.kind == kind]:
            watching.forget(kind, ids)


def doom_contents(pks: Sequence[int]) -> None:
    """Forget contents; their blobs are deleted from storage once this has been committed."""
    for batch in _batches(pks):
        keys = db.session.scalars(select(Part.key).where(Part.content_pk.in_(batch))).all()
        if keys:
            db.session.execute(insert(DoomedBlob), [{"key": key} for key in keys])
        db.session.execute(delete_rows(Content).where(Content.pk.in_(batch)))


def _entry_at(node_id: str, person: Person, deed: Deed) -> tuple[Node, Access, TrashEntry]:
    node, access = lock_tree_at(node_id, person, deed, trashed=True)
    entry = db.session.scalars(
        select(TrashEntry).where(TrashEntry.node_pk == node.pk)
    ).one_or_none()
    if entry is None:  # live, or gone with the folder it is in
        raise Refused(NOT_FOUND)
    return node, access, entry


def _live_below(node: Node) -> list[int]:
    """Return the pks of everything in *node* that is not in the trash yet, level by level."""
    found: list[int] = []
    level = [node.pk]
    while level:
        below: list[int] = []
        for batch in _batches(level):
            query = select(Node.pk).where(Node.parent_pk.in_(batch), Node.trash_pk.is_(None))
            below += db.session.scalars(query)
        found += below
        level = below
    return found


def _nearest_folder(node: Node) -> Node | None:
    parent_pk = node.parent_pk
    while parent_pk is not None:
        folder = db.session.get_one(Node, parent_pk)
        if folder.trash_pk is None:
            return folder
        parent_pk = folder.parent_pk
    return None


def _batches(pks: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(pks), _BATCH):
        yield pks[start : start + _BATCH]
