"""Sign in, sign up.

Spec: ASVS V6; A-57; S-103 to S-105.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from flask import Blueprint, Response, make_response, render_template, request

from httpkit.headers import allow_form_action
from httpkit.problems import Refused, Unavailable
from sso.accounts.assurance import PASSWORD
from sso.accounts.browser import visitor
from sso.accounts.invitations import INVITED, OPEN, InvitationGone
from sso.accounts.sign_in import WrongPassword
from sso.accounts.users import NewUser, NewUserInvalid
from sso.clients.redirect_uris import origin_of
from sso.portal.next_address import local_address
from sso.problems import REGISTRATION_CLOSED
from sso.refusals import log_page_refusal
from sso.throttle import Throttled

if TYPE_CHECKING:
    from datetime import datetime

    from sso.accounts.addresses import Addresses
    from sso.accounts.browser import Browser
    from sso.accounts.invitations import Invitations
    from sso.accounts.passkeys import Passkeys
    from sso.accounts.sign_in import PasswordSignIn
    from sso.accounts.users import Users
    from sso.clients.registry import Clients
    from sso.portal.entrance import Entrance
    from sso.requests.carrier import Carrier

_TOO_MANY = 429
_UNAUTHORIZED = 401
_UNPROCESSABLE = 400
_UNAVAILABLE = 503


class SignInPages:
    """Shows the forms and acts on them."""

    def __init__(
        self,
        *,
        password_sign_in: PasswordSignIn,
        users: Users,
        browser: Browser,
        entrance: Entrance,
        passkeys: Passkeys,
        clients: Clients,
        carrier: Carrier,
        registration: str,
        invitations: Invitations,
        addresses: Addresses,
        password_min: int,
    ) -> None:
        self._password_sign_in = password_sign_in
        self._users = users
        self._browser = browser
        self._entrance = entrance
        self._passkeys = passkeys
        self._clients = clients
        self._carrier = carrier
        self._registration = registration
        self._invitations = invitations
        self._addresses = addresses
        self._password_min = password_min

    def sign_in_form(
        self,
        next_address: str,
        *,
        username: str | None = None,
        error: str | None = None,
        retry_at: datetime | None = None,
        status: int = 200,
    ) -> Response:
        """Return the form, with what went wrong last time."""
        client_name, login_hint = self._destination(next_address)
        page = render_template(
            "sso/sign_in.html",
            username=login_hint if username is None else username,
            error=error,
            retry_at=retry_at,
            client_name=client_name,
            next=next_address,
            again=request.args.get("again") == "1",
            passkey=self._passkeys.invite() if self._passkeys.possible else None,
            passkey_failed=request.args.get("passkey") == "wrong",
            changed=request.args.get("password") == "new",
            sign_up_open=self._registration == OPEN,
        )
        return make_response(page, status)

    def sign_in(self, username: str, password: str, next_address: str) -> Response:
        """Return the way on after a right password, or the form again."""
        try:
            user = self._password_sign_in.attempt(
                username, password, ip=visitor().ip, device=self._browser.device()
            )
            return self._entrance.after_password(user, next_address)
        except WrongPassword:
            log_page_refusal("wrong_password", "no account has this name and password")
            return self.sign_in_form(
                next_address, username=username, error="wrong", status=_UNAUTHORIZED
            )
        except Throttled as throttled:
            log_page_refusal("throttled", "too many wrong passwords")
            response = self.sign_in_form(
                next_address,
                username=username,
                error="throttled",
                retry_at=throttled.retry_at,
                status=_TOO_MANY,
            )
            response.headers["Retry-After"] = str(throttled.retry_after_s)
            return response
        except Unavailable as outage:
            log_page_refusal("unavailable", outage.hint or "a part does not answer")
            response = self.sign_in_form(
                next_address, username=username, error="unavailable", status=_UNAVAILABLE
            )
            response.headers["Retry-After"] = str(outage.retry_after_s)
            return response

    def sign_up_form(
        self,
        next_address: str,
        *,
        invitation: str = "",
        username: str = "",
        email: str = "",
        errors: dict[str, str] | None = None,
    ) -> Response:
        """Return the form, with what was wrong with each field."""
        self._require_open(invitation)
        self._destination(next_address)
        page = render_template(
            "sso/sign_up.html",
            username=username,
            email=email,
            errors=errors or {},
            password_min=self._password_min,
            next=next_address,
            invitation=invitation,
        )
        return make_response(page, _UNPROCESSABLE if errors else 200)

    def sign_up(self, new: NewUser, next_address: str, *, invitation: str = "") -> Response:
        """Return the way on for a new person, signed in, or the form again."""
        self._require_open(invitation)
        invited = self._registration == INVITED
        try:
            user = self._users.create(
                new, also=lambda s: self._invitations.spend(s, invitation) if invited else None
            )
        except NewUserInvalid as invalid:
            log_page_refusal("account_invalid", str(invalid))
            return self.sign_up_form(
                next_address,
                invitation=invitation,
                username=new.username,
                email=new.email,
                errors=invalid.faults,
            )
        except InvitationGone as gone:
            raise Refused(REGISTRATION_CLOSED, hint="the invitation was used up") from gone
        # The account is there: a letter that cannot be written now is asked for on its page.
        with suppress(Unavailable, Throttled):
            self._addresses.send_verification(user, ip=visitor().ip)
        return self._entrance.admit(user, next_address, amr=PASSWORD)

    def _require_open(self, invitation: str) -> None:
        if self._registration == OPEN:
            return
        invited = self._registration == INVITED and self._invitations.is_good(invitation)
        if not invited:
            raise Refused(REGISTRATION_CLOSED, hint=f"registration is {self._registration}")

    def _destination(self, next_address: str) -> tuple[str | None, str]:
        """Return the waiting client's name and login hint; lets our form end at its address."""
        waiting = self._carrier.request_behind(next_address)
        client = self._clients.find(waiting.client_id) if waiting else None
        if waiting is None or client is None:
            return None, ""
        allow_form_action(origin_of(waiting.reply_to.redirect_uri))
        return client.name, waiting.login_hint or ""


def create_blueprint(pages: SignInPages) -> Blueprint:
    """Return the routes of signing in and up."""
    room = Blueprint("sign_in", __name__)

    @room.get("/sign-in")
    def sign_in_form() -> Response:
        return pages.sign_in_form(_next())

    @room.post("/sign-in")
    def sign_in() -> Response:
        form = request.form
        return pages.sign_in(form.get("username", ""), form.get("password", ""), _next())

    @room.get("/sign-up")
    def sign_up_form() -> Response:
        return pages.sign_up_form(_next(), invitation=request.args.get("invitation", ""))

    @room.post("/sign-up")
    def sign_up() -> Response:
        form = request.form
        new = NewUser(form.get("username", ""), form.get("email", ""), form.get("password", ""))
        return pages.sign_up(new, _next(), invitation=form.get("invitation", ""))

    return room


def _next() -> str:
    return local_address(request.form.get("next") or request.args.get("next", ""))
