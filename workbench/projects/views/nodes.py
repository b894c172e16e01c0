"""The tree and the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from workbench.database import outages_named
from workbench.kit.answers import created, gone, shown
from workbench.kit.bodies import read_body
from workbench.kit.idempotency import once
from workbench.kit.transactions import write
from workbench.paging import PageRequest
from workbench.projects import trash, tree
from workbench.projects.access import at_node
from workbench.projects.describing import node_told
from workbench.projects.permissions import Deed
from workbench.projects.upkeep import delete_doomed
from workbench.projects.views.scopes import READ, WRITE

if TYPE_CHECKING:
    from workbench.kit.answers import Answer
    from workbench.projects.limits import Limits
    from workbench.projects.storage import Storage
    from workbench.projects.upkeep import Tidier
    from workbench.users.people import Callers


def add_routes(
    room: Blueprint, callers: Callers, storage: Storage, limits: Limits, tidier: Tidier
) -> None:
    """Add the routes to *room*."""
    _add_tree(room, callers, limits, tidier)
    _add_trash(room, callers, storage, limits)


def _add_tree(room: Blueprint, callers: Callers, limits: Limits, tidier: Tidier) -> None:
    @room.get("/projects/<id:project>/tree")
    def listing(project: str) -> Response:
        """List the whole tree."""
        person = callers.require(READ)
        with outages_named():
            return shown(tree.listed(project, person)).response()

    @room.post("/projects/<id:project>/folders")
    def make_folder(project: str) -> Response:
        """Make a folder."""
        person = callers.require(WRITE)
        wanted = read_body(tree.FolderWanted)

        def work() -> Answer:
            made, access = tree.make_folder(project, person, wanted, limits)
            return created(node_told(made, access), at=f"/nodes/{made.id}", version=made.version)

        return once(person.id, work)

    @room.get("/nodes/<id:node>")
    def show_node(node: str) -> Response:
        """Show a folder, document or file without what it holds."""
        person = callers.require(READ)
        with outages_named():
            found, access = at_node(node, person, Deed.SEE)
            return shown(node_told(found, access), version=found.version).response()

    @room.patch("/nodes/<id:node>")
    def change_node(node: str) -> Response:
        """Rename or move a node."""
        person = callers.require(WRITE)
        wanted = read_body(tree.NodeChange)

        def work() -> Answer:
            changed, access = tree.change(node, person, wanted)
            return shown(node_told(changed, access), version=changed.version)

        return write(work).response()

    @room.delete("/nodes/<id:node>")
    def throw_away(node: str) -> Response:
        """Put a node into the trash."""
        person = callers.require(WRITE)
        write(lambda: trash.throw_away(node, person))
        tidier.now_and_then()
        return gone().response()


def _add_trash(room: Blueprint, callers: Callers, storage: Storage, limits: Limits) -> None:
    @room.get("/projects/<id:project>/trash")
    def listing_trash(project: str) -> Response:
        """List what was thrown away."""
        person = callers.require(READ)
        wanted = PageRequest.parse(request.args)
        with outages_named():
            return shown(trash.page(project, person, wanted)).response()

    @room.post("/nodes/<id:node>/restore")
    def take_back(node: str) -> Response:
        """Put something back where it was."""
        person = callers.require(WRITE)

        def work() -> tuple[dict[str, Any], int]:
            back, access = trash.take_back(node, person, limits)
            return node_told(back, access), back.version

        document, version = write(work)
        return shown(document, version=version).response()

    @room.delete("/trash/<id:node>")
    def erase(node: str) -> Response:
        """Delete something for good."""
        person = callers.require(WRITE)
        write(lambda: trash.erase(node, person))
        delete_doomed(storage)
        return gone().response()
