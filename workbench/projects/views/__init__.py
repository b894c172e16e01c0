"""HTTP of the room, one module a subject; `create_blueprint` puts them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from workbench.projects.upkeep import Tidier
from workbench.projects.views import comments, documents, files, nodes, projects, search, uploads

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.projects.limits import Limits
    from workbench.projects.storage import Storage
    from workbench.users.people import Callers


def create_blueprint(
    callers: Callers,
    storage: Storage,
    limits: Limits,
    *,
    besides: Callable[[], object] | None = None,
) -> Blueprint:
    """Return the room's routes; *besides* forgets a little of what other rooms have."""
    room = Blueprint("projects", __name__)
    tidier = Tidier(storage, limits, besides=besides)
    projects.add_routes(room, callers, tidier)
    nodes.add_routes(room, callers, storage, limits, tidier)
    documents.add_routes(room, callers, limits)
    uploads.add_routes(room, callers, storage, limits, tidier)
    files.add_routes(room, callers, storage)
    comments.add_routes(room, callers)
    search.add_routes(room, callers)
    return room
