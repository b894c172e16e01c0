"""The account's e-mail address: proven, changed, and asked for where it must be proven.

Spec: ASVS 6.3.7, 7.5.1; S-108.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, make_response, render_template, request

from sso.accounts.addresses import CONFIRM
from sso.accounts.browser import visitor
from sso.accounts.freshness import sign_in_address
from sso.accounts.links import CHANGE, LinkGone
from sso.accounts.users import is_email
from sso.portal.account_views import SERVED
from sso.portal.next_address import local_address
from sso.portal.password_views import too_many
from sso.refusals import log_page_refusal
from sso.requests.replies import see_other
from sso.throttle import Throttled

if TYPE_CHECKING:
    from sso.accounts.addresses import Addresses
    from sso.accounts.browser import Browser
    from sso.accounts.freshness import Freshness
    from sso.accounts.sessions import SignedIn

HOME: Final = "/account/email"
_UNPROCESSABLE: Final = 400
_GONE: Final = 410


@dataclass(frozen=True)
class EmailPages:
    """Shows the address and acts on its forms."""

    browser: Browser
    freshness: Freshness
    addresses: Addresses

    def shown(
        self, me: SignedIn, *, email: str = "", error: str | None = None, sent: str | None = None
    ) -> Response:
        """Return the page; *sent* is the address that a letter just went to."""
        page = render_template(
            "sso/account_email.html",
            user=me.user,
            served=SERVED,
            email=email,
            error=error,
            sent=sent,
            next=_next(),
            here=HOME,
        )
        return make_response(page, _UNPROCESSABLE if error else 200)

    def verify(self, me: SignedIn) -> Response:
        """Send the link once more."""
        if me.user.email_verified:
            return see_other(_next() or HOME)
        try:
            self.addresses.send_verification(me.user, ip=visitor().ip)
        except Throttled as throttled:
            raise too_many("too many letters to one address", throttled) from throttled
        return self.shown(me, sent=me.user.email)

    def change(self, me: SignedIn, email: str) -> Response:
        """Send a link to the new address; a recent sign-in is needed."""
        if not self.freshness.is_recent(me):
            return see_other(sign_in_address(HOME, again=True))
        email = email.strip()
        if not is_email(email):
            log_page_refusal("account_invalid", "not an address")
            return self.shown(me, email=email, error="invalid" if email else "required")
        if email == me.user.email:
            return self.shown(me, email=email, error="same")
        try:
            self.addresses.send_change(me.user, email, ip=visitor().ip)
        except Throttled as throttled:
            raise too_many("too many letters to one address", throttled) from throttled
        return self.shown(me, sent=email)

    def confirm_form(self, token: str) -> Response:
        """Return the page behind a link; it changes nothing yet."""
        try:
            opened = self.addresses.look(token)
        except LinkGone:
            return _link_gone()
        page = render_template(
            "sso/email_confirm.html",
            username=opened.user.username,
            email=opened.email,
            change=opened.purpose == CHANGE,
            token=token,
            here=CONFIRM,
        )
        return make_response(page)

    def confirm(self, token: str) -> Response:
        """Do what the link is for, for whoever holds it."""
        try:
            opened = self.addresses.confirm(token)
        except LinkGone:
            return _link_gone()
        page = render_template("sso/email_done.html", email=opened.email, here=CONFIRM)
        return make_response(page)


def _link_gone() -> Response:
    log_page_refusal("expired", "a link of a letter that opens nothing")
    page = render_template("sso/link_gone.html", again=HOME, here=HOME)
    return make_response(page, _GONE)


def _next() -> str:
    """Return where the person was going; empty where it was only here."""
    given = request.form.get("next") or request.args.get("next", "")
    return local_address(given) if given else ""


def create_blueprint(pages: EmailPages) -> Blueprint:
    """Return the routes of the address."""
    room = Blueprint("email", __name__)

    @room.get(HOME)
    def shown() -> Response:
        me = pages.browser.signed_in()
        return pages.shown(me) if me else see_other(sign_in_address(HOME))

    @room.post(f"{HOME}/verify")
    def verify() -> Response:
        me = pages.browser.signed_in()
        return pages.verify(me) if me else see_other(sign_in_address(HOME))

    @room.post(HOME)
    def change() -> Response:
        me = pages.browser.signed_in()
        if me is None:
            return see_other(sign_in_address(HOME))
        return pages.change(me, request.form.get("email", ""))

    @room.get(CONFIRM)
    def confirm_form() -> Response:
        return pages.confirm_form(request.args.get("token", ""))

    @room.post(CONFIRM)
    def confirm() -> Response:
        return pages.confirm(request.args.get("token", ""))

    return room
