"""Search."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import (
    FLAG,
    INSTANT,
    TEXT,
    an_id,
    many,
    operation,
    page_of,
    query,
    record,
)
from workbench.kit.searching import QUERY_LENGTH
from workbench.projects.operations.tree import KIND
from workbench.projects.operations.words import NAMED, NODE_ID, PERSON, refusing
from workbench.projects.views.scopes import READ

_PIECES = many(record(text=TEXT, hit=FLAG))

SCHEMAS: dict[str, Any] = {
    "Found": record(
        id=NODE_ID,
        kind=KIND,
        title=_PIECES,
        snippet=_PIECES | {"description": "The text around the first hit; empty without a text."},
        snippet_cut=FLAG | {"description": "Whether there is text before the snippet."},
        project=NAMED,
        updated_at=INSTANT,
        updated_by=PERSON,
    ),
    "FoundPage": page_of("Found"),
}

PATHS: dict[str, Any] = {
    "/search": {
        "get": refusing(
            operation(
                "search",
                "Folders, documents and files by title and text; titles first, newest first",
                scope=READ,
                answer="FoundPage",
                paged=True,
                queries=[
                    query("q", {"type": "string", "minLength": 1, "maxLength": QUERY_LENGTH})
                    | {"required": True},
                    query("team", an_id("t")),
                    query("project", an_id("p")),
                    query("kind", KIND),
                ],
            ),
            "404",
            "422",
        )
    }
}
