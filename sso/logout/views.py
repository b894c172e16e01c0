"""The sign-out pages and the end-session endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, render_template, request

from httpkit.headers import allow_form_action, allow_frames
from httpkit.problems import Refused
from sso.clients.redirect_uris import origin_of
from sso.errors import OAuthError
from sso.parameters import from_form, from_query
from sso.problems import REQUEST_INVALID
from sso.requests.carrier import FIELD
from sso.requests.replies import see_other, with_query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Request

    from sso.accounts.browser import Browser
    from sso.accounts.sessions import SignedIn
    from sso.grants.session_end import SessionEnd
    from sso.logout.frontchannel import FrontchannelLogout
    from sso.logout.request import LogoutRequest, LogoutRequests
    from sso.parameters import Parameters


class SignOut:
    """Signs out whoever is signed in here, once that is what they want."""

    def __init__(
        self,
        requests: LogoutRequests,
        browser: Browser,
        session_end: SessionEnd,
        frontchannel: FrontchannelLogout,
    ) -> None:
        self._requests = requests
        self._browser = browser
        self._session_end = session_end
        self._frontchannel = frontchannel

    def asked_by_client(self, parameters: Parameters, *, cookies_came: bool) -> Response:
        """Return the answer to an application's request; a post goes by our own address first.

        The hint does not: sealed, the request carries what the hint proved and not the token.
        """
        asked = self._requests.require_valid(parameters)
        if not cookies_came:
            return see_other(f"/sign-out?{urlencode({FIELD: self._requests.seal(asked)})}")
        return self._proceed(asked)

    def asked_here(self, sealed: str) -> Response:
        """Return the answer to a request that came across our pages."""
        return self._proceed(self._requests.open(sealed))

    def confirmed(self, sealed: str) -> Response:
        """Sign out and return where to go next; the form's own token was checked before."""
        return self._sign_out(self._requests.open(sealed))

    def _proceed(self, asked: LogoutRequest) -> Response:
        signed_in = self._browser.signed_in()
        if asked.hinted_sub is not None and (signed_in is None or _is_of(asked, signed_in)):
            return self._sign_out(asked)
        if signed_in is None:
            return self._done(asked)
        if asked.return_uri:
            allow_form_action(origin_of(asked.return_uri))
        page = render_template(
            "sso/sign_out.html",
            client_name=self._requests.client_name(asked),
            action="/sign-out",
            fields={FIELD: self._requests.seal(asked)},
        )
        return make_response(page)

    def _sign_out(self, asked: LogoutRequest) -> Response:
        signed_in = self._browser.signed_in()
        frames: list[str] = []
        if signed_in is not None:
            self._session_end.end(signed_in.session_id)
            frames = self._frontchannel.addresses(signed_in.session_id)
        response = self._done(asked, frames) if frames else see_other(_way_on(asked))
        self._browser.forget(response)
        return response

    def _done(self, asked: LogoutRequest, frames: Sequence[str] = ()) -> Response:
        """Return the page that says so, with the *frames* by which applications hear of it.

        For somebody who was not signed in: a link, and no redirect unasked.
        """
        if frames:
            allow_frames(origin_of(each) for each in frames)
        page = render_template(
            "sso/signed_out.html",
            return_url=_way_on(asked) if asked.return_uri and frames else asked.return_uri,
            frames=frames,
            client_name=self._requests.client_name(asked),
        )
        return make_response(page)


def _way_on(asked: LogoutRequest) -> str:
    """Return where the browser goes once it is signed out."""
    if asked.return_uri is None:
        return "/signed-out"
    state = {"state": asked.state} if asked.state is not None else {}
    return with_query(asked.return_uri, state) if state else asked.return_uri


def _is_of(asked: LogoutRequest, signed_in: SignedIn) -> bool:
    """Return whether the hint was given to this very session (A-55)."""
    same_person = asked.hinted_sub == signed_in.user.sub
    return same_person and asked.hinted_session_id == signed_in.session_id


def create_blueprint(sign_out: SignOut) -> Blueprint:
    """Return the routes of this room."""
    room = Blueprint("logout", __name__)

    @room.get("/oauth/end_session")
    def end_session() -> Response:
        return sign_out.asked_by_client(_readable(from_query), cookies_came=True)

    @room.post("/oauth/end_session")
    def end_session_posted() -> Response:
        return sign_out.asked_by_client(_readable(from_form), cookies_came=False)

    @room.get("/sign-out")
    def ask() -> Response:
        return sign_out.asked_here(request.args.get(FIELD, ""))

    @room.post("/sign-out")
    def confirm() -> Response:
        return sign_out.confirmed(request.form.get(FIELD, ""))

    @room.get("/signed-out")
    def signed_out() -> str:
        return render_template("sso/signed_out.html", return_url=None, client_name=None)

    return room


def _readable(read: Callable[[Request], Parameters]) -> Parameters:
    try:
        return read(request)
    except OAuthError as error:
        raise Refused(REQUEST_INVALID, hint=error.reason) from error
