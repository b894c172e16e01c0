"""`/bff/user`: who is signed in, for how long, and where signing out is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request, url_for

from bff.problems import BAD_REQUEST, Refused, login_required

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.sessions.current import CurrentSession
    from bff.sessions.model import Session
    from bff.sessions.store import SessionStore

_SLIDE = {"true": True, "false": False}


def account_blueprint(
    *,
    store: SessionStore,
    current: CurrentSession,
    require_own_page: Callable[[], None],
) -> Blueprint:
    """Return the routes that tell a page about its own session.

    Args:
        store: slides the idle expiry of a session in use.
        current: the session that is asked about.
        require_own_page: refuses a call that did not come from our own page.
    """
    account = Blueprint("bff_account", __name__, url_prefix="/bff")

    @account.before_request
    def guard() -> None:
        require_own_page()

    @account.get("/user")
    def user() -> Response:
        slide = _SLIDE.get(request.args.get("slide", "true"))
        if slide is None:
            raise Refused(BAD_REQUEST, detail="slide must be true or false.")
        ticket = current.ticket()
        if slide and ticket is not None:
            store.touch(ticket)  # first, so that the times below are those after it
        session = current.find()
        if session is None:
            raise login_required()
        return jsonify(_described(session))

    return account


def _described(session: Session) -> dict[str, object]:
    record = session.record
    now = datetime.now(UTC).timestamp()
    return {
        "sub": record.sub,
        "iss": record.iss,
        "provider": record.provider,
        "claims": record.claims,
        "session": {
            "id": session.ticket.public_id,
            "created_at": datetime.fromtimestamp(record.created_at, UTC).isoformat(),
            "expires_in_s": session.expires_in_s,
            "absolute_expires_in_s": max(0, int(record.absolute_expires_at - now)),
        },
        "logout_url": url_for("bff_logout.end_by_link", sid=session.ticket.public_id),
    }
