"""A forgotten password: ask for a link, choose another one.

One answer whoever asks, so that nobody learns who has an account here.

Spec: ASVS 6.4.3; S-103, S-106, S-107.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, make_response, render_template, request

from httpkit.problems import Refused
from sso.accounts.browser import visitor
from sso.accounts.links import LinkGone
from sso.accounts.recovery import ADDRESS
from sso.accounts.users import is_email
from sso.problems import THROTTLED
from sso.refusals import log_page_refusal
from sso.requests.replies import see_other
from sso.throttle import Throttled

if TYPE_CHECKING:
    from sso.accounts.recovery import Recovery
    from sso.grants.session_end import SessionEnd

FORGOTTEN: Final = "/password/forgotten"
_UNPROCESSABLE: Final = 400
_GONE: Final = 410


@dataclass(frozen=True)
class PasswordPages:
    """Shows the forms and acts on them."""

    recovery: Recovery
    session_end: SessionEnd
    password_min: int

    def ask_form(
        self, *, email: str = "", error: str | None = None, sent: bool = False
    ) -> Response:
        """Return the form for the address, with what was wrong with it; or what happens now."""
        page = render_template(
            "sso/password_forgotten.html", email=email, error=error, sent=sent, here=FORGOTTEN
        )
        return make_response(page, _UNPROCESSABLE if error else 200)

    def ask(self, email: str) -> Response:
        """Return the same page for every address that can be one."""
        email = email.strip()
        if not is_email(email):
            log_page_refusal("invalid_request", "not an address")
            return self.ask_form(email=email, error="invalid" if email else "required")
        try:
            self.recovery.ask(email, ip=visitor().ip)
        except Throttled as throttled:
            raise too_many("too many letters were asked for", throttled) from throttled
        return self.ask_form(email=email, sent=True)

    def new_form(self, token: str, *, error: str | None = None) -> Response:
        """Return the form for the new password; 410 for a link that opens nothing."""
        try:
            opened = self.recovery.look(token)
        except LinkGone:
            return self._gone()
        page = render_template(
            "sso/password_new.html",
            username=opened.user.username,
            token=token,
            error=error,
            password_min=self.password_min,
            here=ADDRESS,
        )
        return make_response(page, _UNPROCESSABLE if error else 200)

    def set_new(self, token: str, password: str) -> Response:
        """Return the way to the sign-in; everything that was open under the old one is over."""
        try:
            opened = self.recovery.look(token)
            fault = self.recovery.fault(opened.user, password) if password else "required"
            if fault:
                log_page_refusal("account_invalid", f"new_password {fault}")
                return self.new_form(token, error=fault)
            self.recovery.reset(token, password, also=self.session_end.end_all_within)
        except LinkGone:
            return self._gone()
        return see_other("/sign-in?password=new")

    def _gone(self) -> Response:
        log_page_refusal("expired", "a link of a letter that opens nothing")
        page = render_template("sso/link_gone.html", again=FORGOTTEN, here=FORGOTTEN)
        return make_response(page, _GONE)


def too_many(hint: str, throttled: Throttled) -> Refused:
    """Return the refusal of one attempt too many."""
    return Refused(THROTTLED, hint=hint, headers={"Retry-After": str(throttled.retry_after_s)})


def create_blueprint(pages: PasswordPages) -> Blueprint:
    """Return the routes of a forgotten password."""
    room = Blueprint("password", __name__)

    @room.get(FORGOTTEN)
    def ask_form() -> Response:
        return pages.ask_form()

    @room.post(FORGOTTEN)
    def ask() -> Response:
        return pages.ask(request.form.get("email", ""))

    @room.get(ADDRESS)
    def new_form() -> Response:
        return pages.new_form(request.args.get("token", ""))

    @room.post(ADDRESS)
    def set_new() -> Response:
        return pages.set_new(request.args.get("token", ""), request.form.get("new_password", ""))

    return room
