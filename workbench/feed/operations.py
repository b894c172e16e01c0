"""The room's part of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from workbench.feed.views import READ
from workbench.journal import Verb
from workbench.kit.operations import (
    INSTANT,
    MAYBE_TEXT,
    TEXT,
    a,
    operation,
    or_null,
    page_of,
    query,
    record,
)

_NAMED = record(id=TEXT, name=TEXT)
_ZONE = query("zone", {"type": "string", "default": "UTC"}, "The time zone that `day` is of.")
_STREAM = {
    "200": {
        "description": (
            "Server-sent events: `feed` (a FeedItem), `inbox` (`{unread, item}`), `open` (first, "
            "where the token has no `notification:read`) and `reset` (too much was missed, or too "
            "long ago: read the feed anew)."
        ),
        "content": {"text/event-stream": {"schema": TEXT}},
    },
    "400": {"$ref": "#/components/responses/Problem"},
}

SCHEMAS: dict[str, Any] = {
    "FeedItem": record(
        id=TEXT,
        verb={"type": "string", "enum": [verb.value for verb in Verb]},
        at=INSTANT,
        day={"type": "string", "format": "date"},
        actor=or_null(a("Person")),
        team=or_null(_NAMED),
        group=or_null(_NAMED),
        project=or_null(_NAMED),
        subject=record(kind=TEXT, id=TEXT, title=TEXT),
        detail=MAYBE_TEXT,
    ),
    "FeedPage": page_of("FeedItem"),
}

PATHS: dict[str, Any] = {
    "/feed": {
        "get": operation(
            "listFeed",
            "What happened in the caller's teams and projects, newest first",
            scope=READ,
            answer="FeedPage",
            queries=(
                query("team", TEXT, "Of this team."),
                query("project", TEXT, "In this project."),
                query("group", TEXT, "Of this group of the team that is named as well."),
                query("person", TEXT, "Done by this person."),
                _ZONE,
            ),
            paged=True,
        )
    },
    "/feed/live": {
        "get": {
            "operationId": "followFeed",
            "summary": "What happens from now on, or since what the client was last told",
            "security": [{"oauth": [READ]}],
            "parameters": [
                query("after", TEXT, "The newest `id` that the client knows."),
                {
                    "name": "Last-Event-ID",
                    "in": "header",
                    "description": "What the stream told last; stronger than `after`.",
                    "schema": TEXT,
                },
            ],
            "responses": _STREAM,
        }
    },
}
