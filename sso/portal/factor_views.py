"""Enrolment and removal of second factors; each change needs a recent sign-in.

Spec: ASVS 6.4, 7.5.1; RFC 6238.
"""

from __future__ import annotations

import io
from functools import wraps
from typing import TYPE_CHECKING, Any

import segno
from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup

from httpkit.devices import device_name
from httpkit.problems import NOT_FOUND, Refused
from sso.accounts import totp
from sso.accounts.factors import WrongCode
from sso.accounts.freshness import sign_in_address
from sso.accounts.passkeys import PasskeyRefused
from sso.refusals import log_page_refusal
from sso.requests.replies import see_other

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso.accounts.browser import Browser
    from sso.accounts.factors import Factors, Offer
    from sso.accounts.freshness import Freshness
    from sso.accounts.passkeys import Passkeys
    from sso.accounts.sessions import SignedIn

HOME = "/account/security"
_TOTP = f"{HOME}/totp"
_PASSKEYS = f"{HOME}/passkeys"
_CODES = f"{HOME}/recovery-codes"
_UNPROCESSABLE = 400


class FactorPages:
    """Shows what somebody has, and adds to it or takes from it."""

    def __init__(
        self, browser: Browser, freshness: Freshness, factors: Factors, passkeys: Passkeys
    ) -> None:
        self._browser = browser
        self._freshness = freshness
        self._factors = factors
        self._passkeys = passkeys

    def visitor_away(self) -> Response | None:
        """Return the way to the sign-in for a visitor, or for one who signed in long ago."""
        signed_in = self._browser.signed_in()
        here = request.path if request.method == "GET" else HOME
        if signed_in is None:
            return see_other(sign_in_address(here))
        if not self._freshness.is_recent(signed_in):
            return see_other(sign_in_address(here, again=True))
        return None

    def totp_form(self, me: SignedIn, *, offer: Offer | None = None) -> Response:
        """Return the picture for the app; with *offer*, the same one again after a wrong code."""
        shown = offer or self._factors.offer(me.user.sub)
        wanted = totp.address(shown.secret, issuer="Cloakroom", username=me.user.username)
        page = render_template(
            "sso/totp.html",
            picture=picture_of(wanted),
            secret=totp.in_base32(shown.secret),
            sealed=shown.sealed,
            wrong=offer is not None,
            here=_TOTP,
        )
        return make_response(page, _UNPROCESSABLE if offer else 200)

    def enrol_totp(self, me: SignedIn, sealed: str, code: str) -> Response:
        """Return the recovery codes of a first factor, or the way back to the security page."""
        offer = self._factors.reopen(me.user.sub, sealed)
        if offer is None:
            return self.totp_form(me)
        first = not self._factors.status(me.user.sub).required
        try:
            self._factors.enrol(me.user.sub, offer, code)
        except WrongCode:
            log_page_refusal("wrong_code", "the first code of an app")
            return self.totp_form(me, offer=offer)
        return self._enrolled(me, first=first)

    def remove_totp(self, me: SignedIn) -> Response:
        """Return the way back without the app."""
        self._factors.remove_totp(me.user.sub)
        return see_other(HOME)

    def passkey_form(self, me: SignedIn, *, failed: bool = False) -> Response:
        """Return the page that makes a passkey on the device at hand."""
        if not self._passkeys.possible:
            raise Refused(NOT_FOUND, hint="no passkeys under an address of numbers")
        known = self._factors.status(me.user.sub).passkeys
        page = render_template(
            "sso/passkey_new.html",
            passkey=self._passkeys.invite_new(me.user, known),
            wrong=failed,
            here=_PASSKEYS,
        )
        return make_response(page, _UNPROCESSABLE if failed else 200)

    def add_passkey(self, me: SignedIn, ceremony: str, answer: str) -> Response:
        """Return the recovery codes of a first factor, or the way back to the security page."""
        first = not self._factors.status(me.user.sub).required
        label = device_name(request.headers.get("User-Agent", ""))
        try:
            self._passkeys.register(me.user.sub, ceremony, answer, label=label)
        except PasskeyRefused as refused:
            log_page_refusal("wrong_passkey", str(refused))
            return self.passkey_form(me, failed=True)
        return self._enrolled(me, first=first)

    def remove_passkey(self, me: SignedIn, id_: str) -> Response:
        """Return the way back without the passkey; 404 for one of somebody else."""
        if not self._passkeys.remove(me.user.sub, id_):
            raise Refused(NOT_FOUND, hint="no passkey of this person has the id")
        return see_other(HOME)

    def new_codes(self, me: SignedIn) -> Response:
        """Return fresh recovery codes, shown this once."""
        if not self._factors.status(me.user.sub).required:
            return see_other(HOME)
        return self._codes(me)

    def require(self) -> SignedIn:
        """Return who is signed in; `visitor_away` has sent everybody else away."""
        signed_in = self._browser.signed_in()
        assert signed_in is not None  # noqa: S101 - see above
        return signed_in

    def _enrolled(self, me: SignedIn, *, first: bool) -> Response:
        return self._codes(me) if first else see_other(HOME)

    def _codes(self, me: SignedIn) -> Response:
        codes = self._factors.new_recovery_codes(me.user.sub)
        return make_response(render_template("sso/recovery_codes.html", codes=codes, here=HOME))


def create_blueprint(pages: FactorPages) -> Blueprint:
    """Return the routes of second factors."""
    room = Blueprint("factors", __name__)
    room.before_request(pages.visitor_away)

    def mine(act: Callable[..., Response]) -> Callable[..., Response]:
        """Hand *act* who is signed in."""

        @wraps(act)
        def view(**words: Any) -> Response:  # noqa: ANN401 - words of the address
            return act(pages.require(), **words)

        return view

    room.get(_TOTP, endpoint="totp_form")(mine(pages.totp_form))
    room.get(_PASSKEYS, endpoint="passkey_form")(mine(pages.passkey_form))
    room.post(f"{_TOTP}/remove", endpoint="remove_totp")(mine(pages.remove_totp))
    room.post(_CODES, endpoint="new_codes")(mine(pages.new_codes))

    @room.post(_TOTP)
    def enrol_totp() -> Response:
        form = request.form
        return pages.enrol_totp(pages.require(), form.get("sealed", ""), form.get("code", ""))

    @room.post(_PASSKEYS)
    def add_passkey() -> Response:
        form = request.form
        return pages.add_passkey(pages.require(), form.get("ceremony", ""), form.get("answer", ""))

    @room.post(f"{_PASSKEYS}/<id>/remove")
    def remove_passkey(id: str) -> Response:  # noqa: A002 - the word of the address
        return pages.remove_passkey(pages.require(), id)

    return room


def picture_of(text: str) -> Markup:
    """Return the picture that a telephone reads, drawn as part of the page."""
    drawn = io.BytesIO()
    # Dark on light in either scheme: many readers know nothing else.
    segno.make(text, error="m").save(
        drawn,
        kind="svg",
        scale=5,
        border=3,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgclass="qr",
        lineclass=None,
        nl=False,
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn by us, of letters and digits
