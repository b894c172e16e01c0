"""The room's part of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import MAYBE_TEXT, an_id, record
from workbench.paging import LIMIT_DEFAULT, LIMIT_MAX
from workbench.users.views import READ

_ENTRY = {
    "id": {"type": "string", "description": "Public id of the person."},
    "sub": {"type": "string", "description": "The issuer's name for the person."},
    "name": {"type": ["string", "null"], "description": "Null until the issuer told."},
    "username": {"type": ["string", "null"]},
    "created_at": {"type": "string", "format": "date-time"},
}

SCHEMAS: dict[str, Any] = {
    "Person": record(id=an_id("u"), name=MAYBE_TEXT, username=MAYBE_TEXT, avatar_url=MAYBE_TEXT),
    "User": {"type": "object", "required": list(_ENTRY), "properties": _ENTRY},
    "Me": {
        "allOf": [{"$ref": "#/components/schemas/User"}],
        "type": "object",
        "required": ["email", "issuer"],
        "properties": {
            "email": {"type": ["string", "null"]},
            "issuer": {"type": "string", "format": "uri"},
        },
    },
    "UserPage": {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/User"}},
            "next": {
                "type": ["string", "null"],
                "description": "The `after` of the next page; null on the last.",
            },
        },
    },
}

PATHS: dict[str, Any] = {
    "/users/me": {
        "get": {
            "operationId": "getMe",
            "summary": "The caller's directory entry, made at first sight",
            "security": [{"oauth": [READ]}],
            "responses": {"200": {"$ref": "#/components/responses/Me"}},
        }
    },
    "/users": {
        "get": {
            "operationId": "listUsers",
            "summary": "The directory, one page at a time",
            "security": [{"oauth": [READ]}],
            "parameters": [
                {
                    "name": "limit",
                    "in": "query",
                    "schema": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": LIMIT_MAX,
                        "default": LIMIT_DEFAULT,
                    },
                },
                {
                    "name": "after",
                    "in": "query",
                    "description": "The `next` of the page before.",
                    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{11}$"},
                },
            ],
            "responses": {
                "200": {"$ref": "#/components/responses/UserPage"},
                "400": {"$ref": "#/components/responses/Problem"},
            },
        }
    },
}
