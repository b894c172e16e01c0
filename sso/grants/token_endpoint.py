"""The token family of endpoints: form or JSON, parsed once, under the same rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from sso.clients.authentication import CHALLENGE
from sso.clients.limits import audience_for, scopes_for
from sso.clients.registration import AUTH_NONE, DEVICE_CODE, TOKEN_EXCHANGE
from sso.errors import (
    INVALID_CLIENT,
    INVALID_DPOP_PROOF,
    INVALID_REQUEST,
    INVALID_SCOPE,
    UNAUTHORIZED_CLIENT,
    UNSUPPORTED_GRANT_TYPE,
    OAuthError,
)
from sso.grants.exchange import ACCESS_TOKEN
from sso.parameters import from_body, space_separated
from sso.proofs.dpop import HEADER, NONCE_HEADER
from sso.protocol_answers import protocol_answer, speak_protocol
from sso.tokens.claims import OF_PEOPLE, OPENID, name_claims, person_claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso.clients.authentication import ClientAuthentication
    from sso.grants.codes import Codes, Redeemed
    from sso.grants.device_codes import DeviceCodes
    from sso.grants.exchange import TokenExchange
    from sso.grants.introspection import Introspection
    from sso.grants.refresh_tokens import RefreshTokens
    from sso.grants.revocation import Revocation
    from sso.parameters import Parameters
    from sso.proofs.dpop import Proofs
    from sso.storage.clients import Client
    from sso.storage.grants import Grant
    from sso.storage.people import User
    from sso.tokens.access import AccessTokens, Issued
    from sso.tokens.id_tokens import IdTokens


@dataclass(frozen=True)
class TokenParts:
    """What tokens are made of."""

    codes: Codes
    device_codes: DeviceCodes
    refresh_tokens: RefreshTokens
    access_tokens: AccessTokens
    id_tokens: IdTokens
    exchange: TokenExchange


@dataclass(frozen=True)
class Call:
    """Who asks for tokens, with what, and by which key; ``jkt`` is its thumbprint."""

    client: Client
    parameters: Parameters
    jkt: str | None = None


class TokenEndpoint:
    """Exchanges grants for tokens; each grant type is one method of the table."""

    def __init__(self, parts: TokenParts, *, default_audience: str) -> None:
        self._codes = parts.codes
        self._device_codes = parts.device_codes
        self._refresh_tokens = parts.refresh_tokens
        self._access_tokens = parts.access_tokens
        self._id_tokens = parts.id_tokens
        self._exchange = parts.exchange
        self._default_audience = default_audience
        self._grants: dict[str, Callable[[Call], dict[str, Any]]] = {
            "authorization_code": self._authorization_code,
            "refresh_token": self._refresh_token,
            "client_credentials": self._client_credentials,
            DEVICE_CODE: self._device_code,
            TOKEN_EXCHANGE: self._token_exchange,
        }

    @property
    def grant_types(self) -> list[str]:
        """The grant types that are served."""
        return list(self._grants)

    def answer(self, call: Call) -> dict[str, Any]:
        """Return the token response (RFC 6749 §5.1).

        Raises:
            OAuthError: as RFC 6749 §5.2 names it.
        """
        grant_type = required(call.parameters, "grant_type")
        grant = self._grants.get(grant_type)
        if grant is None:
            raise OAuthError(UNSUPPORTED_GRANT_TYPE, "this grant type is not served here")
        if grant_type not in call.client.grant_types:
            raise OAuthError(UNAUTHORIZED_CLIENT, "the client may not use this grant type")
        if call.client.dpop_required and call.jkt is None:
            raise OAuthError(INVALID_DPOP_PROOF, "the client has to prove possession of a key")
        return grant(call)

    def _authorization_code(self, call: Call) -> dict[str, Any]:
        parameters = call.parameters
        redeemed = self._codes.redeem(
            call.client,
            code=required(parameters, "code"),
            redirect_uri=parameters.get("redirect_uri"),
            verifier=parameters.get("code_verifier"),
            resource=parameters.get("resource"),
            jkt=call.jkt,
        )
        return self._redeemed(call, redeemed)

    def _device_code(self, call: Call) -> dict[str, Any]:
        device_code = required(call.parameters, "device_code")
        redeemed = self._device_codes.redeem(call.client, device_code, jkt=call.jkt)
        return self._redeemed(call, redeemed)

    def _redeemed(self, call: Call, redeemed: Redeemed) -> dict[str, Any]:
        scopes = space_separated(redeemed.grant.scope)
        response = self._tokens(
            call, redeemed.grant, redeemed.user, scopes=scopes, nonce=redeemed.nonce
        )
        if redeemed.refresh_token is not None:
            response["refresh_token"] = redeemed.refresh_token
        return response

    def _refresh_token(self, call: Call) -> dict[str, Any]:
        narrowed = space_separated(call.parameters.get("scope", ""))
        rotated = self._refresh_tokens.rotate(
            call.client,
            required(call.parameters, "refresh_token"),
            scopes=narrowed,
            resource=call.parameters.get("resource"),
            jkt=call.jkt,
        )
        scopes = narrowed or space_separated(rotated.grant.scope)
        response = self._tokens(call, rotated.grant, rotated.user, scopes=scopes, nonce=None)
        response["refresh_token"] = rotated.refresh_token
        return response

    def _client_credentials(self, call: Call) -> dict[str, Any]:
        """Return a token of the client's own; there is no person and nothing to refresh."""
        client, parameters = call.client, call.parameters
        if client.auth_method == AUTH_NONE:
            raise OAuthError(UNAUTHORIZED_CLIENT, "a public client cannot act for itself")
        asked = parameters.get("scope")
        if asked is None:
            scopes = [s for s in space_separated(client.scope) if s not in OF_PEOPLE]
        else:
            scopes = scopes_for(client, asked)
        if OF_PEOPLE & set(scopes):
            raise OAuthError(INVALID_SCOPE, "these scopes are about a person")
        audience = audience_for(client, parameters.get("resource"), default=self._default_audience)
        issued = self._access_tokens.issue(
            client,
            required(parameters, "grant_type"),
            sub=client.client_id,
            audience=audience,
            scopes=scopes,
            grant_id=None,
            extra=_bound_to(call.jkt),
        )
        return _answer(issued, scopes, call.jkt)

    def _token_exchange(self, call: Call) -> dict[str, Any]:
        issued, scopes = self._exchange.exchange(
            call.client, call.parameters, bound_to=_bound_to(call.jkt)
        )
        return {**_answer(issued, scopes, call.jkt), "issued_token_type": ACCESS_TOKEN}

    def _tokens(
        self, call: Call, grant: Grant, user: User, *, scopes: list[str], nonce: str | None
    ) -> dict[str, Any]:
        issued = self._access_tokens.issue(
            call.client,
            required(call.parameters, "grant_type"),
            sub=grant.sub,
            audience=grant.audience,
            scopes=scopes,
            grant_id=grant.id,
            extra={
                "auth_time": int(grant.auth_time.timestamp()),
                "acr": grant.acr,
                "amr": list(grant.amr),
                **name_claims(user, scopes),
                **_bound_to(call.jkt),
            },
        )
        response = _answer(issued, scopes, call.jkt)
        if OPENID in scopes:
            response["id_token"] = self._id_tokens.issue(
                grant,
                access_token=issued.value,
                nonce=nonce,
                algorithm=call.client.id_token_alg,
                person=person_claims(user, scopes, (grant.claims or {}).get("id_token", ())),
            )
        return response


