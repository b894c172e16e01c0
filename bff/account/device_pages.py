"""`/bff/devices`: the page of "my sessions", ended by plain forms.

What a form ends is named on the page that answers it. A form that is sent again, by a reload,
finds nothing to end and shows the list as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request

from httpkit.devices import device_name
from httpkit.i18n import current_language, home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask.typing import ResponseReturnValue

    from bff.account.sessions import OwnSessions
    from bff.sessions.current import CurrentSession
    from bff.sessions.model import ListedSession, Session, Ticket


class DevicePages:
    """The routes of the page."""

    def __init__(
        self,
        *,
        own: OwnSessions,
        current: CurrentSession,
        require_form: Callable[[Ticket, str], None],
    ) -> None:
        """Join the parts.

        Args:
            own: finds and ends the person's sessions.
            current: whose sessions they are.
            require_form: refuses a ``csrf_token`` that is not of a page of this session.
        """
        self._own = own
        self._current = current
        self._require_form = require_form

    def blueprint(self) -> Blueprint:
        """Return the routes for mounting."""
        blueprint = Blueprint("device_pages", __name__, url_prefix="/bff/devices")
        blueprint.get("", endpoint="show")(self.show)
        blueprint.post("/<public_id>/end", endpoint="end_one")(self.end_one)
        blueprint.post("/end-others", endpoint="end_others")(self.end_others)
        # The address that a form left in the address bar leads to the page, not to an error.
        blueprint.get("/<path:_form>", endpoint="back")(
            lambda _form: redirect(f"{home()}bff/devices", 303)
        )
        return blueprint

    def show(self) -> ResponseReturnValue:
        """Answer with the page; who is signed out is sent to sign in and comes back."""
        session = self._current.find()
        if session is None:
            wanted = f"return_to={home()}bff/devices&ui_locales={current_language().tag}"
            return redirect(f"{home()}bff/login?{wanted}", 303)
        return self._page(session)

    def end_one(self, public_id: str) -> ResponseReturnValue:
        """End another session of the person; the current one ends by signing out."""
        return self._end_where(lambda listed: listed.public_id == public_id)

    def end_others(self) -> ResponseReturnValue:
        """End every session of the person but the current one."""
        return self._end_where(lambda _listed: True)

    def _end_where(self, chosen: Callable[[ListedSession], bool]) -> str:
        session = self._current.require()
        self._require_form(session.ticket, request.form.get("csrf_token", ""))
        others, sub = self._own.others_of(session), session.record.sub
        ended = [each for each in others if chosen(each) and self._own.end(each, sub=sub)]
        return self._page(session, ended)

    def _page(self, session: Session, ended: Iterable[ListedSession] = ()) -> str:
        devices = [_described(listed, session) for listed in self._own.of(session)]
        return render_template(
            "bff/devices.html",
            devices=sorted(devices, key=lambda each: not each["current"]),
            ended=[device_name(listed.device.user_agent) for listed in ended],
        )


def _described(listed: ListedSession, session: Session) -> dict[str, object]:
    return {
        "id": listed.public_id,
        "current": listed.digest == session.ticket.digest,
        "device": device_name(listed.device.user_agent),
        "ip": listed.device.ip,
        "created_at": datetime.fromtimestamp(listed.device.created_at, UTC),
        "last_seen_at": datetime.fromtimestamp(listed.last_seen_at, UTC),
    }
