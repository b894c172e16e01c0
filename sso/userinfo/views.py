"""The UserInfo endpoint, and the access token that opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from sso.errors import INSUFFICIENT_SCOPE, INVALID_TOKEN
from sso.grants.records import find_userinfo_claims
from sso.proofs.dpop import HEADER, NONCE_HEADER
from sso.proofs.presented import challenge
from sso.protocol_answers import protocol_answer, speak_protocol
from sso.tokens.claims import OPENID, person_claims

if TYPE_CHECKING:
    from sso.accounts.users import Users
    from sso.proofs.dpop import Proofs
    from sso.proofs.presented import PresentedTokens
    from sso.storage.engine import Storage
    from sso.tokens.access import AccessToken


class UserInfo:
    """Answers for one token."""

    def __init__(
        self, presented: PresentedTokens, proofs: Proofs, users: Users, storage: Storage
    ) -> None:
        self._presented = presented
        self._proofs = proofs
        self._users = users
        self._storage = storage

    def answer(self) -> Response:
        """Return what the token of the request at hand tells of its person.

        Raises:
            OAuthError: with the challenge of RFC 6750 §3 or RFC 9449 §7.1.
        """
        response = protocol_answer(self._claims(self._presented.require(request)))
        if HEADER in request.headers:
            response.headers[NONCE_HEADER] = self._proofs.nonce()
        return response

    def _claims(self, token: AccessToken) -> dict[str, Any]:
        user = self._users.find(token.sub)
        if user is None:
            raise challenge(INVALID_TOKEN, "the access token is not valid", 401)
        if OPENID not in token.scopes:
            raise challenge(INSUFFICIENT_SCOPE, "the scope openid was not granted", 403)
        return {**person_claims(user, token.scopes, self._named(token)), "sub": user.sub}

    def _named(self, token: AccessToken) -> list[str]:
        """Return the claims asked for singly; a token that was exchanged was not asked for them."""
        if token.grant_id is None or token.sources:
            return []
        return find_userinfo_claims(self._storage, token.grant_id)


def create_blueprint(userinfo: UserInfo) -> Blueprint:
    """Return the routes of this room."""
    room = Blueprint("userinfo", __name__)
    room.route("/oauth/userinfo", methods=["GET", "POST"], endpoint="answer")(userinfo.answer)
    return speak_protocol(room)
