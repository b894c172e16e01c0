"""What is kept of a person: a copy for them, and the end of all of it.

Spec: ASVS 7.5.1, 14.2.7; A-60.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from httpkit.problems import Refused
from sso.accounts.browser import visitor
from sso.accounts.freshness import sign_in_address
from sso.accounts.sign_in import WrongPassword
from sso.grants.account_end import LastAdministrator
from sso.portal.account_views import SERVED
from sso.portal.password_views import too_many
from sso.problems import FORBIDDEN
from sso.refusals import log_page_refusal
from sso.requests.replies import see_other
from sso.throttle import Throttled

if TYPE_CHECKING:
    from sso.accounts.browser import Browser
    from sso.accounts.freshness import Freshness
    from sso.accounts.sessions import SignedIn
    from sso.accounts.sign_in import PasswordSignIn
    from sso.grants.account_end import AccountEnd

HOME: Final = "/account/data"
_UNPROCESSABLE: Final = 400


@dataclass(frozen=True)
class OwnDataPages:
    """Hands it out and takes it away."""

    browser: Browser
    freshness: Freshness
    password_sign_in: PasswordSignIn
    account_end: AccountEnd

    def shown(self, me: SignedIn, *, error: str | None = None) -> Response:
        """Return the page."""
        page = render_template(
            "sso/account_data.html", user=me.user, served=SERVED, error=error, here=HOME
        )
        return make_response(page, _UNPROCESSABLE if error else 200)

    def export(self, me: SignedIn) -> Response:
        """Return everything as one JSON file."""
        response = jsonify(_plain(self.account_end.export(me.user.sub)))
        response.headers["Content-Disposition"] = 'attachment; filename="account.json"'
        return response

    def delete(self, me: SignedIn, password: str) -> Response:
        """Delete the account of whoever knows its password; guesses count as at the sign-in."""
        try:
            self.password_sign_in.attempt(
                me.user.username, password, ip=visitor().ip, device=self.browser.device()
            )
        except WrongPassword:
            log_page_refusal("wrong_password", "the current password is not this one")
            return self.shown(me, error="wrong" if password else "required")
        except Throttled as throttled:
            raise too_many("too many wrong passwords", throttled) from throttled
        try:
            self.account_end.delete(me.user.sub)
        except LastAdministrator as last:
            raise Refused(FORBIDDEN, hint="the last administrator") from last
        page = make_response(render_template("sso/account_deleted.html", here="/sign-in"))
        self.browser.forget(page)
        return page


def create_blueprint(pages: OwnDataPages) -> Blueprint:
    """Return the routes of one's own data."""
    room = Blueprint("own_data", __name__)

    @room.get(HOME)
    def shown() -> Response:
        me = pages.browser.signed_in()
        return pages.shown(me) if me else see_other(sign_in_address(HOME))

    @room.post(f"{HOME}/export")
    def export() -> Response:
        me = _recent(pages)
        return pages.export(me) if me else _away(pages)

    @room.post(f"{HOME}/delete")
    def delete() -> Response:
        me = _recent(pages)
        if me is None:
            return _away(pages)
        return pages.delete(me, request.form.get("current_password", ""))

    return room


def _recent(pages: OwnDataPages) -> SignedIn | None:
    me = pages.browser.signed_in()
    return me if me is not None and pages.freshness.is_recent(me) else None


def _away(pages: OwnDataPages) -> Response:
    return see_other(sign_in_address(HOME, again=pages.browser.signed_in() is not None))


def _plain(value: Any) -> Any:  # noqa: ANN401 - what JSON can say
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
