"""The OpenAPI 3.1 document at `/openapi.json`, put together from what each room says of itself."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from workbench.feed import operations as feed
from workbench.kit.operations import path_parameters
from workbench.notifications import operations as notifications
from workbench.projects import operations as projects
from workbench.statuses import operations as statuses
from workbench.teams import operations as teams
from workbench.users import operations as users

_ROOMS = (users, teams, projects, statuses, notifications, feed)
_PROBLEM_ANSWER = {"$ref": "#/components/responses/Problem"}
_EVERY_ANSWER = {"401": _PROBLEM_ANSWER, "403": _PROBLEM_ANSWER}
_UNSEEN = {"404": _PROBLEM_ANSWER}
_OUTAGE = {"503": {"$ref": "#/components/responses/Unavailable"}}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    },
}


def document(*, issuer: str, identifier: str) -> dict[str, Any]:
    """Return the OpenAPI document of the resource server *identifier* that trusts *issuer*."""
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths: dict[str, Any] = {}
    for room in _ROOMS:
        schemas |= room.SCHEMAS
        paths |= {path: _completed(path, methods) for path, methods in room.PATHS.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cloakroom workbench", "version": "1", "summary": "The team's API."},
        "servers": [{"url": identifier}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": _responses(schemas),
            "securitySchemes": {
                "oauth": {
                    "type": "openIdConnect",
                    "openIdConnectUrl": f"{issuer.rstrip('/')}/.well-known/openid-configuration",
                }
            },
        },
    }


def create_blueprint(*, issuer: str, identifier: str) -> Blueprint:
    """Return the route that serves the document, to everybody: it is no secret."""
    room = Blueprint("openapi", __name__)

    @room.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(document(issuer=issuer, identifier=identifier))

    return room


def _completed(path: str, methods: dict[str, Any]) -> dict[str, Any]:
    """Return *methods* with what holds for every operation: ids in the path, refusals, outages."""
    parameters = path_parameters(path)
    everywhere = _EVERY_ANSWER | _OUTAGE | (_UNSEEN if parameters else {})
    completed: dict[str, Any] = {
        method: operation | {"responses": operation["responses"] | everywhere}
        for method, operation in methods.items()
    }
    return completed | ({"parameters": parameters} if parameters else {})


def _responses(schemas: dict[str, Any]) -> dict[str, Any]:
    problem = _content("Problem", "application/problem+json")
    retry_after = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    answers = {
        name: {"description": name, "content": _content(name, "application/json")}
        for name in schemas
        if name != "Problem"
    }
    return answers | {
        "Problem": {"description": "RFC 9457 problem", "content": problem},
        "Unavailable": {
            "description": "Try again later",
            "headers": retry_after,
            "content": problem,
        },
    }


def _content(schema: str, media_type: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
