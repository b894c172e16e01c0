"""HTTP of inbox, watches and the choice about e-mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from flask import Blueprint, Response, jsonify, request
from pydantic import Field, StringConstraints, model_validator
from sqlalchemy import select

from workbench.database import outages_named
from workbench.kit.answers import gone, shown
from workbench.kit.bodies import Body, fault, read_body
from workbench.kit.clock import told
from workbench.kit.pages import cut
from workbench.kit.transactions import write
from workbench.notifications import inbox, preferences, watching
from workbench.notifications.model import Watch
from workbench.paging import PageRequest
from workbench.problems import BAD_REQUEST, NOT_FOUND, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from workbench.journal import Channel, Event
    from workbench.notifications.inbox import Item
    from workbench.users.people import Callers

    # Of these public ids, those that the person may see, with what each is called.
    Titles = Callable[[int, Collection[str]], Mapping[str, str]]

READ, WRITE = "notification:read", "notification:write"
KINDS = ("document", "file", "project")
_IDS_MAX = 200

_Id = Annotated[str, StringConstraints(pattern="^nt_[0-9a-f]{24}$")]


class ReadBody(Body):
    """What has been read: some by name, or one and everything older."""

    ids: Annotated[list[_Id], Field(max_length=_IDS_MAX)] | None = None
    up_to: _Id | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ReadBody:
        if (self.ids is None) == (self.up_to is None):
            raise fault("one_of", "Send either ids or up_to.")
        return self


class PreferencesBody(Body):
    """What a person wants."""

    daily_email: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rooms above tell this one.

    Attributes:
        channels_of: what a person may see just now, by their pk.
        documents: events as clients are told of them.
        titles: for each kind of thing that can be watched.
    """

    channels_of: Callable[[int], Collection[Channel]]
    documents: Callable[[Sequence[Event]], list[dict[str, Any]]]
    titles: Mapping[str, Titles]


def create_blueprint(callers: Callers, around: Surroundings) -> Blueprint:
    """Return the room's routes."""
    room = Blueprint("notifications", __name__)
    _add_inbox(room, callers, around)
    _add_watches(room, callers, around)

    @room.get("/notifications/preferences")
    def what_is_wanted() -> Response:
        """Answer the caller's choices."""
        me = callers.require(READ)
        with outages_named():
            return shown({"daily_email": preferences.wants_mail(me.pk)}).response()

    @room.patch("/notifications/preferences")
    def choose() -> Response:
        """Note the caller's choices."""
        me, body = callers.require(WRITE), read_body(PreferencesBody)
        write(lambda: preferences.want_mail(me.pk, wanted=body.daily_email))
        return shown({"daily_email": body.daily_email}).response()

    return room


def told_items(items: Sequence[Item], around: Surroundings) -> list[dict[str, Any]]:
    """Return notifications as clients are told of them."""
    documents = around.documents([item.event for item in items])
    return [
        {
            "id": item.notification.id,
            "reason": item.notification.reason,
            "read_at": told(item.notification.read_at),
            "event": document,
        }
        for item, document in zip(items, documents, strict=True)
    ]


def _add_inbox(room: Blueprint, callers: Callers, around: Surroundings) -> None:
    @room.get("/notifications")
    def listing() -> Response:
        """Answer a page of the caller's inbox, newest first."""
        me = callers.require(READ)
        unread = request.args.get("unread", "false")
        if unread not in {"true", "false"}:
            raise Refused(BAD_REQUEST, detail="unread: write true or false")
        wanted = PageRequest.parse(request.args)
        with outages_named():
            visible = around.channels_of(me.pk)
            items, following = inbox.page(me.pk, visible, wanted, unread=unread == "true")
            return jsonify(items=told_items(items, around), next=following)

    @room.get("/notifications/unread")
    def count() -> Response:
        """Answer how many are unread."""
        me = callers.require(READ)
        with outages_named():
            return jsonify(unread=inbox.unread_of(me.pk, around.channels_of(me.pk)))

    @room.post("/notifications/read")
    def mark() -> Response:
        """Mark some, or one and everything older, as read; answer how many are left."""
        me, body = callers.require(WRITE), read_body(ReadBody)

        def work() -> int:
            if body.up_to is None:
                inbox.read(me.pk, body.ids or [])
            elif not inbox.read_up_to(me.pk, body.up_to):
                raise Refused(NOT_FOUND)
            return inbox.unread_of(me.pk, around.channels_of(me.pk))

        return shown({"unread": write(work)}).response()


def _add_watches(room: Blueprint, callers: Callers, around: Surroundings) -> None:
    @room.get("/watches")
    def watches() -> Response:
        """Answer a page of what the caller watches; what they may no longer see is left out."""
        me = callers.require(READ)
        wanted = PageRequest.parse(request.args)
        with outages_named():
            query = select(Watch).where(Watch.user_pk == me.pk)
            rows, following = cut(query, Watch.pk, wanted, newest_first=True)
            found = [row[0] for row in rows]
            return jsonify(items=_titled(me.pk, found, around), next=following)

    @room.put(f"/watches/<any({','.join(KINDS)}):kind>/<id:subject>")
    def watch(kind: str, subject: str) -> Response:
        """Watch a thing that the caller may see; twice is once."""
        me = callers.require(WRITE)

        def work() -> None:
            if subject not in around.titles[kind](me.pk, [subject]):
                raise Refused(NOT_FOUND)
            watching.watch(me.pk, kind, subject)

        write(work)
        return gone().response()

    @room.delete(f"/watches/<any({','.join(KINDS)}):kind>/<id:subject>")
    def unwatch(kind: str, subject: str) -> Response:
        """Watch a thing no longer, whether or not the caller may still see it."""
        me = callers.require(WRITE)
        write(lambda: watching.unwatch(me.pk, kind, subject))
        return gone().response()


def _titled(user_pk: int, found: Sequence[Watch], around: Surroundings) -> list[dict[str, Any]]:
    titles: dict[tuple[str, str], str] = {}
    for kind in KINDS:
        ids = [watch.subject_id for watch in found if watch.kind == kind]
        if ids:
            named = around.titles[kind](user_pk, ids)
            titles |= {(kind, subject): title for subject, title in named.items()}
    return [
        {
            "kind": watch.kind,
            "id": watch.subject_id,
            "title": titles[watch.kind, watch.subject_id],
            "since": told(watch.created_at),
        }
        for watch in found
        if (watch.kind, watch.subject_id) in titles
    ]
