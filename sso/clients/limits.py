"""What one client may have, where the server would allow more.

Spec: RFC 8707 §2; A-15, A-30, A-45; ASVS 10.4.4, 10.4.11, 10.4.12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sso.errors import INVALID_REQUEST, INVALID_SCOPE, INVALID_TARGET, OAuthError
from sso.parameters import space_separated

if TYPE_CHECKING:
    from sso.storage.clients import Client

RESPONSE_MODES: Final = ("query", "form_post")


def allowed_scopes(client: Client) -> frozenset[str]:
    """Return the scopes that *client* may ask for."""
    return frozenset(space_separated(client.scope))


def scopes_for(client: Client, asked: str) -> list[str]:
    """Return the scopes that *asked* names.

    Raises:
        OAuthError: ``invalid_scope`` for one that does not exist or is not for this client.
    """
    scopes = space_separated(asked)
    if not set(scopes) <= allowed_scopes(client):
        raise OAuthError(INVALID_SCOPE, "scope names what does not exist or is not for the client")
    return scopes


def audience_for(client: Client, resource: str | None, *, default: str) -> str:
    """Return the one audience of a token for *client*.

    Raises:
        OAuthError: ``invalid_target`` where *resource* is not one that the client may use.
    """
    allowed = client.audiences or [default]
    if resource is None:
        return allowed[0]
    if resource not in allowed:
        raise OAuthError(INVALID_TARGET, "resource is not one that the client may use")
    return resource


def response_mode_for(client: Client, asked: str | None) -> str:
    """Return the response mode; nothing but query and form_post can be asked for (S-019).

    Raises:
        OAuthError: ``invalid_request``.
    """
    mode = asked or "query"
    if mode not in (client.response_modes or RESPONSE_MODES):
        raise OAuthError(INVALID_REQUEST, "response_mode is not supported or not for the client")
    return mode
