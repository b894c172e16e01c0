"""Documents and their history."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import (
    COUNT,
    FLAG,
    MAYBE_INSTANT,
    MAYBE_TEXT,
    TEXT,
    a,
    many,
    operation,
    or_null,
    page_of,
    query,
    record,
)
from workbench.projects.documents import DocumentWanted, RestoreWanted, Save
from workbench.projects.operations.tree import NODE
from workbench.projects.operations.words import NUMBER, PERSON, posting
from workbench.projects.views.scopes import READ, WRITE

_MAYBE_NUMBER: dict[str, Any] = {"type": ["integer", "null"], "minimum": 1}
_TEXT: dict[str, Any] = {
    "revision": NUMBER,
    "body": TEXT,
    "author": PERSON,
    "saved_at": MAYBE_INSTANT,
}
_ABOUT: dict[str, Any] = {
    "note": TEXT,
    "restored_from": _MAYBE_NUMBER | {"description": "The revision that it brought back."},
    "size": COUNT,
}
_LINE = record(
    kind={"type": "string", "enum": ["same", "removed", "added"]},
    old=_MAYBE_NUMBER,
    new=_MAYBE_NUMBER,
    text=TEXT,
)
_SEGMENT = {
    "anyOf": [record(text=TEXT), record(conflict=record(base=TEXT, mine=TEXT, theirs=TEXT))]
}

SCHEMAS: dict[str, Any] = {
    "Document": record(**NODE | _TEXT | _ABOUT),
    "Revision": record(**_TEXT, **_ABOUT),
    "RevisionItem": record(revision=NUMBER, author=PERSON, saved_at=MAYBE_INSTANT, **_ABOUT),
    "RevisionPage": page_of("RevisionItem"),
    "Difference": record(
        **{"from": NUMBER, "to": NUMBER, "added": COUNT, "removed": COUNT},
        hunks=many(record(lines=many(_LINE))),
    ),
    "RevisionText": record(**_TEXT),
    "Merge": record(
        clean=FLAG,
        body=MAYBE_TEXT | {"description": "The merged text; null where somebody must choose."},
        segments=many(_SEGMENT),
    ),
    "Overtaken": {
        "description": "A problem of 412 `precondition_failed` on a document.",
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "type": "object",
        "required": ["current", "base", "merge"],
        "properties": {
            "current": a("RevisionText"),
            "base": or_null(a("RevisionText")),
            "merge": or_null(a("Merge")),
        },
    },
}
_OVERTAKEN = {
    "412": {
        "description": "Somebody saved in between: both texts, their base, a suggestion.",
        "content": {"application/problem+json": {"schema": a("Overtaken")}},
    }
}


def _merging(described: dict[str, Any]) -> dict[str, Any]:
    return described | {"responses": described["responses"] | _OVERTAKEN}


PATHS: dict[str, Any] = {
    "/projects/{project}/documents": {
        "post": posting(
            "makeDocument",
            "Write a new document",
            scope=WRITE,
            answer="Document",
            body=DocumentWanted,
            versioned=True,
        )
    },
    "/documents/{node}": {
        "get": operation(
            "getDocument",
            "A document with its newest text; the ETag names the revision",
            scope=READ,
            answer="Document",
            versioned=True,
        ),
        "put": _merging(
            operation(
                "saveDocument",
                "Save the text as the next revision",
                scope=WRITE,
                answer="Document",
                body=Save,
                versioned=True,
                if_match=True,
            )
        ),
    },
    "/documents/{node}/restore": {
        "post": _merging(
            operation(
                "restoreRevision",
                "Make an old revision's text the newest",
                scope=WRITE,
                answer="Document",
                body=RestoreWanted,
                versioned=True,
                if_match=True,
            )
        )
    },
    "/documents/{node}/revisions": {
        "get": operation(
            "listRevisions",
            "Its revisions, the newest first",
            scope=READ,
            answer="RevisionPage",
            paged=True,
        )
    },
    "/documents/{node}/revisions/{number}": {
        "get": operation(
            "getRevision",
            "One revision with its text",
            scope=READ,
            answer="Revision",
            queries=[{"name": "number", "in": "path", "required": True, "schema": NUMBER}],
        )
    },
    "/documents/{node}/diff": {
        "get": operation(
            "compareRevisions",
            "What changed between two revisions, line by line",
            scope=READ,
            answer="Difference",
            queries=[
                query("from", NUMBER) | {"required": True},
                query("to", NUMBER, "Left out: the newest."),
            ],
        )
    },
}
