"""From parameters to a request, in the order in which errors may leave the house.

First who asks and where the answer goes: until both are sure, faults end on a page of our own.

Spec: OAuth 2.1 §4.1.2.1; A-05, A-09, A-40 to A-44; S-015 to S-019.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from httpkit.problems import Refused
from sso.clients import redirect_uris
from sso.clients.limits import audience_for, response_mode_for, scopes_for
from sso.clients.registration import AUTHORIZATION_CODE
from sso.errors import (
    INVALID_REQUEST,
    INVALID_SCOPE,
    LOGIN_REQUIRED,
    REGISTRATION_NOT_SUPPORTED,
    REQUEST_NOT_SUPPORTED,
    REQUEST_URI_NOT_SUPPORTED,
    UNAUTHORIZED_CLIENT,
    UNSUPPORTED_RESPONSE_TYPE,
    OAuthError,
)
from sso.parameters import space_separated
from sso.problems import CLIENT_UNKNOWN, REDIRECT_URI_INVALID
from sso.requests.claims_parameter import read_claims
from sso.requests.model import AuthorizationRequest, ReplyTo
from sso.tokens.claims import OPENID

if TYPE_CHECKING:
    from sso.clients.registry import Clients
    from sso.clock import Clock
    from sso.parameters import Parameters
    from sso.storage.clients import Client
    from sso.tokens.id_tokens import IdTokens

PROMPTS: Final = ("none", "login", "consent", "select_account")
_SHA256 = re.compile(r"[A-Za-z0-9_-]{43}")
_DIGITS = re.compile(r"[0-9]{1,9}")
_MAX_STATE = 2_048
_MAX_NONCE = 512
_MAX_HINT = 254
_UNSUPPORTED: Final = {
    "request": REQUEST_NOT_SUPPORTED,
    "request_uri": REQUEST_URI_NOT_SUPPORTED,
    "registration": REGISTRATION_NOT_SUPPORTED,
}


class RequestValidator:
    """Judges authorization requests."""

    def __init__(
        self, clients: Clients, id_tokens: IdTokens, clock: Clock, *, default_audience: str
    ) -> None:
        self._clients = clients
        self._id_tokens = id_tokens
        self._clock = clock
        self._default_audience = default_audience

    def require_known(self, parameters: Parameters) -> Client:
        """Return who asks.

        Raises:
            Refused: as `require_client`.
        """
        client_id = parameters.get("client_id", "")
        structlog.contextvars.bind_contextvars(client=client_id[:64])
        client = self._clients.find(client_id)
        if client is None:
            raise Refused(CLIENT_UNKNOWN, hint="no such client")
        return client

    def require_client(self, parameters: Parameters) -> tuple[Client, ReplyTo]:
        """Return who asks and where the answer goes.

        Raises:
            Refused: shown on a page of ours; never sent to an address that nobody registered.
        """
        client = self.require_known(parameters)
        return client, self.require_reply_to(client, parameters)

    def require_reply_to(self, client: Client, parameters: Parameters) -> ReplyTo:
        """Return where the answer to *client* goes.

        Raises:
            Refused: as `require_client`.
        """
        redirect_uri = parameters.get("redirect_uri", "")
        if not redirect_uris.matches(client.redirect_uris, redirect_uri):
            raise Refused(REDIRECT_URI_INVALID, hint="redirect_uri is missing or not registered")
        state = parameters.get("state")
        if state is not None and len(state) > _MAX_STATE:
            # Not sent back cut: the client could not tell whose answer it is.
            raise Refused(REDIRECT_URI_INVALID, hint="state is too long")
        return ReplyTo(redirect_uri, state)

    def require_valid(
        self, client: Client, reply_to: ReplyTo, parameters: Parameters
    ) -> AuthorizationRequest:
        """Return the request.

        Raises:
            OAuthError: for the client, at *reply_to*.
        """
        for name, error in _UNSUPPORTED.items():
            if name in parameters:
                raise OAuthError(error, f"{name} is not supported")
        if parameters.get("response_type", "code") != "code":
            raise OAuthError(UNSUPPORTED_RESPONSE_TYPE, "response_type must be code")
        if "response_type" not in parameters:
            raise OAuthError(INVALID_REQUEST, "response_type is missing")
        if AUTHORIZATION_CODE not in client.grant_types:
            raise OAuthError(UNAUTHORIZED_CLIENT, "the client may not use authorization codes")
        mode = response_mode_for(client, parameters.get("response_mode"))
        scopes = _scopes(client, parameters)
        claims = read_claims(parameters.get("claims") if OPENID in scopes else None, client)
        return AuthorizationRequest(
            client_id=client.client_id,
            reply_to=msgspec.structs.replace(reply_to, response_mode=mode),
            scopes=scopes,
            audience=audience_for(
                client, parameters.get("resource"), default=self._default_audience
            ),
            started_at=self._clock().timestamp(),
            code_challenge=_code_challenge(client, parameters),
            nonce=_text(parameters, "nonce", _MAX_NONCE),
            prompt=_prompt(parameters),
            max_age_s=_max_age(parameters),
            login_hint=parameters.get("login_hint", "")[:_MAX_HINT] or None,
            hinted_sub=self._hinted_sub(client, parameters, claims.sub),
            dpop_jkt=_thumbprint(parameters),
            acr_values=[
                *space_separated(parameters.get("acr_values", ""))[:10],
                *claims.wished_acrs[:10],
            ],
            needed_acrs=claims.needed_acrs[:10],
            id_token_claims=claims.id_token,
            userinfo_claims=claims.userinfo,
        )

    def require_still_allowed(self, client: Client, asked: AuthorizationRequest) -> None:
        """Return when *client* may still have what was judged before.

        Raises:
            OAuthError: for the client: an operator took it away meanwhile.
        """
        scopes_for(client, " ".join(asked.scopes))
        audience_for(client, asked.audience, default=self._default_audience)

    def _hinted_sub(self, client: Client, parameters: Parameters, named: str | None) -> str | None:
        value = parameters.get("id_token_hint")
        if value is None:
            return named
        hint = self._id_tokens.read_hint(value)
        if hint is None or hint.client_id != client.client_id:
            raise OAuthError(LOGIN_REQUIRED, "id_token_hint is not one that this client was given")
        if named not in {None, hint.sub}:
            raise OAuthError(LOGIN_REQUIRED, "id_token_hint and claims name two persons")
        return hint.sub


def _scopes(client: Client, parameters: Parameters) -> list[str]:
    scopes = scopes_for(client, parameters.get("scope", ""))
    if not scopes:
        raise OAuthError(INVALID_SCOPE, "scope is missing")
    return scopes


def _code_challenge(client: Client, parameters: Parameters) -> str | None:
    """Return the S256 challenge; refused here, at the front, where it is missing (A-09)."""
    challenge = parameters.get("code_challenge")
    if challenge is None:
        exempt = not client.pkce_required and client.auth_method != "none"
        nonce_instead = "nonce" in parameters and OPENID in parameters.get("scope", "").split(" ")
        if exempt and nonce_instead and "code_challenge_method" not in parameters:
            return None
        raise OAuthError(INVALID_REQUEST, "code_challenge is missing: PKCE with S256 is required")
    if parameters.get("code_challenge_method") != "S256":
        raise OAuthError(INVALID_REQUEST, "code_challenge_method must be S256")
    if not _SHA256.fullmatch(challenge):
        raise OAuthError(INVALID_REQUEST, "code_challenge must be 43 base64url characters")
    return challenge


def _thumbprint(parameters: Parameters) -> str | None:
    value = parameters.get("dpop_jkt")
    if value is not None and not _SHA256.fullmatch(value):
        raise OAuthError(INVALID_REQUEST, "dpop_jkt must be 43 base64url characters")
    return value


def _prompt(parameters: Parameters) -> list[str]:
    prompt = space_separated(parameters.get("prompt", ""))
    if "none" in prompt and len(prompt) > 1:
        raise OAuthError(INVALID_REQUEST, "prompt none cannot be combined")
    if not set(prompt) <= set(PROMPTS):
        raise OAuthError(INVALID_REQUEST, "prompt is not supported")
    return prompt


def _max_age(parameters: Parameters) -> int | None:
    value = parameters.get("max_age")
    if value is None:
        return None
    if not _DIGITS.fullmatch(value):
        raise OAuthError(INVALID_REQUEST, "max_age must be whole seconds")
    return int(value)


def _text(parameters: Parameters, name: str, longest: int) -> str | None:
    value = parameters.get(name)
    if value is not None and len(value) > longest:
        raise OAuthError(INVALID_REQUEST, f"{name} is too long")
    return value
