"""The tree and the trash."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import (
    COUNT,
    INSTANT,
    MAYBE_TEXT,
    TEXT,
    a,
    many,
    operation,
    page_of,
    record,
)
from workbench.projects.operations.words import (
    NAMED,
    NODE_ID,
    NUMBER,
    PERSON,
    SIZE,
    posting,
    refusing,
)
from workbench.projects.tree import FolderWanted, NodeChange
from workbench.projects.views.scopes import READ, WRITE

KIND: dict[str, Any] = {"type": "string", "enum": ["folder", "document", "file"]}
NODE: dict[str, Any] = {
    "id": NODE_ID,
    "kind": KIND,
    "name": TEXT,
    "parent": MAYBE_TEXT | {"description": "The folder it is in; null at the top."},
    "project": NAMED,
    "version": NUMBER | {"description": 'Of name and place; the ETag is `"v<version>"`.'},
    "created_at": INSTANT,
    "created_by": PERSON,
    "updated_at": INSTANT,
    "updated_by": PERSON,
    "size": SIZE,
    "type": MAYBE_TEXT | {"description": "The media type; null for a folder."},
}

SCHEMAS: dict[str, Any] = {
    "Node": record(**NODE),
    "TreeItem": record(
        id=NODE_ID,
        kind=KIND,
        name=TEXT,
        parent=MAYBE_TEXT,
        depth=COUNT,
        version=NUMBER,
        updated_at=INSTANT,
        size=SIZE,
        type=MAYBE_TEXT,
    ),
    "Tree": record(
        items=many(a("TreeItem"))
        | {"description": "In order; each folder is followed by what is in it."}
    ),
    "TrashEntry": record(
        id=NODE_ID,
        kind=KIND,
        name=TEXT,
        size=SIZE,
        items=COUNT | {"description": "How many things went with it."},
        trashed_at=INSTANT,
        trashed_by=PERSON,
    ),
    "TrashPage": page_of("TrashEntry"),
}

PATHS: dict[str, Any] = {
    "/projects/{project}/tree": {
        "get": operation("getTree", "The whole tree", scope=READ, answer="Tree")
    },
    "/projects/{project}/folders": {
        "post": posting(
            "makeFolder",
            "Make a folder",
            scope=WRITE,
            answer="Node",
            body=FolderWanted,
            versioned=True,
        )
    },
    "/nodes/{node}": {
        "get": operation(
            "getNode", "A folder, document or file", scope=READ, answer="Node", versioned=True
        ),
        "patch": refusing(
            operation(
                "changeNode",
                "Rename it, move it, put it in order",
                scope=WRITE,
                answer="Node",
                body=NodeChange,
                versioned=True,
                if_match=True,
            ),
            "409",
        ),
        "delete": operation(
            "trashNode",
            "Put it and all that is in it into the trash",
            scope=WRITE,
            answer=None,
            status=204,
        ),
    },
    "/nodes/{node}/restore": {
        "post": refusing(
            operation(
                "restoreNode",
                "Put it back where it was, or into the nearest folder that is left",
                scope=WRITE,
                answer="Node",
                versioned=True,
            ),
            "409",
        )
    },
    "/projects/{project}/trash": {
        "get": operation(
            "listTrash",
            "What was thrown away, the newest first",
            scope=READ,
            answer="TrashPage",
            paged=True,
        )
    },
    "/trash/{node}": {
        "delete": operation("eraseNode", "Delete it for good", scope=WRITE, answer=None, status=204)
    },
}
