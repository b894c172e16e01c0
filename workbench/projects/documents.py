"""Documents: Markdown of which every save is kept, and which two people may edit at once.

A save names the revision it was made from. Where somebody else saved in between, nothing is
written: the answer has both texts, the one they began from and a suggestion how to join them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from flask import request
from pydantic import Field
from sqlalchemy import select

from workbench.database import db, start_over
from workbench.journal import Verb
from workbench.kit.bodies import Body, OneLine, Prose, wrong_field
from workbench.kit.clock import told, utc_now
from workbench.kit.pages import cut
from workbench.kit.versions import etag_of
from workbench.problems import NOT_FOUND, PRECONDITION_FAILED, PRECONDITION_REQUIRED, Refused
from workbench.projects import searchable, tree
from workbench.projects.access import Access, at_node, enter, lock_node
from workbench.projects.describing import node_told
from workbench.projects.fields import NodeId, NodeName
from workbench.projects.model import NOTE_LENGTH, Node, Revision
from workbench.projects.noting import named_in, note_node
from workbench.projects.permissions import Deed
from workbench.projects.text.diff import difference
from workbench.projects.text.merge import merge
from workbench.users.people import people_of

if TYPE_CHECKING:
    from workbench.paging import PageRequest
    from workbench.projects.limits import Limits
    from workbench.users.people import Person

_TAG = re.compile(r'"v(\d{1,9})"')
# A byte limit of the settings is what counts; this one keeps the parser from reading a novel.
_CHARACTERS_MAX = 4_194_304
REVISION_MAX = 2**31 - 1  # what a column of either database holds


class DocumentWanted(Body):
    """A document to be."""

    title: NodeName
    body: Annotated[str, Prose(_CHARACTERS_MAX)] = ""
    parent: NodeId | None = None


class Save(Body):
    """The text as it is to be; `note` says what was changed."""

    body: Annotated[str, Prose(_CHARACTERS_MAX)]
    note: Annotated[str, OneLine(NOTE_LENGTH, least=0)] = ""


class RestoreWanted(Body):
    """The number of the revision to bring back."""

    revision: Annotated[int, Field(ge=1, le=REVISION_MAX)]


@dataclass(frozen=True, slots=True)
class Text:
    """A revision outside of any transaction."""

    number: int
    body: str
    author: dict[str, Any]
    saved_at: str | None

    def as_json(self) -> dict[str, Any]:
        """Return it as the API says it."""
        return {
            "revision": self.number,
            "body": self.body,
            "author": self.author,
            "saved_at": self.saved_at,
        }


class Overtaken(Exception):  # noqa: N818 - an outcome
    """Somebody else saved first; nothing was written. Holds what a merge needs."""

    def __init__(self, base: Text | None, mine: str, current: Text) -> None:
        super().__init__(current.number)
        self.base, self.mine, self.current = base, mine, current

    def refusal(self) -> Refused:
        """Return the 412; joining long texts takes a moment and belongs outside a transaction."""
        suggestion = None
        if self.base is not None:
            joined = merge(self.base.body, self.mine, self.current.body)
            suggestion = joined.as_json()
        members = {
            "current": self.current.as_json(),
            "base": self.base.as_json() if self.base else None,
            "merge": suggestion,
        }
        tag = {"ETag": etag_of(self.current.number)}
        return Refused(PRECONDITION_FAILED, members=members, headers=tag)


def make(
    project_id: str, person: Person, wanted: DocumentWanted, limits: Limits
) -> tuple[dict[str, Any], int]:
    """Add a document with its first revision; for a transaction of the caller."""
    size_bytes = _require_size(wanted.body, limits)
    access = enter(project_id, person, Deed.WRITE, lock=True)
    node = Node(kind="document", name=wanted.title, revision=1, size_bytes=size_bytes)
    node.media_type = "text/markdown"
    tree.add(access, node, wanted.parent, limit=limits.project_nodes)
    head = Revision(
        node_pk=node.pk, number=1, body=wanted.body, size_bytes=size_bytes, author_pk=person.pk
    )
    db.session.add(head)
    db.session.flush()
    note_node(Verb.DOCUMENT_CREATED, access, node, told=named_in(access, wanted.body))
    searchable.index(node, wanted.body)
    return _told(node, access, head), 1


def shown(node_id: str, person: Person) -> tuple[dict[str, Any], int]:
    """Return the document with its newest text, and the revision that is."""
    node, access = at_node(node_id, person, Deed.SEE, kind="document")
    head = _require_revision(node, node.revision or 0)
    return _told(node, access, head), head.number


def save(node_id: str, person: Person, wanted: Save, limits: Limits) -> tuple[dict[str, Any], int]:
    """Keep *wanted* as the next revision; for a transaction of the caller.

    The same text again, by the same person on the same base, is the same save.

    Raises:
        Overtaken: somebody saved since the revision that ``If-Match`` names.
    """
    size_bytes = _require_size(wanted.body, limits)
    node, access = lock_node(node_id, person, Deed.WRITE, kind="document")
    head = _require_revision(node, node.revision or 0)
    began_from = _began_from(head.number)
    if began_from == head.number - 1 and _is_same_save(head, person, wanted):
        return _told(node, access, head), head.number
    if began_from != head.number:
        base = _find_revision(node, began_from) if began_from else None
        raise Overtaken(_text_of(base) if base else None, wanted.body, _text_of(head))
    if wanted.body == head.body:
        return _told(node, access, head), head.number
    named = named_in(access, wanted.body, head.body)
    head = _append(node, person, wanted.body, size_bytes, note=wanted.note)
    note_node(Verb.DOCUMENT_EDITED, access, node, detail=wanted.note or None, told=named)
    return _told(node, access, head), head.number


def restore(node_id: str, person: Person, wanted: RestoreWanted) -> tuple[dict[str, Any], int]:
    """Make the text of an old revision the newest one; for a transaction of the caller."""
    node, access = lock_node(node_id, person, Deed.WRITE, kind="document")
    old = _find_revision(node, wanted.revision)
    if old is None:
        raise wrong_field("revision", "not_there", "There is no such revision.")
    head = _require_revision(node, node.revision or 0)
    if _began_from(head.number) != head.number:
        raise Overtaken(None, old.body, _text_of(head))
    if old.body != head.body:
        head = _append(node, person, old.body, old.size_bytes, restored_from=old.number)
        note_node(Verb.DOCUMENT_RESTORED, access, node, detail=str(old.number))
    return _told(node, access, head), head.number


def history(node_id: str, person: Person, wanted: PageRequest) -> dict[str, Any]:
    """Return a page of the document's revisions without their texts, newest first."""
    node, _ = at_node(node_id, person, Deed.SEE, kind="document")
    query = select(
        Revision.number,
        Revision.author_pk,
        Revision.created_at,
        Revision.note,
        Revision.restored_from,
        Revision.size_bytes,
    ).where(Revision.node_pk == node.pk)
    rows, following = cut(query, Revision.number, wanted, newest_first=True)
    people = people_of(row.author_pk for row in rows)
    items = [
        {
            "revision": row.number,
            "author": people[row.author_pk].embedded(),
            "saved_at": told(row.created_at),
            "note": row.note,
            "restored_from": row.restored_from,
            "size": row.size_bytes,
        }
        for row in rows
    ]
    return {"items": items, "next": following}


