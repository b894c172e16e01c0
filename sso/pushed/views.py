"""The route by which clients hand their requests in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, request

from httpkit.problems import Refused
from sso.accounts.browser import visitor
from sso.clients.registration import AUTH_NONE
from sso.errors import INVALID_DPOP_PROOF, INVALID_REQUEST, TEMPORARILY_UNAVAILABLE, OAuthError
from sso.parameters import from_body
from sso.proofs.dpop import HEADER, NONCE_HEADER
from sso.protocol_answers import protocol_answer, speak_protocol
from sso.throttle import Throttled

if TYPE_CHECKING:
    from sso.clients.authentication import ClientAuthentication
    from sso.proofs.dpop import Proofs
    from sso.requests.model import ReplyTo
    from sso.requests.pushed import PushedRequests
    from sso.requests.validation import RequestValidator
    from sso.settings import Settings
    from sso.storage.clients import Client
    from sso.throttle import Throttle

PATH: Final = "/oauth/par"
_PUSHES_PER_ADDRESS: Final = 1_000
_CREDENTIALS: Final = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@dataclass(frozen=True)
class Parts:
    """What a push goes through."""

    settings: Settings
    authentication: ClientAuthentication
    validator: RequestValidator
    requests: PushedRequests
    throttle: Throttle
    proofs: Proofs


class Pushing:
    """Takes requests in."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def push(self) -> Response:
        """Return the name of the request in the body (RFC 9126 §2.2).

        Raises:
            OAuthError: as at the token endpoint, or as the authorization endpoint would have it;
                nothing was kept.
        """
        parameters, ip = from_body(request), visitor().ip
        client = self._parts.authentication.require(
            request.headers.get("Authorization"), parameters, ip=ip
        )
        if "request_uri" in parameters:
            raise OAuthError(INVALID_REQUEST, "request_uri cannot be pushed")
        asked = {
            **{name: parameters[name] for name in parameters if name not in _CREDENTIALS},
            "client_id": client.client_id,
        }
        self._bind(asked)
        valid = self._parts.validator.require_valid(client, self._reply_to(client, asked), asked)
        self._count(client, ip)
        pushed = self._parts.requests.keep(valid)
        members = {"request_uri": pushed.request_uri, "expires_in": pushed.expires_in_s}
        response = protocol_answer(members, status=201)
        if HEADER in request.headers:
            response.headers[NONCE_HEADER] = self._parts.proofs.nonce()
        return response

    def _bind(self, asked: dict[str, str]) -> None:
        """Bind the code to the key whose proof comes along (RFC 9449 §10.1)."""
        if HEADER not in request.headers:
            return
        proof = request.headers[HEADER]
        jkt = self._parts.proofs.require(proof, method="POST", path=PATH)
        if asked.setdefault("dpop_jkt", jkt) != jkt:
            raise OAuthError(INVALID_DPOP_PROOF, "dpop_jkt is of another key than the proof")

    def _reply_to(self, client: Client, asked: dict[str, str]) -> ReplyTo:
        try:
            return self._parts.validator.require_reply_to(client, asked)
        except Refused as refused:
            raise OAuthError(INVALID_REQUEST, refused.hint or "redirect_uri is wrong") from refused

    def _count(self, client: Client, ip: str) -> None:
        """Let one address leave only so many requests of a client that proves nothing (S-117)."""
        if client.auth_method != AUTH_NONE:
            return
        window_s = self._parts.settings.throttles.window_s
        name = f"{client.client_id} {ip}"
        try:
            self._parts.throttle.take(
                "pushed request", name, limit=_PUSHES_PER_ADDRESS, window_s=window_s
            )
        except Throttled as throttled:
            raise OAuthError(
                TEMPORARILY_UNAVAILABLE,
                "too many requests were pushed from here",
                status=429,
                headers={"Retry-After": str(throttled.retry_after_s)},
            ) from throttled


def create_blueprint(pushing: Pushing) -> Blueprint:
    """Return the route of this room."""
    room = Blueprint("pushed", __name__)
    room.post(PATH, endpoint="push")(pushing.push)
    return speak_protocol(room)
