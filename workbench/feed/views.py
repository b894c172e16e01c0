"""HTTP of the feed: a page of it, and what comes from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, jsonify, request

from workbench.database import outages_named
from workbench.feed import sight
from workbench.feed.items import items
from workbench.feed.stream import FEED, Message, Position, Stream
from workbench.journal import Channel, reading
from workbench.kit.days import parse_zone
from workbench.notifications import inbox
from workbench.notifications.views import READ as READ_INBOX
from workbench.paging import PageRequest, cursor_of
from workbench.problems import BAD_REQUEST, NOT_FOUND, Refused
from workbench.projects import naming as projects
from workbench.teams import membership as teams
from workbench.users.people import find_person

if TYPE_CHECKING:
    from workbench.feed.hub import Hub
    from workbench.users.people import Callers, Person

READ = "feed:read"
# Of a page of events, one more tells whether there is another page.
_ONE_MORE = 1


def create_blueprint(callers: Callers, hub: Hub) -> Blueprint:
    """Return the room's routes."""
    room = Blueprint("feed", __name__)

    @room.get("/feed")
    def feed() -> Response:
        """Answer a page of what happened, newest first."""
        me, wanted = callers.require(READ), PageRequest.parse(request.args)
        zone = parse_zone(request.args)
        with outages_named():
            channels, group = _place(me)
            actor = _actor()
            found = reading.newest(
                channels if actor is not None else (),
                limit=wanted.limit + _ONE_MORE,
                before=wanted.after or None,
                actor=actor or None,
                group=group,
            )
            page = found[: wanted.limit]
            following = cursor_of(page[-1].pk) if len(found) > wanted.limit else None
            return jsonify(items=items(page, zone), next=following)

    @room.get("/feed/live")
    def live() -> Response:
        """Answer what happens from now on, or since what the client was last told."""
        me = callers.require(READ)
        with_inbox = READ_INBOX in g.caller.scopes
        told = request.headers.get("Last-Event-ID") or request.args.get("after")
        after = Position.parse(told) if told else None
        with outages_named():
            head = reading.head()
            if after is not None and after.number > head:
                raise Refused(BAD_REQUEST, detail="Last-Event-ID: that is still to come")
            stream = Stream(
                me.pk,
                Position(0, 0),
                with_inbox=with_inbox,
                ends_at=float(g.caller.claims["exp"]),
            )
            start = hub.join(stream, head)
            try:
                response = _open(hub, stream, after, start)
            except BaseException:
                hub.leave(stream)
                raise
        return response

    return room


def _open(hub: Hub, stream: Stream, after: Position | None, start: int) -> Response:
    missed = hub.missed(stream.user_pk, after, start, with_inbox=stream.with_inbox) if after else []
    opened_at = Position(start, FEED) if after is None or missed is None else after
    opening = _opening(stream, opened_at)
    if missed is None:
        missed = [Message(opened_at, "reset", {})]
    response = Response(stream.frames(opening, missed), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(lambda: hub.leave(stream))
    return response


def _opening(stream: Stream, position: Position) -> Message:
    """Return what is sent at once: how many are unread, to whoever may know."""
    if not stream.with_inbox:
        return Message(position, "open", {})
    unread = inbox.unread_of(stream.user_pk, sight.channels_of(stream.user_pk))
    return Message(position, "inbox", {"unread": unread, "item": None})


def _place(me: Person) -> tuple[frozenset[Channel], int | None]:
    """Return the channels that the query asks for and the caller may see, and the group's pk."""
    team, project = request.args.get("team"), request.args.get("project")
    group = request.args.get("group")
    if group is not None and team is None:
        raise Refused(BAD_REQUEST, detail="group: name its team as well")
    standing = teams.require_member(team, me.pk) if team is not None else None
    found_group = teams.find_group(standing.team, group) if standing and group else None
    if group is not None and found_group is None:
        raise Refused(NOT_FOUND)
    if standing is not None:
        channels = sight.channels_in_team(standing, me.pk)
    else:
        channels = sight.channels_of(me.pk)
    if project is not None:
        named = projects.find_project(project)
        channels &= {Channel.project(named.pk)} if named else frozenset()
        if not channels:
            raise Refused(NOT_FOUND)
    return channels, found_group.pk if found_group else None


def _actor() -> int | None:
    """Return the pk of the person that the query asks for, 0 for everybody, None for nobody."""
    person_id = request.args.get("person")
    if person_id is None:
        return 0
    person = find_person(person_id)
    return person.pk if person else None
