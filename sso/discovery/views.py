"""The metadata documents and the key set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, jsonify

from sso.accounts.assurance import ACR_VALUES
from sso.clients.assertions import ALGORITHMS
from sso.clients.authentication import METHODS
from sso.clients.limits import RESPONSE_MODES
from sso.clients.registration import AUTH_NONE
from sso.keys.pairs import ALGORITHMS as SIGNING_ALGORITHMS
from sso.requests.validation import PROMPTS
from sso.tokens.claims import SUPPORTED_CLAIMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sso.keys.signing import SigningKeys

_MAX_AGE_S = 300
_OPENID = "/.well-known/openid-configuration"
_OAUTH = "/.well-known/oauth-authorization-server"
# Metadata member: the endpoint that must be mounted for it to be said.
_ENDPOINTS = {
    "authorization_endpoint": "authorize.authorize",
    "token_endpoint": "grants.token",
    "userinfo_endpoint": "userinfo.answer",
    "jwks_uri": "discovery.jwks",
    "revocation_endpoint": "grants.revoke",
    "introspection_endpoint": "grants.introspect",
    "end_session_endpoint": "logout.end_session",
    "pushed_authorization_request_endpoint": "pushed.push",
    "registration_endpoint": "registration.register",
    "device_authorization_endpoint": "device.begin",
}
_AUTHENTICATED = ("token", "revocation", "introspection")


class Metadata:
    """Derives the document of RFC 8414 and OIDC Discovery from what is there."""

    def __init__(
        self, *, issuer: str, origin: str, scopes: Sequence[str], grant_types: Sequence[str]
    ) -> None:
        """Speak for *issuer*, whose endpoints are at *origin*."""
        self._issuer = issuer
        self._origin = origin
        self._scopes = list(scopes)
        self._grant_types = list(grant_types)

    def addresses(self) -> list[str]:
        """Return the paths at which clients look for the document of this issuer.

        A path of the issuer's is put behind the well-known part (RFC 8414 §3.1), and for OpenID
        clients before it, too (Discovery §4.1). What has no path answers for itself alone.
        """
        path = self._issuer.removeprefix(self._origin)
        return list(
            dict.fromkeys(
                [f"{_OPENID}{path}", f"{_OAUTH}{path}", f"{path}{_OPENID}"],
            )
        )

    def document(self) -> dict[str, Any]:
        """Return the document."""
        document: dict[str, Any] = {
            "issuer": self._issuer,
            "scopes_supported": self._scopes,
            "response_types_supported": ["code"],
            "response_modes_supported": list(RESPONSE_MODES),
            "grant_types_supported": self._grant_types,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
            "dpop_signing_alg_values_supported": list(ALGORITHMS),
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": list(SUPPORTED_CLAIMS),
            "claim_types_supported": ["normal"],
            "prompt_values_supported": list(PROMPTS),
            "acr_values_supported": list(ACR_VALUES),
            "ui_locales_supported": ["en", "zh-Hans"],
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "frontchannel_logout_supported": True,
            "frontchannel_logout_session_supported": True,
            "claims_parameter_supported": True,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
            "require_pushed_authorization_requests": False,
        }
        rules = {rule.endpoint: rule.rule for rule in current_app.url_map.iter_rules()}
        for member, endpoint in _ENDPOINTS.items():
            if endpoint in rules:
                document[member] = f"{self._origin}{rules[endpoint]}"
        for name in _AUTHENTICATED:
            if f"{name}_endpoint" in document:
                methods = [m for m in METHODS if name != "introspection" or m != AUTH_NONE]
                document[f"{name}_endpoint_auth_methods_supported"] = methods
                document[f"{name}_endpoint_auth_signing_alg_values_supported"] = list(ALGORITHMS)
        return document


def create_blueprint(metadata: Metadata, keys: SigningKeys) -> Blueprint:
    """Return the routes of this room."""
    room = Blueprint("discovery", __name__)

    def document() -> Response:
        return _cached(jsonify(metadata.document()))

    for address in metadata.addresses():
        room.add_url_rule(address, view_func=document)

    @room.get("/oauth/jwks")
    def jwks() -> Response:
        response = _cached(jsonify(keys.published()))
        response.mimetype = "application/jwk-set+json"
        return response

    return room


def _cached(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={_MAX_AGE_S}"
    # Public documents: other origins' applications read them too (A-14).
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
