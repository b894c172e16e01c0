"""Comments."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import (
    FLAG,
    INSTANT,
    MAYBE_INSTANT,
    MAYBE_TEXT,
    a,
    an_id,
    many,
    operation,
    or_null,
    page_of,
    record,
)
from workbench.projects.comments import CommentChange, CommentWanted
from workbench.projects.operations.words import NUMBER, PERSON, posting
from workbench.projects.views.scopes import READ, WRITE

SCHEMAS: dict[str, Any] = {
    "Comment": record(
        id=an_id("cm"),
        body=MAYBE_TEXT | {"description": "Null where it was deleted above its replies."},
        author=or_null(PERSON),
        created_at=INSTANT,
        edited_at=MAYBE_INSTANT,
        deleted=FLAG,
        version=NUMBER,
        replies=many(a("Comment")),
    ),
    "CommentPage": page_of("Comment"),
}

PATHS: dict[str, Any] = {
    "/nodes/{node}/comments": {
        "get": operation(
            "listComments",
            "The threads on a document or file, oldest first",
            scope=READ,
            answer="CommentPage",
            paged=True,
        ),
        "post": posting(
            "writeComment",
            "Write a comment or a reply",
            scope=WRITE,
            answer="Comment",
            body=CommentWanted,
            versioned=True,
        ),
    },
    "/comments/{comment}": {
        "patch": operation(
            "changeComment",
            "Say it differently; its author alone",
            scope=WRITE,
            answer="Comment",
            body=CommentChange,
            versioned=True,
            if_match=True,
        ),
        "delete": operation("deleteComment", "Take it away", scope=WRITE, answer=None, status=204),
    },
}