def revision_shown(node_id: str, person: Person, number: int) -> dict[str, Any]:
    """Return one revision with its text."""
    node, _ = at_node(node_id, person, Deed.SEE, kind="document")
    found = _require_revision(node, number)
    return _revision_told(found)


def compared(node_id: str, person: Person, old: int, new: int | None) -> dict[str, Any]:
    """Return what leads from revision *old* to *new*, by default to the newest."""
    node, _ = at_node(node_id, person, Deed.SEE, kind="document")
    first = _require_revision(node, old)
    second = _require_revision(node, new or node.revision or 0)
    texts = (first.number, first.body), (second.number, second.body)
    start_over()  # no connection is held while long texts are compared
    (from_number, before), (to_number, after) = texts
    return {"from": from_number, "to": to_number, **difference(before, after)}


def _append(
    node: Node,
    person: Person,
    body: str,
    size_bytes: int,
    *,
    note: str = "",
    restored_from: int | None = None,
) -> Revision:
    node.revision = (node.revision or 0) + 1
    node.size_bytes = size_bytes
    node.updated_by, node.updated_at = person.pk, utc_now()
    head = Revision(
        node_pk=node.pk,
        number=node.revision,
        body=body,
        size_bytes=size_bytes,
        note=note,
        restored_from=restored_from,
        author_pk=person.pk,
    )
    db.session.add(head)
    db.session.flush()
    searchable.index(node, body)
    return head


def _is_same_save(head: Revision, person: Person, wanted: Save) -> bool:
    return (head.author_pk, head.body, head.note) == (person.pk, wanted.body, wanted.note)


def _began_from(current: int) -> int:
    """Return the revision that the request was made from; 0 where it names none of ours.

    Raises:
        Refused: 428: it does not say.
    """
    header = request.headers.get("If-Match")
    if header is None:
        raise Refused(
            PRECONDITION_REQUIRED, detail="Send If-Match with the ETag of what you change."
        )
    if header.strip() == "*":
        return current
    numbers = [int(tag) for tag in _TAG.findall(header)]
    return current if current in numbers else max(numbers, default=0)


def _find_revision(node: Node, number: int) -> Revision | None:
    return db.session.scalars(
        select(Revision).where(Revision.node_pk == node.pk, Revision.number == number)
    ).one_or_none()


def _require_revision(node: Node, number: int) -> Revision:
    found = _find_revision(node, number)
    if found is None:
        raise Refused(NOT_FOUND)
    return found


def _require_size(body: str, limits: Limits) -> int:
    size_bytes = len(body.encode())
    if size_bytes > limits.document_bytes:
        message = f"Write at most {limits.document_bytes} bytes; this is {size_bytes}."
        raise wrong_field("body", "too_long", message)
    return size_bytes


def _text_of(revision: Revision) -> Text:
    author = people_of([revision.author_pk])[revision.author_pk]
    return Text(revision.number, revision.body, author.embedded(), told(revision.created_at))


def _revision_told(revision: Revision) -> dict[str, Any]:
    return _text_of(revision).as_json() | {
        "note": revision.note,
        "restored_from": revision.restored_from,
        "size": revision.size_bytes,
    }


def _told(node: Node, access: Access, head: Revision) -> dict[str, Any]:
    return node_told(node, access) | _revision_told(head)
