"""The account: who I am, where I am signed in, who has access, and my password.

What a form ends is named on the page that answers it; sent again, it finds nothing to end.

Spec: ASVS 6.2.2, 6.2.3, 7.4.3, 7.5; A-51, A-60; S-106, S-110.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, make_response, render_template, request

from httpkit.devices import device_name
from httpkit.problems import Refused
from sso.accounts.browser import visitor
from sso.accounts.sign_in import WrongPassword
from sso.portal.password_views import too_many
from sso.problems import SIGN_IN_REQUIRED
from sso.refusals import log_page_refusal
from sso.requests.replies import see_other
from sso.throttle import Throttled

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sso.accounts.browser import Browser
    from sso.accounts.factors import Factors
    from sso.accounts.passkeys import Passkeys
    from sso.accounts.sessions import SignedIn
    from sso.accounts.sign_in import PasswordSignIn
    from sso.accounts.users import Users
    from sso.grants.own import Own
    from sso.storage.people import BrowserSession

SERVED: Final = ("profile", "security", "devices", "applications", "data")
_UNPROCESSABLE: Final = 400


@dataclass(frozen=True)
class Device:
    """A session as its owner recognises it."""

    id: str
    current: bool
    device: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip: str
    applications: list[str]


class AccountPages:
    """Shows the pages and acts on their forms; each is handed who is signed in."""

    def __init__(
        self,
        *,
        browser: Browser,
        own: Own,
        users: Users,
        password_sign_in: PasswordSignIn,
        password_min: int,
        factors: Factors,
        passkeys: Passkeys,
    ) -> None:
        self._browser = browser
        self._own = own
        self._users = users
        self._password_sign_in = password_sign_in
        self._password_min = password_min
        self._factors = factors
        self._passkeys = passkeys

    def require(self) -> SignedIn:
        """Return who is signed in.

        Raises:
            Refused: nobody; a form ends nothing for nobody.
        """
        signed_in = self._browser.signed_in()
        if signed_in is None:
            raise Refused(SIGN_IN_REQUIRED, hint="a form of the account without a session")
        return signed_in

    def profile(self, me: SignedIn) -> str:
        """Return the first page."""
        return self._page("sso/account.html", me)

    def devices(self, me: SignedIn, ended: list[BrowserSession] | None = None) -> str:
        """Return the devices, the one at hand first, naming what just ended."""
        names = self._own.application_names(me.user.sub)
        found = [_device(row, me, names) for row in self._own.sessions(me.user.sub)]
        found.sort(key=lambda device: not device.current)
        gone = [device_name(each.user_agent) for each in ended or []]
        return self._page("sso/account_devices.html", me, devices=found, ended=gone)

    def end_device(self, me: SignedIn, session_id: str) -> str:
        """End one other device; this one ends by signing out."""
        if session_id == me.session_id:
            return self.devices(me)
        ended = self._own.end_session(me.user.sub, session_id)
        return self.devices(me, [ended] if ended else [])

    def end_other_devices(self, me: SignedIn) -> str:
        """End every device but this one."""
        return self.devices(me, self._own.end_others(me.user.sub, but=me.session_id))

    def applications(self, me: SignedIn, withdrawn: str | None = None) -> str:
        """Return who has access, naming who just lost it."""
        found = self._own.applications(me.user.sub)
        return self._page(
            "sso/account_applications.html", me, applications=found, withdrawn=withdrawn
        )

    def withdraw(self, me: SignedIn, client_id: str) -> str:
        """Take all access from one client."""
        return self.applications(me, self._own.withdraw(me.user.sub, client_id))

    def security(
        self, me: SignedIn, errors: dict[str, str] | None = None, *, changed: bool = False
    ) -> Response:
        """Return the form for another password, with what went wrong."""
        page = self._page(
            "sso/account_security.html",
            me,
            errors=errors or {},
            changed=changed,
            password_min=self._password_min,
            second=self._factors.status(me.user.sub),
            passkeys_possible=self._passkeys.possible,
        )
        return make_response(page, _UNPROCESSABLE if errors else 200)

    def change_password(self, me: SignedIn, current: str, new: str) -> Response:
        """Change the password of whoever knows the current one; every other device is out.

        Guesses count as they do at the sign-in page, so that a session left open is no way
        around the throttle (S-104).
        """
        about = (me.user.username, me.user.email)
        if fault := self._users.password_fault(new, about=about):
            return self.security(me, {"new_password": fault})
        try:
            user = self._password_sign_in.attempt(
                me.user.username, current, ip=visitor().ip, device=self._browser.device()
            )
        except WrongPassword:
            log_page_refusal("wrong_password", "the current password is not this one")
            return self.security(me, {"current_password": "wrong" if current else "required"})
        except Throttled as throttled:
            raise too_many("too many wrong passwords", throttled) from throttled
        self._users.change_password(
            user,
            new,
            also=lambda session: self._own.shut(session, me.user.sub, but_of=me.session_id),
        )
        return self.security(me, changed=True)

    def _page(self, template: str, me: SignedIn, **context: Any) -> str:  # noqa: ANN401 - each template's own
        return render_template(template, user=me.user, served=SERVED, **context)


def _device(row: BrowserSession, me: SignedIn, names: dict[str, list[str]]) -> Device:
    return Device(
        id=row.id,
        current=row.id == me.session_id,
        device=device_name(row.user_agent),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        ip=row.ip,
        applications=sorted(names.get(row.id, [])),
    )


def create_blueprint(pages: AccountPages, browser: Browser) -> Blueprint:
    """Return the routes of the account pages."""
    room = Blueprint("account", __name__)

    def shown(page: Callable[[SignedIn], str | Response]) -> Callable[[], str | Response]:
        """Show *page* to whoever is signed in; others sign in first and come back."""

        @wraps(page)
        def show() -> str | Response:
            me = browser.signed_in()
            return see_other(f"/sign-in?next={request.path}") if me is None else page(me)

        return show

    room.get("/", endpoint="home")(lambda: see_other("/account"))
    room.get("/account", endpoint="profile")(shown(pages.profile))
    room.get("/account/devices", endpoint="devices")(shown(pages.devices))
    room.get("/account/applications", endpoint="applications")(shown(pages.applications))
    room.get("/account/security", endpoint="security")(shown(pages.security))

    @room.post("/account/devices/<session_id>/end")
    def end_device(session_id: str) -> str:
        return pages.end_device(pages.require(), session_id)

    @room.post("/account/devices/end-others")
    def end_others() -> str:
        return pages.end_other_devices(pages.require())

    @room.post("/account/applications/<client_id>/withdraw")
    def withdraw(client_id: str) -> str:
        return pages.withdraw(pages.require(), client_id)

    @room.post("/account/security/password")
    def change_password() -> Response:
        form = request.form
        current, new = form.get("current_password", ""), form.get("new_password", "")
        return pages.change_password(pages.require(), current, new)

    return room
