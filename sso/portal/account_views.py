"""The account page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, make_response, render_template

from sso.requests.replies import see_other

if TYPE_CHECKING:
    from sso.accounts.browser import Browser


def create_blueprint(browser: Browser) -> Blueprint:
    """Return the routes of the account pages."""
    room = Blueprint("account", __name__)

    @room.get("/")
    def home() -> Response:
        return see_other("/account")

    @room.get("/account")
    def account() -> Response:
        signed_in = browser.signed_in()
        if signed_in is None:
            return see_other("/sign-in?next=/account")
        return make_response(render_template("sso/account.html", user=signed_in.user))

    return room
