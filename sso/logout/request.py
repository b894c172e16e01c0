"""A request to sign out: judged before anything ends or anybody is sent anywhere.

Spec: RP-Initiated Logout §2 and §3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from httpkit.problems import Refused
from sso.keys.ring import Unsealable
from sso.problems import CLIENT_UNKNOWN, REDIRECT_URI_INVALID, REQUEST_EXPIRED, REQUEST_INVALID

if TYPE_CHECKING:
    from sso.clients.registry import Clients
    from sso.clock import Clock
    from sso.keys.ring import KeyRing
    from sso.parameters import Parameters
    from sso.tokens.id_tokens import IdTokens

_PURPOSE: Final = "logout request"
_TTL_S: Final = 3_600
_MAX_STATE: Final = 2_048


class LogoutRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A valid request. ``hinted_*`` are of an ID token that this server signed."""

    started_at: float
    client_id: str | None = None
    return_uri: str | None = None
    state: str | None = None
    hinted_sub: str | None = None
    hinted_session_id: str | None = None


class LogoutRequests:
    """Judges requests, and carries them sealed across our pages."""

    def __init__(self, clients: Clients, id_tokens: IdTokens, ring: KeyRing, clock: Clock) -> None:
        self._clients = clients
        self._id_tokens = id_tokens
        self._ring = ring
        self._clock = clock

    def require_valid(self, parameters: Parameters) -> LogoutRequest:
        """Return the request.

        Raises:
            Refused: forged or foreign; nobody is signed out and nobody is redirected.
        """
        hint = None
        if value := parameters.get("id_token_hint"):
            hint = self._id_tokens.read_hint(value)
            if hint is None:
                raise Refused(REQUEST_INVALID, hint="id_token_hint is not one of ours")
        client_id = parameters.get("client_id", hint.client_id if hint else None)
        if hint is not None and client_id != hint.client_id:
            raise Refused(REQUEST_INVALID, hint="id_token_hint is of another client")
        return_uri = parameters.get("post_logout_redirect_uri")
        self._require_registered(client_id, return_uri)
        state = parameters.get("state")
        if state is not None and len(state) > _MAX_STATE:
            raise Refused(REQUEST_INVALID, hint="state is too long")
        return LogoutRequest(
            started_at=self._clock().timestamp(),
            client_id=client_id,
            return_uri=return_uri,
            state=state,
            hinted_sub=hint.sub if hint else None,
            hinted_session_id=hint.session_id if hint else None,
        )

    def client_name(self, asked: LogoutRequest) -> str | None:
        """Return the name of the client that asks, where one does."""
        client = self._clients.find(asked.client_id) if asked.client_id else None
        return client.name if client else None

    def seal(self, asked: LogoutRequest) -> str:
        """Return *asked* in characters that need no escaping in an address."""
        return self._ring.seal_text(_PURPOSE, msgspec.json.encode(asked))

    def open(self, sealed: str) -> LogoutRequest:
        """Return the request, or an empty one where *sealed* is empty.

        Raises:
            Refused: never sealed here, or too old.
        """
        now = self._clock().timestamp()
        if not sealed:
            return LogoutRequest(started_at=now)
        try:
            plain = self._ring.open_text(_PURPOSE, sealed)
            asked = msgspec.json.decode(plain, type=LogoutRequest)
        except (Unsealable, msgspec.DecodeError) as error:
            raise Refused(REQUEST_INVALID, hint="the logout request cannot be opened") from error
        if now - asked.started_at > _TTL_S:
            raise Refused(REQUEST_EXPIRED, hint="the logout request is too old")
        return asked

    def _require_registered(self, client_id: str | None, return_uri: str | None) -> None:
        if client_id is None:
            if return_uri is not None:
                raise Refused(
                    REDIRECT_URI_INVALID, hint="post_logout_redirect_uri without a client"
                )
            return
        structlog.contextvars.bind_contextvars(client=client_id[:64])
        client = self._clients.find(client_id)
        if client is None:
            raise Refused(CLIENT_UNKNOWN, hint="no such client")
        if return_uri is not None and return_uri not in client.post_logout_redirect_uris:
            raise Refused(REDIRECT_URI_INVALID, hint="post_logout_redirect_uri is not registered")
