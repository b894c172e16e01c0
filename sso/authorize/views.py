"""The authorization endpoint's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never
from urllib.parse import urlencode

from flask import Blueprint, Request, Response, request

from httpkit.problems import Refused
from sso.authorize.decision import (
    AskConsent,
    AskSecondStep,
    AskSignIn,
    AskVerifiedEmail,
    IssueCode,
    Refuse,
    next_step,
)
from sso.errors import INVALID_REQUEST, OAuthError
from sso.grants.codes import NewCode
from sso.parameters import from_form, from_query
from sso.problems import REQUEST_INVALID
from sso.refusals import log_refusal
from sso.requests.carrier import FIELD, RESUME_PATH
from sso.requests.pushed import names_pushed
from sso.requests.replies import reply, reply_error, see_other

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso.accounts.browser import Browser
    from sso.accounts.sessions import SignedIn
    from sso.clock import Clock
    from sso.grants.codes import Codes
    from sso.grants.consents import Consents
    from sso.parameters import Parameters
    from sso.requests.carrier import Carrier
    from sso.requests.model import AuthorizationRequest, ReplyTo
    from sso.requests.pushed import PushedRequests
    from sso.requests.validation import RequestValidator
    from sso.storage.clients import Client


class Authorization:
    """Takes a request one step further."""

    def __init__(
        self,
        *,
        issuer: str,
        validator: RequestValidator,
        pushed_requests: PushedRequests,
        carrier: Carrier,
        browser: Browser,
        consents: Consents,
        codes: Codes,
        clock: Clock,
        verified_email_needed: bool,
    ) -> None:
        self._issuer = issuer
        self._validator = validator
        self._pushed_requests = pushed_requests
        self._carrier = carrier
        self._browser = browser
        self._consents = consents
        self._codes = codes
        self._clock = clock
        self._verified_email_needed = verified_email_needed

    def begin(self, parameters: Parameters, *, cookies_came: bool) -> Response:
        """Return the answer to a fresh request.

        Args:
            parameters: of the request.
            cookies_came: False for a post from elsewhere, which carries no Lax cookie (A-54): it
                is answered with a step through our own address.
        """
        if names_pushed(parameters):
            client, asked = self._pushed(parameters)
        else:
            client, reply_to = self._validator.require_client(parameters)
            try:
                asked = self._open(client, reply_to, parameters)
            except OAuthError as error:
                silent = parameters.get("prompt") == "none"
                if not (silent or self._may_redirect(client, cookies_came=cookies_came)):
                    hint = f"{error.error}: {error.reason}"
                    raise Refused(REQUEST_INVALID, hint=hint) from error
                log_refusal(error)
                return reply_error(reply_to, error, issuer=self._issuer)
        if not cookies_came:
            return see_other(self._carrier.resume_address(asked))
        return self._proceed(client, asked)

    def _may_redirect(self, client: Client, *, cookies_came: bool) -> bool:
        """Return whether a faulty request may send the browser on to *client*.

        Anybody can register an address and link to us with a fault: whoever is not signed in here
        would be carried from our name to a stranger's page without a step of their own (A-06).
        """
        if not client.self_registered:
            return True
        return cookies_came and self._browser.signed_in() is not None

    def resume(self, sealed: str) -> Response:
        """Return the answer to a request that went across our pages."""
        asked = self._carrier.open(sealed)
        # Judged again: the client may have lost the address, a scope, or itself, meanwhile.
        client, _reply_to = self._validator.require_client(
            {"client_id": asked.client_id, "redirect_uri": asked.reply_to.redirect_uri}
        )
        try:
            self._validator.require_still_allowed(client, asked)
        except OAuthError as error:
            log_refusal(error)
            return reply_error(asked.reply_to, error, issuer=self._issuer)
        return self._proceed(client, asked)

    def _open(
        self, client: Client, reply_to: ReplyTo, parameters: Parameters
    ) -> AuthorizationRequest:
        """Return the request that the browser itself carries."""
        if client.par_required:
            raise OAuthError(INVALID_REQUEST, "the client has to push its requests")
        return self._validator.require_valid(client, reply_to, parameters)

    def _pushed(self, parameters: Parameters) -> tuple[Client, AuthorizationRequest]:
        """Return the request that was handed in before; nothing else in the address counts."""
        client = self._validator.require_known(parameters)
        asked = self._pushed_requests.take(client, parameters["request_uri"])
        # Judged again: the client may have lost the address meanwhile.
        self._validator.require_reply_to(client, {"redirect_uri": asked.reply_to.redirect_uri})
        return client, asked

    def _proceed(self, client: Client, asked: AuthorizationRequest) -> Response:
        signed_in = self._browser.signed_in()
        consented_at = (
            self._consents.granted_at(signed_in.user.sub, client.client_id, asked.agreed_scopes)
            if signed_in
            else None
        )
        step = next_step(
            asked,
            signed_in,
            consent_needed=not client.first_party,
            consented_at=consented_at,
            now=self._clock(),
            verified_email_needed=self._verified_email_needed,
        )
        match step:
            case AskSignIn():
                here = {"next": self._carrier.resume_address(asked)}
                return see_other(f"/sign-in?{urlencode(here)}")
            case AskSecondStep():
                here = {"next": self._carrier.resume_address(asked)}
                return see_other(f"/sign-in/second?{urlencode(here)}")
            case AskVerifiedEmail():
                here = {"next": self._carrier.resume_address(asked)}
                return see_other(f"/account/email?{urlencode(here)}")
            case AskConsent():
                return see_other(f"/consent?{urlencode({FIELD: self._carrier.seal(asked)})}")
            case Refuse(error):
                log_refusal(error)
                return reply_error(asked.reply_to, error, issuer=self._issuer)
            case IssueCode(signed_in):
                code = self._code(client, asked, signed_in)
                return reply(asked.reply_to, {"code": code}, issuer=self._issuer)
            case _:  # pragma: no cover - closed by mypy
                assert_never(step)

    def _code(self, client: Client, asked: AuthorizationRequest, signed_in: SignedIn) -> str:
        return self._codes.issue(
            NewCode(
                client=client,
                sub=signed_in.user.sub,
                session_id=signed_in.session_id,
                redirect_uri=asked.reply_to.redirect_uri,
                code_challenge=asked.code_challenge,
                nonce=asked.nonce,
                scopes=asked.scopes,
                audience=asked.audience,
                auth_time=signed_in.auth_time,
                acr=signed_in.acr,
                amr=signed_in.amr,
                claims=asked.named_claims,
                dpop_jkt=asked.dpop_jkt,
            )
        )


def create_blueprint(authorization: Authorization) -> Blueprint:
    """Return the routes of this room."""
    room = Blueprint("authorize", __name__)

    @room.get("/oauth/authorize")
    def authorize() -> Response:
        return authorization.begin(_readable(from_query), cookies_came=True)

    @room.post("/oauth/authorize")
    def authorize_posted() -> Response:
        return authorization.begin(_readable(from_form), cookies_came=False)

    @room.get(RESUME_PATH)
    def resume() -> Response:
        return authorization.resume(_readable(from_query).get(FIELD, ""))

    return room


def _readable(read: Callable[[Request], Parameters]) -> Parameters:
    """Return the parameters; what cannot be read once ends on a page of ours (S-018)."""
    try:
        return read(request)
    except OAuthError as error:
        raise Refused(REQUEST_INVALID, hint=error.reason) from error
