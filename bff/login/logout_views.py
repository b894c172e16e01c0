"""`/bff/logout`: by script, by form, by link; and the step to the provider's own sign-out."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from typing import TYPE_CHECKING

from flask import Blueprint, jsonify, redirect, request, url_for

from bff import events
from bff.problems import BAD_REQUEST, CSRF_FAILED, Refused
from httpkit.csrf import FIELD
from httpkit.i18n import home

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response as BaseResponse

    from bff.login.logout import Logout
    from bff.login.once import SignOutAddresses
    from bff.sessions.codec import KeyRing
    from bff.sessions.cookie import SessionCookie
    from bff.sessions.current import CurrentSession
    from bff.sessions.model import Session, Ticket

_SALT_BYTES = 16


class LogoutForms:
    """Anti-forgery for forms of signed-in visitors: a hidden field bound to the session itself.

    It is masked anew each time, so that compression of a page tells nothing about it.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def token(self, ticket: Ticket | None) -> str:
        """Return the field's value for the form on a page of *ticket*'s session."""
        if ticket is None:
            return ""
        salt = secrets.token_bytes(_SALT_BYTES)
        return _masked(self._ring.pseudonyms("form", ticket.digest)[0], salt)

    def require(self, ticket: Ticket, given: str) -> None:
        """Pass when *given* came from our own page of this session; else ``csrf_failed``."""
        salt = _salt_of(given)
        valid = [_masked(key, salt) for key in self._ring.pseudonyms("form", ticket.digest)]
        if not any(hmac.compare_digest(given.encode(), token.encode()) for token in valid):
            raise Refused(CSRF_FAILED, hint="csrf_token is missing or of another session")


def _masked(key: str, salt: bytes) -> str:
    mac = hmac.digest(key.encode(), salt, "sha256")
    return base64.urlsafe_b64encode(salt + mac).decode()


def _salt_of(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token.encode("ascii"))[:_SALT_BYTES]
    except (UnicodeEncodeError, binascii.Error):
        return b""


class LogoutViews:
    """The routes of signing out."""

    def __init__(
        self,
        *,
        logout: Logout,
        addresses: SignOutAddresses,
        forms: LogoutForms,
        cookie: SessionCookie,
        current: CurrentSession,
        require_own_page: Callable[[], None],
        require_no_foreign_page: Callable[[], None],
    ) -> None:
        """Join the parts.

        Args:
            logout: what the routes do.
            addresses: keeps the provider's sign-out address for one navigation.
            forms: judges the form's hidden field.
            cookie: how the ticket is taken back.
            current: the session to end.
            require_own_page: refuses a script's call that did not come from our own page.
            require_no_foreign_page: refuses a form that names a foreign page.
        """
        self._logout = logout
        self._addresses = addresses
        self._forms = forms
        self._cookie = cookie
        self._current = current
        self._require_own_page = require_own_page
        self._require_no_foreign_page = require_no_foreign_page

    def blueprint(self) -> Blueprint:
        """Return the routes for mounting."""
        blueprint = Blueprint("bff_logout", __name__, url_prefix="/bff/logout")
        blueprint.post("", endpoint="end_by_post")(self.end_by_post)
        blueprint.get("", endpoint="end_by_link")(self.end_by_link)
        blueprint.get("/<name>", endpoint="follow")(self.follow)
        return blueprint

    def end_by_post(self) -> BaseResponse:
        """Answer a script with ``{logout_url}`` and a form with a redirect there."""
        if FIELD in request.form:
            # A foreign form comes without the Strict cookie, so that no session is found whose
            # field could be judged; the answer's Set-Cookie would still take the ticket away.
            self._require_no_foreign_page()
            session = self._current.find()
            if session is not None:
                self._forms.require(session.ticket, request.form[FIELD])
            return self._taken_back(redirect(self._end(session) or home(), 303))
        self._require_own_page()
        return self._taken_back(jsonify(logout_url=self._end(self._current.find())))

    def end_by_link(self) -> BaseResponse:
        """Answer a link that names the session, which only the session's own page can."""
        session = self._current.find()
        if session is None or request.args.get("sid") != session.ticket.public_id:
            raise Refused(BAD_REQUEST, detail="sid is not this session's.")
        return self._taken_back(redirect(self._end(session) or home(), 303))

    def follow(self, name: str) -> BaseResponse:
        """Send the browser on to the provider's sign-out, once."""
        response = redirect(self._addresses.take(name) or home(), 303)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _end(self, session: Session | None) -> str | None:
        if session is None:
            return None
        address = self._logout.provider_address(session)
        self._logout.end(session, reason=events.SIGNED_OUT)
        self._current.forget()
        if address is None:
            return None
        return url_for("bff_logout.follow", name=self._addresses.keep(address))

    def _taken_back(self, response: BaseResponse) -> BaseResponse:
        response.headers.add("Set-Cookie", self._cookie.expire())
        return response
