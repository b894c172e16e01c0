"""HTTP of the directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from flask import Blueprint, Response, request
from pydantic import Field

from workbench.database import outages_named
from workbench.kit.answers import shown
from workbench.kit.bodies import Body, read_body
from workbench.kit.transactions import write
from workbench.paging import PageRequest
from workbench.problems import BAD_REQUEST, NOT_FOUND, UNSUPPORTED_MEDIA_TYPE, Refused
from workbench.users import documents, own
from workbench.users.own import ProfileChange
from workbench.users.pictures import BYTES_MOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select

    from workbench.users.circles import Circles
    from workbench.users.directory import Directory
    from workbench.users.model import User
    from workbench.users.people import Callers, Person

READ = "users:read"
WRITE = "users:write"
INTERNAL = "internal:users"
PICTURES = ("image/png", "image/jpeg", "image/webp")
_RESOLVED_MOST = 200


class Wanted(Body):
    """Whom a service asks about."""

    ids: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=_RESOLVED_MOST)]


def create_blueprint(callers: Callers, directory: Directory, circles: Circles) -> Blueprint:
    """Return the room's routes; *circles* says who is with whom."""
    room = Blueprint("users", __name__)
    _open_own(room, callers, directory)
    _open_directory(room, callers, directory, circles)
    return room


def _open_own(room: Blueprint, callers: Callers, directory: Directory) -> None:
    @room.get("/users/me")
    def me() -> Response:
        """Answer the caller's own entry, which is made at first sight."""
        user = callers.entry(READ)
        return shown(documents.own_document(user), version=user.version).response()

    @room.patch("/users/me")
    def change() -> Response:
        person, wanted = callers.require(WRITE), read_body(ProfileChange)
        return write(lambda: own.change(person, wanted)).response()

    @room.put("/users/me/avatar")
    def put_picture() -> Response:
        person = callers.require(WRITE)
        if request.mimetype not in PICTURES:
            raise Refused(UNSUPPORTED_MEDIA_TYPE, detail=f"Send {', '.join(PICTURES)}.")
        request.max_content_length = BYTES_MOST
        content = request.get_data()
        return write(lambda: own.put_picture(person, content)).response()

    @room.delete("/users/me/avatar")
    def drop_picture() -> Response:
        person = callers.require(WRITE)
        return write(lambda: own.drop_picture(person)).response()

    @room.get("/users/<id:user>/avatar")
    def picture(user: str) -> Response:
        callers.admit(READ)
        return _picture(directory, user)


def _open_directory(
    room: Blueprint, callers: Callers, directory: Directory, circles: Circles
) -> None:
    @room.get("/users")
    def listing() -> Response:
        viewer, page = callers.admit(READ), PageRequest.parse(request.args)
        with outages_named():
            among = _among(circles, viewer)
            users, following = directory.page(page, among=among, sought=request.args.get("q"))
            shared = _shared(circles, viewer, users)
        items = [documents.entry(user, shared=user.pk in shared) for user in users]
        return shown({"items": items, "next": following}).response()

    @room.get("/users/<id:user>")
    def one(user: str) -> Response:
        viewer = callers.admit(READ)
        with outages_named():
            found = directory.with_ids([user])
            shared = _shared(circles, viewer, found)
        if not found:
            raise Refused(NOT_FOUND)
        return shown(documents.profile(found[0], shared=bool(shared))).response()

    @room.post("/internal/users/resolve")
    def resolve() -> Response:
        callers.require_service(INTERNAL)
        found = directory.with_ids(read_body(Wanted).ids)
        items: list[dict[str, Any]] = [documents.resolved(user) for user in found]
        return shown({"items": items}).response()


def _among(circles: Circles, viewer: Person | None) -> Select[int] | None:
    """Return the query of the people whom `team` and `group` name; None for everybody."""
    team, group = request.args.get("team"), request.args.get("group")
    if team is None:
        if group is not None:
            raise Refused(BAD_REQUEST, detail="group: name its team as well")
        return None
    if viewer is None:
        raise Refused(NOT_FOUND)
    return circles.members(viewer.pk, team, group)


def _shared(circles: Circles, viewer: Person | None, users: Sequence[User]) -> set[int]:
    return circles.sharing(viewer.pk, [user.pk for user in users]) if viewer else set()


def _picture(directory: Directory, user: str) -> Response:
    """Return a picture that no browser can take for anything else, wherever it is opened."""
    found = directory.picture_of(user)
    if found is None:
        raise Refused(NOT_FOUND)
    digest, media_type, content = found
    response = Response(content, content_type=media_type)
    response.set_etag(digest)
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.make_conditional(request)
    return response
