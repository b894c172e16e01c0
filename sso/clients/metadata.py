"""What a program says of itself when it registers, read strictly; nothing it names is fetched.

Spec: RFC 7591 §2; A-50; S-100.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sso.clients.redirect_uris import registration_fault
from sso.clients.registration import (
    AUTH_KEY,
    AUTH_NONE,
    AUTHORIZATION_CODE,
    DEVICE_CODE,
    REFRESH_TOKEN,
    NewClient,
    registration_faults,
)
from sso.errors import INVALID_CLIENT_METADATA, INVALID_REDIRECT_URI, OAuthError
from sso.keys.pairs import ALGORITHMS as SIGNING_ALGORITHMS
from sso.parameters import space_separated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sso.storage.clients import Client

SECRET_BASIC: Final = "client_secret_basic"
SECRET_POST: Final = "client_secret_post"
_METHODS: Final = (SECRET_BASIC, SECRET_POST, AUTH_KEY, AUTH_NONE)
# Nobody looked at the program: it may act for people who agree, never of its own right.
_GRANT_TYPES: Final = (AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE)
# Each would have us ask an address of a stranger's choice (S-100).
_FETCHED: Final = ("jwks_uri", "sector_identifier_uri", "request_uris", "software_statement")
_SHOWN: Final = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
_SIDS: Final = ("backchannel_logout_session_required", "frontchannel_logout_session_required")
_MAX_LIST: Final = 20


@dataclass(frozen=True)
class Metadata:
    """A registration that can be."""

    new: NewClient
    auth_method: str


def read_metadata(document: Mapping[str, Any], *, scopes: Sequence[str]) -> Metadata:
    """Return what *document* registers; *scopes* are all that there are.

    Raises:
        OAuthError: ``invalid_redirect_uri`` or ``invalid_client_metadata``.
    """
    _require_harmless(document)
    method = _text(document, "token_endpoint_auth_method") or SECRET_BASIC
    if method not in _METHODS:
        raise _invalid("token_endpoint_auth_method is not supported")
    if _list(document, "response_types", ["code"]) != ["code"]:
        raise _invalid("response_types must be code alone")
    grant_types = _list(document, "grant_types", [AUTHORIZATION_CODE])
    if not grant_types or not set(grant_types) <= set(_GRANT_TYPES):
        raise _invalid("grant_types names one that cannot be registered")
    scope = _text(document, "scope") or " ".join(scopes)
    if not set(space_separated(scope)) <= set(scopes):
        raise _invalid("scope names one that does not exist")
    new = NewClient(
        name=_text(document, "client_name") or "Unnamed application",
        redirect_uris=_uris(document, "redirect_uris"),
        post_logout_redirect_uris=_list(document, "post_logout_redirect_uris", []),
        backchannel_logout_uri=_text(document, "backchannel_logout_uri"),
        frontchannel_logout_uri=_text(document, "frontchannel_logout_uri"),
        public=method == AUTH_NONE,
        scope=scope,
        grant_types=grant_types,
        jwks=_keys(document, method),
        id_token_alg=_text(document, "id_token_signed_response_alg"),
        par_required=_flag(document, "require_pushed_authorization_requests"),
        dpop_required=_flag(document, "dpop_bound_access_tokens"),
    )
    if faults := registration_faults(new):
        raise _invalid(faults[0])
    return Metadata(new, method)


def _require_harmless(document: Mapping[str, Any]) -> None:
    """Pass where what is not kept could do no harm."""
    for name in _FETCHED:
        if name in document:
            raise _invalid(f"{name} is not supported: nothing is fetched")
    for name in _SHOWN:
        _require_public(name, _text(document, name))
    for name in _SIDS:  # told always, asked for or not
        _flag(document, name)


def shown_metadata(client: Client) -> dict[str, Any]:
    """Return what is registered of *client* (RFC 7591 §3.2.1); never a secret."""
    methods = {"client_secret": SECRET_BASIC}
    shown: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "grant_types": client.grant_types,
        "response_types": ["code"],
        "token_endpoint_auth_method": methods.get(client.auth_method, client.auth_method),
        "scope": client.scope,
        "id_token_signed_response_alg": client.id_token_alg or SIGNING_ALGORITHMS[0],
        "require_pushed_authorization_requests": client.par_required,
        "dpop_bound_access_tokens": client.dpop_required,
    }
    if client.backchannel_logout_uri:
        shown["backchannel_logout_uri"] = client.backchannel_logout_uri
        shown["backchannel_logout_session_required"] = True
    if client.frontchannel_logout_uri:
        shown["frontchannel_logout_uri"] = client.frontchannel_logout_uri
        shown["frontchannel_logout_session_required"] = True
    if client.jwks:
        shown["jwks"] = client.jwks
    return shown


def _keys(document: Mapping[str, Any], method: str) -> dict[str, Any] | None:
    keys = document.get("jwks")
    if (keys is not None) != (method == AUTH_KEY):
        raise _invalid("jwks belongs to private_key_jwt, and private_key_jwt needs it")
    if keys is not None and not isinstance(keys, dict):
        raise _invalid("jwks must be a key set")
    return keys


def _uris(document: Mapping[str, Any], name: str) -> list[str]:
    uris = _list(document, name, [])
    for uri in uris:
        if fault := registration_fault(uri):
            raise OAuthError(INVALID_REDIRECT_URI, f"{name}: {fault}")
    return uris


def _require_public(name: str, uri: str | None) -> None:
    """Pass for an address that anybody may be shown; it is not kept, and never asked for."""
    if uri is None:
        return
    host = "" if registration_fault(uri) else urlsplit(uri).hostname or ""
    try:
        numbers = bool(ipaddress.ip_address(host))
    except ValueError:
        numbers = False
    if not uri.startswith("https://") or numbers or "." not in host:
        raise _invalid(f"{name} must be a public https address")


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise _invalid(f"{name} must be a string")
    return value or None


def _flag(document: Mapping[str, Any], name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise _invalid(f"{name} must be true or false")
    return value


def _list(document: Mapping[str, Any], name: str, default: list[str]) -> list[str]:
    value = document.get(name, default)
    if not isinstance(value, list) or len(value) > _MAX_LIST:
        raise _invalid(f"{name} must be a list of at most {_MAX_LIST}")
    if not all(isinstance(each, str) for each in value):
        raise _invalid(f"{name} must be a list of strings")
    return list(dict.fromkeys(value))


def _invalid(description: str) -> OAuthError:
    return OAuthError(INVALID_CLIENT_METADATA, description)
