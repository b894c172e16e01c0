"""Search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from workbench.database import outages_named
from workbench.kit.answers import shown
from workbench.paging import PageRequest
from workbench.projects import search
from workbench.projects.views.scopes import READ

if TYPE_CHECKING:
    from workbench.users.people import Callers


def add_routes(room: Blueprint, callers: Callers) -> None:
    """Add the route to *room*."""

    @room.get("/search")
    def found() -> Response:
        """Find folders, documents and files."""
        person = callers.require(READ)
        wanted = search.Wanted(
            request.args.get("q", ""),
            request.args.get("team"),
            request.args.get("project"),
            request.args.get("kind"),
        )
        with outages_named():
            page = search.found(person, wanted, PageRequest.parse(request.args))
        return shown(page).response()
