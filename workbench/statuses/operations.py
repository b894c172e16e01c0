"""The room's part of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import (
    COUNT,
    FLAG,
    INSTANT,
    MAYBE_INSTANT,
    MAYBE_TEXT,
    TEXT,
    a,
    an_id,
    many,
    operation,
    or_null,
    page_of,
    query,
    record,
)
from workbench.kit.searching import QUERY_LENGTH
from workbench.statuses.bodies import CommentBody, CommentEditBody, EditBody, PostBody
from workbench.statuses.views import READ, WRITE

_DAY: dict[str, Any] = {"type": "string", "format": "date"}
_ZONE = query(
    "zone", {"type": "string", "default": "UTC"}, "The time zone that days and weeks are of."
)
_NAMED = record(id=TEXT, name=TEXT)
_PARTS: dict[str, Any] = {"done": MAYBE_TEXT, "problems": MAYBE_TEXT, "next": MAYBE_TEXT}

SCHEMAS: dict[str, Any] = {
    "Status": record(
        id=an_id("s"),
        team=_NAMED,
        group=or_null(_NAMED),
        author=a("Person"),
        title=TEXT,
        body=TEXT | {"description": "Markdown."},
        **_PARTS,
        likes=COUNT,
        liked=FLAG | {"description": "By the caller."},
        comments=COUNT,
        version=COUNT,
        created_at=INSTANT,
        edited_at=MAYBE_INSTANT,
    ),
    "StatusPage": page_of("Status"),
    "StatusLike": record(likes=COUNT, liked=FLAG),
    "StatusComment": record(
        id=an_id("sc"),
        reply_to=MAYBE_TEXT,
        author=or_null(a("Person")),
        body=MAYBE_TEXT | {"description": "Null where the comment was deleted."},
        version=COUNT,
        created_at=INSTANT,
        edited_at=MAYBE_INSTANT,
        deleted_at=MAYBE_INSTANT,
    ),
    "StatusCommentPage": page_of("StatusComment"),
    "DigestPost": record(
        id=an_id("s"), title=TEXT, group=or_null(_NAMED), **_PARTS, created_at=INSTANT
    ),
    "DigestReport": record(person=a("Person"), posts=many(a("DigestPost"))),
    "Digest": record(
        **{
            "week": TEXT,
            "from": _DAY,
            "to": _DAY,
            "reports": many(a("DigestReport")),
            "silent": many(a("Person")) | {"description": "Members without a post."},
            "cut": FLAG | {"description": "Whether there were more posts than are shown."},
        }
    ),
}

_FILTERS = (
    query("group", TEXT, "Posts about this group."),
    query("author", TEXT, "Posts by this person."),
    query("q", TEXT | {"maxLength": QUERY_LENGTH}, "Words that they say, in any script."),
    query("from", _DAY, "The first day."),
    query("to", _DAY, "The last day."),
    _ZONE,
)

PATHS: dict[str, Any] = {
    "/teams/{team}/statuses": {
        "get": operation(
            "listStatuses",
            "The team's posts, newest first",
            scope=READ,
            answer="StatusPage",
            queries=_FILTERS,
            paged=True,
        ),
        "post": operation(
            "postStatus",
            "Post progress",
            scope=WRITE,
            answer="Status",
            status=201,
            body=PostBody,
            versioned=True,
            once=True,
        ),
    },
    "/teams/{team}/digest": {
        "get": operation(
            "getDigest",
            "A week of the team, by person",
            scope=READ,
            answer="Digest",
            queries=(
                query("week", {"type": "string", "pattern": r"^\d{4}-W\d{2}$"}, "ISO 8601."),
                _ZONE,
            ),
        )
    },
    "/statuses/{status}": {
        "get": operation("getStatus", "A post", scope=READ, answer="Status", versioned=True),
        "patch": operation(
            "editStatus",
            "Change one's own post",
            scope=WRITE,
            answer="Status",
            body=EditBody,
            versioned=True,
            if_match=True,
        ),
        "delete": operation(
            "deleteStatus",
            "Delete a post: its author, or the team's owner and admins",
            scope=WRITE,
            answer=None,
            status=204,
        ),
    },
    "/statuses/{status}/like": {
        "put": operation("likeStatus", "Like a post", scope=WRITE, answer="StatusLike"),
        "delete": operation("unlikeStatus", "Like it no longer", scope=WRITE, answer="StatusLike"),
    },
    "/statuses/{status}/comments": {
        "get": operation(
            "listStatusComments",
            "The comments, oldest first",
            scope=READ,
            answer="StatusCommentPage",
            paged=True,
        ),
        "post": operation(
            "commentStatus",
            "Comment, or answer a comment",
            scope=WRITE,
            answer="StatusComment",
            status=201,
            body=CommentBody,
            versioned=True,
            once=True,
        ),
    },
    "/status-comments/{comment}": {
        "patch": operation(
            "editStatusComment",
            "Change one's own comment",
            scope=WRITE,
            answer="StatusComment",
            body=CommentEditBody,
            versioned=True,
            if_match=True,
        ),
        "delete": operation(
            "deleteStatusComment",
            "Delete a comment: its author, or the team's owner and admins",
            scope=WRITE,
            answer=None,
            status=204,
        ),
    },
}
