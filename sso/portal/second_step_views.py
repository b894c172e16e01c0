"""The second step of a sign-in, and signing in with a passkey alone.

The second step is for whoever is half-way in, or is signed in and asked for more
(``acr_values``). A wrong code, an old code and a used code are one answer.

Spec: ASVS 6.3.3, 6.5; A-41, A-42; S-104.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
from flask import Blueprint, Response, make_response, render_template, request

from httpkit.headers import allow_form_action
from sso.accounts.assurance import PASSWORD, with_code, with_passkey
from sso.accounts.browser import visitor
from sso.accounts.factors import WrongCode
from sso.accounts.passkeys import PasskeyRefused
from sso.clients.redirect_uris import origin_of
from sso.portal.entrance import SECOND_STEP
from sso.portal.next_address import local_address
from sso.refusals import log_page_refusal
from sso.requests.replies import see_other
from sso.throttle import Throttled

if TYPE_CHECKING:
    from datetime import datetime

    from sso.accounts.browser import Browser
    from sso.accounts.factors import Factors
    from sso.accounts.half_way import HalfWay
    from sso.accounts.passkeys import Passkeys
    from sso.portal.entrance import Entrance
    from sso.requests.carrier import Carrier
    from sso.settings import Throttles
    from sso.storage.people import User
    from sso.throttle import Throttle

_UNAUTHORIZED = 401
_TOO_MANY = 429


@dataclass(frozen=True)
class Parts:
    """What the second step acts through."""

    browser: Browser
    factors: Factors
    passkeys: Passkeys
    half_way: HalfWay
    entrance: Entrance
    carrier: Carrier
    throttle: Throttle
    limits: Throttles


@dataclass(frozen=True)
class _Proven:
    """Who is at the second step, by what, and since when they are signed in if they are."""

    user: User
    amr: tuple[str, ...]
    since: datetime | None


class SecondStepPages:
    """Shows the step and acts on it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def form(
        self, next_address: str, *, error: str | None = None, retry_at: datetime | None = None
    ) -> Response:
        """Return the page; for nobody half-way, the first step."""
        proven = self._proven()
        if proven is None:
            return see_other(f"/sign-in?{urlencode({'next': next_address})}")
        user = proven.user
        status = self._parts.factors.status(user.sub)
        waiting = self._parts.carrier.request_behind(next_address)
        if waiting is not None:
            allow_form_action(origin_of(waiting.reply_to.redirect_uri))
        passkeys = self._parts.passkeys
        invitable = status.passkeys and passkeys.possible
        page = render_template(
            "sso/second_step.html",
            user=user,
            status=status,
            passkey=passkeys.invite(status.passkeys, sub=user.sub) if invitable else None,
            without=self._without(next_address) if not status.required else None,
            error=error,
            retry_at=retry_at,
            next=next_address,
            here=SECOND_STEP,
        )
        codes = {"wrong": _UNAUTHORIZED, "throttled": _TOO_MANY}
        return make_response(page, codes.get(error or "", 200))

    def by_code(self, code: str, next_address: str) -> Response:
        """Return the way on after a code that opens, or the page again.

        A code alone is no new sign-in: whoever was signed in before stays so since then, and
        nothing is told that was not shown (OIDC Core §2, ``auth_time``, ``amr``).
        """
        proven = self._proven()
        if proven is None:
            return self.form(next_address)
        try:
            device = self._parts.browser.known_device(proven.user.username)
            self._parts.factors.check(proven.user.sub, code, device=device)
        except WrongCode:
            log_page_refusal("wrong_code", "not a code that opens now")
            return self.form(next_address, error="wrong")
        except Throttled as throttled:
            return self._throttled(throttled, next_address)
        return self._parts.entrance.admit(
            proven.user, next_address, amr=with_code(proven.amr), since=proven.since
        )

    def by_passkey(self, ceremony: str, answer: str, next_address: str) -> Response:
        """Return the way on after a passkey of this person, or the page again."""
        proven = self._proven()
        if proven is None:
            return self.form(next_address)
        try:
            opened = self._parts.passkeys.open(ceremony, answer, sub=proven.user.sub)
        except PasskeyRefused as refused:
            log_page_refusal("wrong_passkey", str(refused))
            return self.form(next_address, error="wrong_passkey")
        # By itself a whole sign-in, as of now; the password counts where it was shown just before.
        just_before = proven.amr if proven.since is None else ()
        amr = (*just_before, *with_passkey(device_bound=opened.device_bound))
        return self._parts.entrance.admit(opened.user, next_address, amr=amr)

    def alone(self, ceremony: str, answer: str, next_address: str) -> Response:
        """Return the way on for whoever's passkey answered at the first page."""
        place = ("passkey address", visitor().ip)
        limit = self._parts.limits.wrong_passwords_per_address
        try:
            self._parts.throttle.take(*place, limit=limit, window_s=self._parts.limits.window_s)
            opened = self._parts.passkeys.open(ceremony, answer)
        except (PasskeyRefused, Throttled) as refused:
            log_page_refusal("wrong_passkey", str(refused))
            return see_other(f"/sign-in?{urlencode({'next': next_address, 'passkey': 'wrong'})}")
        self._parts.throttle.give_back(*place)
        amr = with_passkey(device_bound=opened.device_bound)
        return self._parts.entrance.admit(opened.user, next_address, amr=amr)

    def _throttled(self, throttled: Throttled, next_address: str) -> Response:
        log_page_refusal("throttled", "too many wrong codes")
        response = self.form(next_address, error="throttled", retry_at=throttled.retry_at)
        response.headers["Retry-After"] = str(throttled.retry_after_s)
        return response

    def _proven(self) -> _Proven | None:
        half = self._parts.half_way.find()
        if half is not None:
            return _Proven(half, PASSWORD, None)
        me = self._parts.browser.signed_in()
        return _Proven(me.user, me.amr, me.auth_time) if me else None

    def _without(self, next_address: str) -> str:
        """Return where somebody without a second factor goes on: the request, its wish waived."""
        waiting = self._parts.carrier.request_behind(next_address)
        if waiting is None:
            return next_address
        waived = msgspec.structs.replace(waiting, acr_waived=True)
        return self._parts.carrier.resume_address(waived)


def create_blueprint(pages: SecondStepPages) -> Blueprint:
    """Return the routes of the second step."""
    room = Blueprint("second_step", __name__)

    @room.get(SECOND_STEP)
    def form() -> Response:
        return pages.form(_next())

    @room.post(SECOND_STEP)
    def by_code() -> Response:
        return pages.by_code(request.form.get("code", ""), _next())

    @room.post(f"{SECOND_STEP}/passkey")
    def by_passkey() -> Response:
        given = request.form
        return pages.by_passkey(given.get("ceremony", ""), given.get("answer", ""), _next())

    @room.post("/sign-in/passkey")
    def alone() -> Response:
        given = request.form
        return pages.alone(given.get("ceremony", ""), given.get("answer", ""), _next())

    return room


def _next() -> str:
    return local_address(request.form.get("next") or request.args.get("next", ""))
