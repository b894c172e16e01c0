"""The consent page. It decides one request of one person; the code is issued elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, render_template, request

from httpkit.headers import allow_form_action
from httpkit.problems import Refused
from sso.clients.redirect_uris import host_of, origin_of
from sso.errors import ACCESS_DENIED, OAuthError
from sso.problems import REQUEST_INVALID, SIGN_IN_REQUIRED
from sso.refusals import log_refusal
from sso.requests.carrier import FIELD
from sso.requests.replies import reply_error, see_other
from sso.tokens.claims import OFFLINE_ACCESS

if TYPE_CHECKING:
    from sso.accounts.browser import Browser
    from sso.accounts.sessions import SignedIn
    from sso.grants.consents import Consents
    from sso.requests.carrier import Carrier
    from sso.requests.model import AuthorizationRequest
    from sso.requests.validation import RequestValidator
    from sso.settings import Lifetimes
    from sso.storage.clients import Client


class ConsentPages:
    """Asks, and remembers the answer."""

    def __init__(
        self,
        *,
        issuer: str,
        validator: RequestValidator,
        carrier: Carrier,
        browser: Browser,
        consents: Consents,
        lifetimes: Lifetimes,
    ) -> None:
        self._issuer = issuer
        self._validator = validator
        self._carrier = carrier
        self._browser = browser
        self._consents = consents
        self._lifetimes = lifetimes

    def ask(self, sealed: str) -> str:
        """Return the page."""
        asked, client, signed_in = self._open(sealed)
        allow_form_action(origin_of(asked.reply_to.redirect_uri))
        return render_template(
            "sso/consent.html",
            client_name=client.name,
            client_host=host_of(asked.reply_to.redirect_uri),
            scopes=asked.agreed_scopes,
            user=signed_in.user,
            lasting_s=self._lasting_s(client, asked),
            hidden={FIELD: sealed},
        )

    def _lasting_s(self, client: Client, asked: AuthorizationRequest) -> int:
        """Return for how long what is agreed to is good without the person coming back."""
        if OFFLINE_ACCESS in asked.scopes:
            return self._lifetimes.refresh_absolute_s
        by_grant_s, any_s = self._lifetimes.access_token_by_grant_s, self._lifetimes.access_token_s
        return client.access_token_ttl_s or by_grant_s.get("authorization_code", any_s)

    def decide(self, sealed: str, decision: str) -> Response:
        """Return the step that follows from *decision*; ``deny`` goes back to the client.

        Raises:
            Refused: it is neither; nothing was decided.
        """
        asked, client, signed_in = self._open(sealed)
        if decision == "allow":
            agreed = asked.agreed_scopes
            self._consents.remember(signed_in.user.sub, client.client_id, agreed)
            return see_other(self._carrier.resume_address(asked))
        if decision == "deny":
            error = OAuthError(ACCESS_DENIED, "the person did not agree")
            log_refusal(error)
            return reply_error(asked.reply_to, error, issuer=self._issuer)
        raise Refused(REQUEST_INVALID, hint="the decision is neither allow nor deny")

    def _open(self, sealed: str) -> tuple[AuthorizationRequest, Client, SignedIn]:
        asked = self._carrier.open(sealed)
        client, _reply_to = self._validator.require_client(
            {"client_id": asked.client_id, "redirect_uri": asked.reply_to.redirect_uri}
        )
        signed_in = self._browser.signed_in()
        if signed_in is None:
            raise Refused(SIGN_IN_REQUIRED, hint="consent without a session")
        return asked, client, signed_in


def create_blueprint(pages: ConsentPages) -> Blueprint:
    """Return the routes of this room."""
    room = Blueprint("consent", __name__)

    @room.get("/consent")
    def ask() -> str:
        return pages.ask(request.args.get(FIELD, ""))

    @room.post("/consent")
    def decide() -> Response:
        return pages.decide(request.form.get(FIELD, ""), request.form.get("decision", ""))

    return room
