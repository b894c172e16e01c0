"""HTTP of the directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from workbench.paging import PageRequest, cursor_of

if TYPE_CHECKING:
    from workbench.bearer import BearerGuard
    from workbench.users.directory import Directory
    from workbench.users.model import User

READ = "users:read"


def create_blueprint(bearer: BearerGuard, directory: Directory) -> Blueprint:
    """Return the room's routes."""
    room = Blueprint("users", __name__)

    @room.get("/users/me")
    def me() -> Response:
        """Answer the caller's own entry, their e-mail address included."""
        user = directory.entry_of(bearer.require(READ))
        return jsonify(_public(user) | {"email": user.email, "issuer": user.issuer})

    @room.get("/users")
    def listing() -> Response:
        """Answer one page of the directory."""
        bearer.require(READ)
        users, more = directory.page(PageRequest.parse(request.args))
        following = cursor_of(users[-1].pk) if more else None
        return jsonify(items=[_public(user) for user in users], next=following)

    return room


def _public(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "sub": user.subject,
        "name": user.name,
        "username": user.username,
        "created_at": f"{user.created_at.isoformat()}Z",
    }