def _bound_to(jkt: str | None) -> dict[str, Any]:
    return {"cnf": {"jkt": jkt}} if jkt else {}


def _answer(issued: Issued, scopes: list[str], jkt: str | None) -> dict[str, Any]:
    return {
        "access_token": issued.value,
        "token_type": "DPoP" if jkt else "Bearer",
        "expires_in": issued.expires_in_s,
        "scope": " ".join(scopes),
    }


def required(parameters: Parameters, name: str) -> str:
    """Return the parameter.

    Raises:
        OAuthError: ``invalid_request`` where it is missing or empty.
    """
    if (value := parameters.get(name)) is None:
        raise OAuthError(INVALID_REQUEST, f"{name} is missing")
    return value


def create_blueprint(
    tokens: TokenEndpoint,
    revocation: Revocation,
    introspection: Introspection,
    authentication: ClientAuthentication,
    proofs: Proofs,
) -> Blueprint:
    """Return the routes of this room."""
    room = Blueprint("grants", __name__)

    def caller(parameters: Parameters) -> Client:
        return authentication.require(
            request.headers.get("Authorization"), parameters, ip=request.remote_addr or ""
        )

    @room.post("/oauth/token")
    def token() -> Response:
        parameters = from_body(request)
        client = caller(parameters)
        proof = request.headers.get(HEADER)
        if proof is None:
            return protocol_answer(tokens.answer(Call(client, parameters)))
        # Before the grant: a proof that is refused spends nothing.
        jkt = proofs.require(proof, method=request.method, path=request.path)
        response = protocol_answer(tokens.answer(Call(client, parameters, jkt)))
        response.headers[NONCE_HEADER] = proofs.nonce()
        return response

    @room.post("/oauth/revoke")
    def revoke() -> Response:
        parameters = from_body(request)
        client = caller(parameters)
        revocation.revoke(client, required(parameters, "token"))
        # 200 for an unknown token too: the client's wish is fulfilled either way (RFC 7009 §2.2).
        return protocol_answer({})

    @room.post("/oauth/introspect")
    def introspect() -> Response:
        parameters = from_body(request)
        client = caller(parameters)
        if client.auth_method == AUTH_NONE:
            raise OAuthError(
                INVALID_CLIENT, "a public client cannot introspect", status=401, headers=CHALLENGE
            )
        return protocol_answer(introspection.answer(client, required(parameters, "token")))

    return speak_protocol(room)
