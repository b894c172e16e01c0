"""The routes of registration and of its management."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, request
from sqlalchemy import delete

from sso.accounts.browser import visitor
from sso.clients.initial_tokens import TokenSpent, named
from sso.clients.metadata import read_metadata, shown_metadata
from sso.clients.registration import auth_method_of
from sso.errors import INVALID_CLIENT_METADATA, INVALID_REQUEST, INVALID_TOKEN, OAuthError
from sso.protocol_answers import NO_STORE, protocol_answer, speak_protocol
from sso.storage.audit import act_as, record
from sso.storage.clients import Client
from sso.storage.digests import digest, new_secret
from sso.throttle import Throttled

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sso.clients.initial_tokens import InitialTokens
    from sso.clients.registry import Clients
    from sso.clock import Clock
    from sso.settings import Settings
    from sso.storage.engine import Storage
    from sso.throttle import Throttle

PATH: Final = "/oauth/register"
_SCHEME: Final = "bearer "
_OURS: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


@dataclass(frozen=True)
class Parts:
    """What registration acts through."""

    settings: Settings
    storage: Storage
    clients: Clients
    tokens: InitialTokens
    throttle: Throttle
    clock: Clock


class Registration:
    """Registers, shows, changes and removes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def register(self) -> Response:
        """Return the client just made, with its secret and its management token, once."""
        token = _bearer()
        if not self._parts.tokens.is_good(token):
            raise self._unauthorized("the initial access token is not valid")
        act_as(f"registration:{named(token)}")
        metadata = read_metadata(_document(), scopes=self._parts.settings.scopes)
        management = new_secret()

        def together(session: Session, client: Client) -> None:
            # With the client itself: without the token it would pass for an operator's own.
            self._parts.tokens.spend(session, token)
            client.registration_token_digest = digest(management)

        try:
            made = self._parts.clients.create(metadata.new, also=together)
        except TokenSpent:
            raise self._unauthorized("the initial access token was spent meanwhile") from None
        answer = {
            **shown_metadata(made.client),
            "token_endpoint_auth_method": metadata.auth_method,
            "registration_access_token": management,
            "registration_client_uri": self._address(made.client.client_id),
        }
        if made.client_secret is not None:
            answer |= {"client_secret": made.client_secret, "client_secret_expires_at": 0}
        return protocol_answer(answer, status=201)

    def show(self, client_id: str) -> Response:
        """Return what is registered; a secret is not told again."""
        client = self._require(client_id)
        return protocol_answer(self._shown(client))

    def change(self, client_id: str) -> Response:
        """Return the client as the body says from now on (RFC 7592 §2.2)."""
        client = self._require(client_id)
        document = _document()
        if document.get("client_id") != client.client_id or any(name in document for name in _OURS):
            raise OAuthError(INVALID_REQUEST, "client_id must be there and what we issue must not")
        self._require_own_secret(client, document)
        metadata = read_metadata(document, scopes=self._parts.settings.scopes)
        if auth_method_of(metadata.new) != client.auth_method:
            raise OAuthError(INVALID_CLIENT_METADATA, "the authentication method cannot change")
        new = metadata.new

        def work(session: Session) -> Client:
            row = session.get_one(Client, client.client_id)
            row.name = new.name
            row.redirect_uris = list(new.redirect_uris)
            row.post_logout_redirect_uris = list(new.post_logout_redirect_uris)
            row.backchannel_logout_uri = new.backchannel_logout_uri
            row.frontchannel_logout_uri = new.frontchannel_logout_uri
            row.grant_types = list(new.grant_types)
            row.id_token_alg = new.id_token_alg
            row.par_required, row.dpop_required = new.par_required, new.dpop_required
            row.scope = new.scope
            row.jwks = dict(new.jwks) if new.jwks else None
            record(session, self._parts.clock(), "client.changed", f"client:{row.client_id}")
            return row

        return protocol_answer(self._shown(self._parts.storage.write(work)))

    def remove(self, client_id: str) -> Response:
        """Take the client away with all it was granted."""
        client = self._require(client_id)

        def work(session: Session) -> None:
            session.execute(delete(Client).where(Client.client_id == client.client_id))
            name = f"client:{client.client_id}"
            record(session, self._parts.clock(), "client.deleted", name, name=client.name)

        self._parts.storage.write(work)
        return Response(status=204, headers=NO_STORE)

    def _require(self, client_id: str) -> Client:
        """Return the client; unknown ones and wrong tokens are one answer."""
        client = self._parts.clients.find(client_id)
        kept = (client.registration_token_digest if client else None) or digest(new_secret())
        proven = hmac.compare_digest(kept, digest(_bearer()))
        if client is None or not proven:
            raise self._unauthorized("the registration access token is not valid")
        act_as(f"client:{client.client_id}")
        return client

    def _require_own_secret(self, client: Client, document: dict[str, Any]) -> None:
        secret = document.get("client_secret")
        if secret is None:
            return
        known = {each.digest for each in client.secrets}
        if not isinstance(secret, str) or not secret.isascii() or digest(secret) not in known:
            raise OAuthError(INVALID_REQUEST, "client_secret is ours to issue")

    def _unauthorized(self, description: str) -> OAuthError:
        limits = self._parts.settings.throttles
        status, headers = 401, {"WWW-Authenticate": f'Bearer error="{INVALID_TOKEN}"'}
        try:
            self._parts.throttle.take(
                "registration",
                visitor().ip,
                limit=limits.wrong_secrets_per_client,
                window_s=limits.window_s,
            )
        except Throttled as throttled:
            status, headers = 429, {"Retry-After": str(throttled.retry_after_s)}
        return OAuthError(INVALID_TOKEN, description, status=status, headers=headers)

    def _shown(self, client: Client) -> dict[str, Any]:
        address = {"registration_client_uri": self._address(client.client_id)}
        return {**shown_metadata(client), **address}

    def _address(self, client_id: str) -> str:
        return f"{self._parts.settings.origin}{PATH}/{client_id}"


def create_blueprint(registration: Registration) -> Blueprint:
    """Return the routes of this room."""
    room = Blueprint("registration", __name__)
    room.post(PATH, endpoint="register")(registration.register)
    one = f"{PATH}/<client_id>"
    room.get(one, endpoint="show")(registration.show)
    room.put(one, endpoint="change")(registration.change)
    room.delete(one, endpoint="remove")(registration.remove)
    return speak_protocol(room)


def _bearer() -> str:
    header = request.headers.get("Authorization", "")
    return header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else ""


def _document() -> dict[str, Any]:
    """Return the JSON object of the body; a member that stands there twice is refused."""
    if request.query_string or request.mimetype != "application/json":
        raise OAuthError(INVALID_REQUEST, "the body must be application/json, and all there is")
    try:
        document = json.loads(request.get_data(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise OAuthError(INVALID_REQUEST, "the body is not JSON") from error
    if not isinstance(document, dict):
        raise OAuthError(INVALID_REQUEST, "the body must be a JSON object")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members
