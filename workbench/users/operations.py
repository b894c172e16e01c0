"""The room's part of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import (
    INSTANT,
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
from workbench.users.own import ProfileChange
from workbench.users.pictures import BYTES_MOST
from workbench.users.views import INTERNAL, PICTURES, READ, WRITE, Wanted

_URI: dict[str, Any] = {"type": "string", "format": "uri"}
_BYTES: dict[str, Any] = {kind: {"schema": {}} for kind in PICTURES}
_ENTRY: dict[str, Any] = {
    "id": an_id("u"),
    "sub": TEXT | {"description": "The issuer's name for the person."},
    "name": MAYBE_TEXT | {"description": "Null until the issuer told."},
    "username": MAYBE_TEXT,
    "avatar_url": MAYBE_TEXT | {"description": "A path of this API; another picture, another."},
    "created_at": INSTANT,
}
_CONTACT = or_null(a("Contact")) | {"description": "For those who share a team with the person."}

SCHEMAS: dict[str, Any] = {
    "Person": record(id=an_id("u"), name=MAYBE_TEXT, username=MAYBE_TEXT, avatar_url=MAYBE_TEXT),
    "Contact": record(email=MAYBE_TEXT, phone=MAYBE_TEXT),
    "User": record(**_ENTRY, contact=_CONTACT),
    "Profile": record(**_ENTRY, contact=_CONTACT, bio=MAYBE_TEXT),
    "Me": record(
        **_ENTRY,
        email=MAYBE_TEXT,
        issuer=_URI,
        phone=MAYBE_TEXT,
        bio=MAYBE_TEXT,
        locale=MAYBE_TEXT,
    ),
    "UserPage": page_of("User"),
    "ResolvedUser": record(**_ENTRY, email=MAYBE_TEXT, issuer=_URI),
    "ResolvedUsers": record(items=many(a("ResolvedUser"))),
}

PATHS: dict[str, Any] = {
    "/users/me": {
        "get": operation(
            "getMe",
            "The caller's directory entry, made at first sight",
            scope=READ,
            answer="Me",
            versioned=True,
        ),
        "patch": operation(
            "changeMe",
            "Change the caller's profile",
            scope=WRITE,
            answer="Me",
            body=ProfileChange,
            versioned=True,
            if_match=True,
        ),
    },
    "/users/me/avatar": {
        "put": operation(
            "putAvatar",
            f"Send a picture of at most {BYTES_MOST // 1024} KiB",
            scope=WRITE,
            answer="Me",
            versioned=True,
        )
        | {"requestBody": {"required": True, "content": _BYTES}},
        "delete": operation(
            "deleteAvatar", "Take the picture away", scope=WRITE, answer=None, status=204
        ),
    },
    "/users": {
        "get": operation(
            "listUsers",
            "The directory, or the people of one team or group of it",
            scope=READ,
            answer="UserPage",
            queries=[
                query("team", TEXT, "A team's id; one's own."),
                query("group", TEXT, "With `team`: the id of a group of it."),
                query("q", TEXT | {"maxLength": 80}, "Part of a name."),
            ],
            paged=True,
        )
    },
    "/users/{user}": {
        "get": operation("getUser", "Somebody", scope=READ, answer="Profile"),
    },
    "/users/{user}/avatar": {
        "get": operation("getAvatar", "Somebody's picture", scope=READ, answer=None, status=200)
        | {}
    },
    "/internal/users/resolve": {
        "post": operation(
            "resolveUsers",
            "For services: who these ids are; unknown ones are left out",
            scope=INTERNAL,
            answer="ResolvedUsers",
            body=Wanted,
        )
    },
}

for _refusal in ("413", "415", "422"):
    PATHS["/users/me/avatar"]["put"]["responses"][_refusal] = {
        "$ref": "#/components/responses/Problem"
    }
PATHS["/users/{user}/avatar"]["get"]["responses"] |= {
    "200": {"description": "The picture.", "content": _BYTES},
    "304": {"description": "The one that If-None-Match names."},
}
