"""The routes of the developer's pages; every one works by links and plain forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, make_response, render_template, request

from httpkit.problems import NOT_FOUND, Refused
from sso.accounts.freshness import sign_in_address
from sso.clients.owned import Draft, DraftInvalid
from sso.clients.redirect_uris import host_of
from sso.parameters import space_separated
from sso.problems import SIGN_IN_REQUIRED
from sso.refusals import log_page_refusal
from sso.requests.replies import see_other

if TYPE_CHECKING:
    from sso.accounts.browser import Browser
    from sso.accounts.freshness import Freshness
    from sso.accounts.sessions import SignedIn
    from sso.clients.owned import Faults, OwnedClients
    from sso.clock import Clock
    from sso.recent_refusals import RecentRefusals
    from sso.storage.clients import Client

_UNPROCESSABLE = 400
HOME = "/clients"


class Console:
    """Shows a developer's clients and acts on them."""

    def __init__(
        self,
        *,
        owned: OwnedClients,
        refusals: RecentRefusals,
        browser: Browser,
        freshness: Freshness,
        clock: Clock,
        issuer: str,
    ) -> None:
        self._owned = owned
        self._refusals = refusals
        self._browser = browser
        self._freshness = freshness
        self._clock = clock
        self._issuer = issuer

    def overview(self, deleted: str | None = None) -> Response:
        """Return the list."""
        clients = [
            {"id": each.client_id, "name": each.name, "host": _host(each)}
            for each in self._owned.list_of(self._signed_in().user.sub)
        ]
        return make_response(
            render_template("sso/clients.html", clients=clients, deleted=deleted, here=HOME)
        )

    def form(
        self,
        draft: Draft,
        *,
        client: Client | None = None,
        errors: Faults | None = None,
    ) -> Response:
        """Return the form that *draft* fills in, for a new client or for *client*."""
        page = render_template(
            "sso/client_form.html",
            draft=draft,
            client_id=client.client_id if client else None,
            scopes=self._owned.scopes,
            errors=errors or {},
            here=f"{HOME}/{client.client_id}/edit" if client else f"{HOME}/new",
        )
        return make_response(page, _UNPROCESSABLE if errors else 200)

    def create(self, draft: Draft) -> Response:
        """Return the new client's page with its secret, or the form again."""
        try:
            made = self._owned.create(self._signed_in().user.sub, draft)
        except DraftInvalid as invalid:
            log_page_refusal("client_invalid", str(invalid))
            return self.form(draft, errors=invalid.faults)
        return self.page(self._reread(made.client), secret=made.client_secret, done="created")

    def edit(self, client: Client, draft: Draft) -> Response:
        """Return the way to the client's page, or the form again."""
        try:
            self._owned.edit(client, draft)
        except DraftInvalid as invalid:
            log_page_refusal("client_invalid", str(invalid))
            return self.form(draft, client=client, errors=invalid.faults)
        return see_other(_path(client))

    def page(
        self, client: Client, *, secret: str | None = None, done: str | None = None
    ) -> Response:
        """Return the page of *client*; *secret* is on it this one time."""
        now = self._clock()
        page = render_template(
            "sso/client.html",
            client=client,
            scopes=space_separated(client.scope),
            secrets=[s for s in client.secrets if s.expires_at is None or s.expires_at > now],
            secret=secret,
            done=done,
            refusals=self._refusals.of(client.client_id),
            issuer=self._issuer,
            here=_path(client),
        )
        return make_response(page)

    def rotate(self, client: Client) -> Response:
        """Return the page with a second secret beside the first."""
        if client.auth_method != "client_secret":
            raise Refused(NOT_FOUND, hint="the client has no secret to rotate")
        if away := self._must_confirm(client):
            return away
        secret = self._owned.rotate(client)
        return self.page(self._reread(client), secret=secret, done="rotated")

    def retire(self, client: Client) -> Response:
        """Return the way to the page after the older secrets ended."""
        if away := self._must_confirm(client):
            return away
        self._owned.retire(client)
        return see_other(_path(client))

    def delete(self, client: Client) -> Response:
        """Return the list without *client*."""
        if away := self._must_confirm(client):
            return away
        self._owned.delete(client)
        self._refusals.forget(client.client_id)
        return self.overview(deleted=client.name)

    def require(self, client_id: str) -> Client:
        """Return the client.

        Raises:
            Refused: 404, whether it does not exist or is somebody else's.
        """
        client = self._owned.find(self._signed_in().user.sub, client_id)
        if client is None:
            raise Refused(NOT_FOUND, hint="no client of this person has the id")
        return client

    def visitor_away(self) -> Response | None:
        """Return the way to the sign-in where nobody is signed in."""
        if self._browser.signed_in() is not None:
            return None
        return see_other(sign_in_address(request.path if request.method == "GET" else HOME))

    def _must_confirm(self, client: Client) -> Response | None:
        """Return the way to a new sign-in where the last is too long ago (ASVS 7.5.1)."""
        if self._freshness.is_recent(self._signed_in()):
            return None
        return see_other(sign_in_address(_path(client), again=True))

    def _reread(self, client: Client) -> Client:
        return self.require(client.client_id)

    def _signed_in(self) -> SignedIn:
        signed_in = self._browser.signed_in()
        if signed_in is None:
            raise Refused(SIGN_IN_REQUIRED, hint="no session")
        return signed_in


def create_blueprint(console: Console) -> Blueprint:
    """Return the routes of this room."""
    room = Blueprint("console", __name__)
    room.before_request(console.visitor_away)

    @room.get(HOME)
    def overview() -> Response:
        return console.overview()

    @room.get(f"{HOME}/new")
    def new() -> Response:
        return console.form(Draft(scopes=["openid", "profile", "email"]))

    @room.post(HOME)
    def create() -> Response:
        return console.create(_draft())

    @room.get(f"{HOME}/<client_id>")
    def page(client_id: str) -> Response:
        return console.page(console.require(client_id))

    @room.get(f"{HOME}/<client_id>/edit")
    def edit_form(client_id: str) -> Response:
        client = console.require(client_id)
        return console.form(Draft.of(client), client=client)

    @room.post(f"{HOME}/<client_id>/edit")
    def edit(client_id: str) -> Response:
        return console.edit(console.require(client_id), _draft())

    @room.post(f"{HOME}/<client_id>/secret")
    def rotate(client_id: str) -> Response:
        return console.rotate(console.require(client_id))

    @room.post(f"{HOME}/<client_id>/secret/retire")
    def retire(client_id: str) -> Response:
        return console.retire(console.require(client_id))

    @room.post(f"{HOME}/<client_id>/delete")
    def delete(client_id: str) -> Response:
        return console.delete(console.require(client_id))

    return room


def _draft() -> Draft:
    """Return what the form at hand says; members that it does not have cannot be set (S-109)."""
    form = request.form
    return Draft(
        name=form.get("name", "").strip(),
        redirect_uris=_lines(form.get("redirect_uris", "")),
        post_logout_redirect_uris=_lines(form.get("post_logout_redirect_uris", "")),
        backchannel_logout_uri=form.get("backchannel_logout_uri", "").strip(),
        frontchannel_logout_uri=form.get("frontchannel_logout_uri", "").strip(),
        scopes=list(dict.fromkeys(form.getlist("scope"))),
        public=form.get("kind") == "public",
        par_required="par_required" in form,
        dpop_required="dpop_required" in form,
    )


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _host(client: Client) -> str:
    return host_of(client.redirect_uris[0]) if client.redirect_uris else ""


def _path(client: Client) -> str:
    return f"{HOME}/{client.client_id}"
