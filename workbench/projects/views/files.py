"""Files and their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from workbench.database import outages_named
from workbench.kit.answers import shown
from workbench.projects import files
from workbench.projects.views.scopes import READ

if TYPE_CHECKING:
    from workbench.projects.storage import Storage
    from workbench.users.people import Callers


def add_routes(room: Blueprint, callers: Callers, storage: Storage) -> None:
    """Add the routes to *room*."""

    @room.get("/files/<id:node>")
    def show_file(node: str) -> Response:
        """Show what a file is."""
        person = callers.require(READ)
        with outages_named():
            document, version = files.shown(node, person)
        return shown(document, version=version).response()

    @room.get("/files/<id:node>/content")
    def content(node: str) -> Response:
        """Send a file's bytes, all or a range of them."""
        person = callers.require(READ)
        file = files.find(node, person)
        return files.answer(file, storage, inline=request.args.get("inline") == "true")
