"""The UserInfo endpoint, and the bearer token that opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from sso.errors import INSUFFICIENT_SCOPE, INVALID_REQUEST, INVALID_TOKEN, OAuthError
from sso.parameters import from_query, once_each
from sso.protocol_answers import protocol_answer, speak_protocol
from sso.tokens.claims import OPENID, person_claims

if TYPE_CHECKING:
    from sso.accounts.users import Users
    from sso.tokens.access import AccessToken, AccessTokens

_SCHEME = "bearer "


class UserInfo:
    """Answers for one token."""

    def __init__(self, access_tokens: AccessTokens, users: Users) -> None:
        self._access_tokens = access_tokens
        self._users = users

    def claims(self, value: str) -> dict[str, Any]:
        """Return the person's claims.

        Raises:
            OAuthError: with the Bearer challenge of RFC 6750 §3.
        """
        token = self._access_tokens.find(value)
        user = self._users.find(token.sub) if token is not None else None
        if token is None or user is None:
            raise _challenge(INVALID_TOKEN, "the access token is not valid", 401)
        _require_openid(token)
        return {**person_claims(user, token.scopes), "sub": user.sub}


def create_blueprint(userinfo: UserInfo) -> Blueprint:
    """Return the routes of this room."""
    room = Blueprint("userinfo", __name__)

    @room.route("/oauth/userinfo", methods=["GET", "POST"])
    def answer() -> Response:
        return protocol_answer(userinfo.claims(_presented()))

    return speak_protocol(room)


def _require_openid(token: AccessToken) -> None:
    if OPENID not in token.scopes:
        raise _challenge(INSUFFICIENT_SCOPE, "the scope openid was not granted", 403)


def _presented() -> str:
    """Return the one bearer token of the request; never one that stands in the address."""
    if "access_token" in from_query(request):
        raise _challenge(INVALID_REQUEST, "a token does not belong into the address", 400)
    header = request.headers.get("Authorization", "")
    pairs = list(request.form.items(multi=True)) if request.method == "POST" else []
    posted = once_each(pairs).get("access_token")
    if header and posted:
        raise _challenge(INVALID_REQUEST, "two tokens in one request", 400)
    if header.lower().startswith(_SCHEME):
        return header[len(_SCHEME) :].strip()
    if posted:
        return posted
    raise OAuthError(
        INVALID_TOKEN,
        "an access token is needed",
        reason="no bearer token",
        status=401,
        headers={"WWW-Authenticate": "Bearer"},
    )


def _challenge(error: str, description: str, status: int) -> OAuthError:
    challenge = f'Bearer error="{error}", error_description="{description}"'
    return OAuthError(error, description, status=status, headers={"WWW-Authenticate": challenge})
