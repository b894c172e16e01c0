"""`/bff/sessions`: the same person's sign-ins on all devices; end one, end all others.

Spec: ASVS 7.5.2, 7.4.3.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify

from bff import events
from bff.problems import ROUTE_NOT_FOUND, Refused
from httpkit.devices import device_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.sessions.cookie import SessionCookie
    from bff.sessions.current import CurrentSession
    from bff.sessions.model import ListedSession, Session
    from bff.sessions.news import SessionNews
    from bff.sessions.store import SessionStore


class OwnSessions:
    """Finds and ends the sessions of one person, seen from one of them."""

    def __init__(self, store: SessionStore, *, news: SessionNews) -> None:
        """See *store*; *news* tells of the sessions ended."""
        self._store = store
        self._news = news

    def of(self, session: Session) -> list[ListedSession]:
        """Return every session of the person whose *session* it is, this one included."""
        return self._store.sessions_of_subject(session.record.iss, session.record.sub)

    def others_of(self, session: Session) -> list[ListedSession]:
        """Return every session of the person but this one."""
        return [each for each in self.of(session) if each.digest != session.ticket.digest]

    def end(self, listed: ListedSession, *, sub: str) -> bool:
        """End the session of *sub*; return whether it was there to end."""
        ended = self._store.delete_by_digest(listed.digest)
        if ended:
            self._news.ended(
                listed.public_id,
                provider=listed.device.provider,
                sub=sub,
                reason=events.OTHER_SESSION,
            )
        return ended


class SessionsViews:
    """The routes of "my sessions"."""

    def __init__(
        self,
        *,
        own: OwnSessions,
        current: CurrentSession,
        cookie: SessionCookie,
        require_own_page: Callable[[], None],
    ) -> None:
        """Join the parts.

        Args:
            own: finds and ends the person's sessions.
            current: whose sessions they are.
            cookie: how the ticket is taken back when the current session is ended here.
            require_own_page: refuses a call that did not come from our own page.
        """
        self._own = own
        self._current = current
        self._cookie = cookie
        self._require_own_page = require_own_page

    def blueprint(self) -> Blueprint:
        """Return the routes for mounting."""
        blueprint = Blueprint("bff_sessions", __name__, url_prefix="/bff/sessions")
        blueprint.before_request(self._require_own_page)
        blueprint.get("", endpoint="index")(self.index)
        blueprint.delete("/<public_id>", endpoint="end_one")(self.end_one)
        blueprint.post("/revoke-others", endpoint="end_others")(self.end_others)
        return blueprint

    def index(self) -> Response:
        """Answer with every session of the person, the current one first."""
        session = self._current.require()
        described = [_described(listed, session) for listed in self._own.of(session)]
        return jsonify(sessions=sorted(described, key=lambda each: not each["current"]))

    def end_one(self, public_id: str) -> Response:
        """End the session of the person that has this id."""
        session = self._current.require()
        for listed in self._own.of(session):
            if listed.public_id == public_id:
                self._own.end(listed, sub=session.record.sub)
                response = Response(status=204)
                if public_id == session.ticket.public_id:
                    response.headers.add("Set-Cookie", self._cookie.expire())
                return response
        # The same for no session and for somebody else's.
        raise Refused(ROUTE_NOT_FOUND, detail="None of your sessions has this id.")

    def end_others(self) -> Response:
        """End every session of the person but the current one."""
        session = self._current.require()
        sub = session.record.sub
        ended = [self._own.end(each, sub=sub) for each in self._own.others_of(session)]
        return jsonify(revoked=sum(ended))


def _described(listed: ListedSession, session: Session) -> dict[str, object]:
    device = listed.device
    return {
        "id": listed.public_id,
        "current": listed.digest == session.ticket.digest,
        "created_at": _instant(device.created_at),
        "last_seen_at": _instant(listed.last_seen_at),
        "ip": device.ip,
        "user_agent": device.user_agent,
        "device": device_name(device.user_agent),
        "provider": device.provider,
    }


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
