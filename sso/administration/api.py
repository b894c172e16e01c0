"""The same for programs: JSON, by an access token with ``sso:admin`` made for this server.

Spec: RFC 6750 §3; S-094, S-110.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, request

from httpkit.problems import NOT_FOUND, Refused
from sso.administration.catalogue import PAGE
from sso.administration.kinds import KINDS
from sso.clients.exchange_policies import NewPolicy, PolicyInvalid
from sso.errors import INSUFFICIENT_SCOPE, INVALID_REQUEST, INVALID_TOKEN, OAuthError
from sso.parameters import from_body
from sso.problems import FORBIDDEN
from sso.proofs.presented import challenge
from sso.protocol_answers import protocol_answer, speak_protocol
from sso.settings import ADMIN_SCOPE
from sso.storage.audit import act_as

if TYPE_CHECKING:
    from datetime import datetime

    from sso.accounts.users import Users
    from sso.administration.catalogue import Catalogue
    from sso.administration.deeds import Deeds
    from sso.administration.kinds import Kind, Record
    from sso.administration.making import Making
    from sso.clients.exchange_policies import ExchangePolicies
    from sso.clients.registry import Clients
    from sso.proofs.presented import PresentedTokens
    from sso.tokens.access import AccessToken

HOME: Final = "/admin/api"
_MAX_LIMIT: Final = 200


class AdminApi:
    """Answers administrators' programs."""

    def __init__(
        self,
        *,
        issuer: str,
        presented: PresentedTokens,
        users: Users,
        clients: Clients,
        catalogue: Catalogue,
        deeds: Deeds,
        policies: ExchangePolicies,
        making: Making,
    ) -> None:
        self._issuer = issuer
        self._presented = presented
        self._users = users
        self._clients = clients
        self._catalogue = catalogue
        self._deeds = deeds
        self._policies = policies
        self._making = making

    def require_admin(self) -> str:
        """Return whose token it is: an administrator's, or that of a program of its own right.

        Raises:
            OAuthError: with the challenge of its scheme.
        """
        token = self._presented.require(request)
        # A token for another API must not open this one, whatever it says: that API has seen it.
        if token.claims.get("aud") != self._issuer:
            raise challenge(INVALID_TOKEN, "the access token is not valid here", 401)
        if ADMIN_SCOPE not in token.scopes or not self._may(token):
            raise challenge(INSUFFICIENT_SCOPE, "the token does not open this", 403)
        act_as(f"user:{token.sub}" if token.sub != token.client_id else f"client:{token.sub}")
        return token.sub

    def listing(self, name: str) -> Record:
        """Return one page of a list."""
        kind = _kind(name)
        limit = request.args.get("limit", str(PAGE))
        if not limit.isascii() or not limit.isdigit() or not 0 < int(limit[:9]) <= _MAX_LIMIT:
            raise OAuthError(INVALID_REQUEST, f"limit must be 1 to {_MAX_LIMIT}")
        listing = self._catalogue.page(kind, request.args, limit=int(limit))
        return {"items": [_plain(each) for each in listing.records], "after": listing.after}

    def item(self, name: str, id_: str) -> Record:
        """Return one object."""
        kind = _kind(name)
        record = self._catalogue.find(kind, id_)
        if record is None:
            raise Refused(NOT_FOUND, hint=f"none of the {kind.name} has the id")
        return _plain(record)

    def act(self, caller: str, name: str, id_: str, deed: str) -> Record:
        """Do *deed*; ``changed`` tells whether there was anything left to do."""
        if name == "users" and id_ == caller:
            raise Refused(FORBIDDEN, hint="an administrator's deed to their own account")
        self.item(name, id_)
        changed = self._deeds.do(name, id_, deed)
        if changed is None:
            raise Refused(NOT_FOUND, hint="no such deed")
        return {"changed": changed}

    def allow_exchange(self) -> Record:
        """Write down the line of the exchange policy that the body says; return it.

        Raises:
            OAuthError: ``invalid_request``, with what is wrong.
        """
        said = from_body(request)
        line = NewPolicy(
            client_id=said.get("client", ""),
            subject_client_id=said.get("subject_client", ""),
            from_audience=said.get("from", ""),
            to_audience=said.get("to", ""),
            scope=said.get("scope", ""),
        )
        try:
            row = self._policies.allow(line)
        except PolicyInvalid as invalid:
            raise OAuthError(INVALID_REQUEST, "; ".join(invalid.faults)) from invalid
        return self.item("exchanges", row.id)

    def make(self, name: str, body: bytes) -> Record:
        """Make an object of the kind; its secrets are in this answer and in no other."""
        made = self._making.make(_kind(name).name, body)
        if made is None:
            raise Refused(NOT_FOUND, hint=f"none of the {name} can be made")
        return made

    def _may(self, token: AccessToken) -> bool:
        if token.sub == token.client_id:
            return self._clients.find(token.client_id) is not None
        user = self._users.find(token.sub)
        return user is not None and user.is_admin


def create_blueprint(api: AdminApi) -> Blueprint:
    """Return the routes for programs."""
    room = Blueprint("admin_api", __name__)

    @room.get(f"{HOME}/<kind>")
    def listing(kind: str) -> Response:
        api.require_admin()
        return protocol_answer(api.listing(kind))

    @room.post(f"{HOME}/<kind>")
    def make(kind: str) -> Response:
        api.require_admin()
        return protocol_answer(api.make(kind, request.get_data()), status=201)

    @room.get(f"{HOME}/<kind>/<id>")
    def item(kind: str, id: str) -> Response:  # noqa: A002 - the word of the address
        api.require_admin()
        return protocol_answer(api.item(kind, id))

    @room.post(f"{HOME}/exchanges")
    def allow_exchange() -> Response:
        api.require_admin()
        return protocol_answer(api.allow_exchange(), status=201)

    @room.post(f"{HOME}/<kind>/<id>/<deed>")
    def act(kind: str, id: str, deed: str) -> Response:  # noqa: A002 - as above
        return protocol_answer(api.act(api.require_admin(), kind, id, deed))

    return speak_protocol(room)


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise Refused(NOT_FOUND, hint="no such kind")
    return KINDS[name]


def _plain(record: Record) -> Record:
    return {name: _told(value) for name, value in record.items()}


def _told(value: Any) -> Any:  # noqa: ANN401 - what JSON can say
    instant: datetime | None = value if hasattr(value, "isoformat") else None
    return instant.isoformat() if instant is not None else value
