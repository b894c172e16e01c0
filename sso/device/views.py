"""The routes of the device's beginning and of the person's decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec
from flask import Blueprint, Response, make_response, render_template, request

from httpkit.problems import Refused
from sso.accounts.browser import visitor
from sso.accounts.freshness import sign_in_address
from sso.clients.limits import audience_for, scopes_for
from sso.clients.registration import DEVICE_CODE
from sso.errors import INVALID_SCOPE, SLOW_DOWN, UNAUTHORIZED_CLIENT, OAuthError
from sso.grants.device_codes import INTERVAL_S
from sso.keys.ring import Unsealable
from sso.parameters import from_body, space_separated
from sso.problems import REQUEST_EXPIRED, REQUEST_INVALID, SIGN_IN_REQUIRED
from sso.protocol_answers import protocol_answer, speak_protocol
from sso.refusals import log_page_refusal
from sso.requests.replies import see_other
from sso.throttle import Throttled

if TYPE_CHECKING:
    from datetime import datetime

    from sso.accounts.browser import Browser
    from sso.accounts.sessions import SignedIn
    from sso.clients.authentication import ClientAuthentication
    from sso.clients.registry import Clients
    from sso.grants.device_codes import DeviceCodes
    from sso.keys.ring import KeyRing
    from sso.settings import Settings
    from sso.storage.grants import DeviceCode
    from sso.throttle import Throttle

PAGE: Final = "/device"
_PURPOSE: Final = "device decision"
_BEGINS_PER_ADDRESS: Final = 200
_WRONG: Final = {"wrong": 400, "throttled": 429}


class _Decision(msgspec.Struct, frozen=True):
    digest: str
    sub: str


class DevicePages:
    """Begins for devices, asks people."""

    def __init__(
        self,
        *,
        settings: Settings,
        codes: DeviceCodes,
        clients: Clients,
        authentication: ClientAuthentication,
        throttle: Throttle,
        browser: Browser,
        ring: KeyRing,
    ) -> None:
        self._settings = settings
        self._codes = codes
        self._clients = clients
        self._authentication = authentication
        self._throttle = throttle
        self._browser = browser
        self._ring = ring

    def begin(self) -> Response:
        """Return the codes for the device that asks (RFC 8628 §3.2)."""
        parameters, ip = from_body(request), visitor().ip
        client = self._authentication.require(
            request.headers.get("Authorization"), parameters, ip=ip
        )
        if DEVICE_CODE not in client.grant_types:
            raise OAuthError(UNAUTHORIZED_CLIENT, "the client may not use this grant type")
        scopes = scopes_for(client, parameters.get("scope", ""))
        if not scopes:
            raise OAuthError(INVALID_SCOPE, "scope is missing")
        default = self._settings.default_audience
        audience = audience_for(client, parameters.get("resource"), default=default)
        self._count("device begin", f"{client.client_id} {ip}")
        begun = self._codes.begin(client, scopes=scopes, audience=audience)
        address = f"{self._settings.origin}{PAGE}"
        return protocol_answer(
            {
                "device_code": begun.device_code,
                "user_code": begun.user_code,
                "verification_uri": address,
                "verification_uri_complete": (
                    f"{address}?{urlencode({'user_code': begun.user_code})}"
                ),
                "expires_in": begun.expires_in_s,
                "interval": INTERVAL_S,
            }
        )

    def form(
        self, user_code: str, *, error: str | None = None, retry_at: datetime | None = None
    ) -> Response:
        """Return the page for the code; a link fills it in and decides nothing."""
        page = render_template(
            "sso/device.html",
            user_code=user_code[:16],
            error=error,
            retry_at=retry_at,
            here=PAGE,
        )
        return make_response(page, _WRONG.get(error or "", 200))

    def ask(self, user_code: str) -> Response:
        """Return the question about the device that shows *user_code*, or the form again.

        Guesses count per person and per address, so that nobody finds a stranger's device.
        """
        me, throttles = self.require(), self._settings.throttles
        places = [("device code", me.user.sub), ("device address", visitor().ip)]
        limits = (throttles.wrong_codes_per_account, throttles.wrong_passwords_per_address)
        try:
            for (kind, name), limit in zip(places, limits, strict=True):
                self._throttle.take(kind, name, limit=limit, window_s=throttles.window_s)
        except Throttled as throttled:
            log_page_refusal("throttled", "too many wrong device codes")
            response = self.form(user_code, error="throttled", retry_at=throttled.retry_at)
            response.headers["Retry-After"] = str(throttled.retry_after_s)
            return response
        row = self._codes.find(user_code)
        client = self._clients.find(row.client_id) if row else None
        if row is None or client is None:
            log_page_refusal("wrong_code", "no device waits with this code")
            return self.form(user_code, error="wrong")
        for kind, name in places:
            self._throttle.give_back(kind, name)
        decision = msgspec.json.encode(_Decision(row.digest, me.user.sub))
        return make_response(
            render_template(
                "sso/device_confirm.html",
                client_name=client.name,
                user_code=user_code.upper()[:16],
                scopes=space_separated(row.scope),
                user=me.user,
                hidden={"device": self._ring.seal_text(_PURPOSE, decision)},
                here=PAGE,
            )
        )

    def decide(self, sealed: str, decision: str) -> Response:
        """Note the decision and say what happens next.

        Raises:
            Refused: not one that was put to this person, too late, or neither allow nor deny.
        """
        row = self._put_to(self.require(), sealed)
        if decision not in {"allow", "deny"}:
            raise Refused(REQUEST_INVALID, hint="the decision is neither allow nor deny")
        allow = decision == "allow"
        if row is None or not self._codes.decide(row, self.require(), allow=allow):
            raise Refused(REQUEST_EXPIRED, hint="the device no longer waits")
        return make_response(render_template("sso/device_done.html", allowed=allow, here=PAGE))

    def require(self) -> SignedIn:
        """Return who is signed in.

        Raises:
            Refused: nobody.
        """
        signed_in = self._browser.signed_in()
        if signed_in is None:
            raise Refused(SIGN_IN_REQUIRED, hint="a device's page without a session")
        return signed_in

    def visitor_away(self) -> Response | None:
        """Return the way to the sign-in for a visitor, and back with the code."""
        if self._browser.signed_in() is not None:
            return None
        here = PAGE
        if request.method == "GET" and (code := request.args.get("user_code")):
            here = f"{PAGE}?{urlencode({'user_code': code[:16]})}"
        return see_other(sign_in_address(here))

    def _put_to(self, me: SignedIn, sealed: str) -> DeviceCode | None:
        try:
            raw = self._ring.open_text(_PURPOSE, sealed)
            decision = msgspec.json.decode(raw, type=_Decision)
        except (Unsealable, msgspec.DecodeError) as error:
            raise Refused(REQUEST_INVALID, hint="the decision cannot be opened") from error
        if decision.sub != me.user.sub:
            raise Refused(REQUEST_INVALID, hint="the question was put to somebody else")
        return self._codes.find_by_digest(decision.digest)

    def _count(self, kind: str, name: str) -> None:
        window_s = self._settings.throttles.window_s
        try:
            self._throttle.take(kind, name, limit=_BEGINS_PER_ADDRESS, window_s=window_s)
        except Throttled as throttled:
            raise OAuthError(
                SLOW_DOWN,
                "too many devices began here",
                status=429,
                headers={"Retry-After": str(throttled.retry_after_s)},
            ) from throttled


def create_endpoint(pages: DevicePages) -> Blueprint:
    """Return the route for devices."""
    room = Blueprint("device", __name__)
    room.post("/oauth/device_authorization", endpoint="begin")(pages.begin)
    return speak_protocol(room)


def create_pages(pages: DevicePages) -> Blueprint:
    """Return the routes for people."""
    room = Blueprint("device_pages", __name__)
    room.before_request(pages.visitor_away)

    @room.get(PAGE)
    def form() -> Response:
        return pages.form(request.args.get("user_code", ""))

    @room.post(PAGE)
    def ask() -> Response:
        return pages.ask(request.form.get("user_code", ""))

    @room.post(f"{PAGE}/decision")
    def decide() -> Response:
        return pages.decide(request.form.get("device", ""), request.form.get("decision", ""))

    return room
