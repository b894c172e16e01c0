"""Signing out at the provider's word: back-channel and front-channel logout.

Both come from elsewhere and carry no cookie that could be believed: only what the provider has
signed, or the pair of its issuer and session id, selects the sessions that end.

Spec: OIDC Back-Channel Logout 1.0 §2.5 to §2.8; OIDC Front-Channel Logout 1.0 §2.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, request

from bff import events
from bff.problems import BAD_REQUEST, ROUTE_NOT_FOUND, Refused, Unavailable
from bff.sessions.connect import store_errors
from bff.tokens.wire import ProviderFault
from httpkit.headers import allow_being_framed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import redis

    from bff.sessions.model import ListedSession
    from bff.sessions.news import SessionNews
    from bff.sessions.store import SessionStore
    from bff.tokens.logout_token import LogoutToken
    from bff.tokens.provider import Provider

_REMEMBERED_AFTER_EXPIRY_S: Final = 300
_REMEMBERED_MAX_S: Final = 86_400


class ProviderLogout:
    """Ends the sessions that a provider says are over."""

    def __init__(
        self,
        client: redis.Redis,
        store: SessionStore,
        providers: Mapping[str, Provider],
        *,
        news: SessionNews,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = client
        self._store = store
        self._providers = providers
        self._news = news
        self._clock = clock

    def back_channel(self, provider_name: str, logout_token: str) -> int:
        """End what a signed logout token names; return how many sessions ended.

        Raises:
            Refused: the token is not a valid one, or was used before; nobody is signed out.
            Unavailable: the store gives no answer; the provider may send the token again.
        """
        provider = self._provider(provider_name)
        try:
            token = provider.validate_logout_token(logout_token)
        except ProviderFault as fault:
            raise Refused(BAD_REQUEST, hint=f"logout_token: {fault.hint}") from fault
        if not self._remember(provider, token):
            raise Refused(BAD_REQUEST, hint="logout_token: jti was used before")
        try:
            if token.sid is not None:
                named = self._store.sessions_of_provider_session(provider.issuer, token.sid)
            else:
                named = self._store.sessions_of_subject(provider.issuer, token.sub or "")
            return self._end(named, provider, token.sub, events.BACK_CHANNEL)
        except Unavailable:
            self._forget(provider, token)
            raise

    def front_channel(self, provider_name: str, iss: str, sid: str) -> int:
        """End the sessions of *sid*, where *iss* is the provider's own; return how many."""
        provider = self._provider(provider_name)
        if iss != provider.issuer or not sid:
            raise Refused(BAD_REQUEST, hint="front-channel logout without our issuer and a sid")
        named = self._store.sessions_of_provider_session(provider.issuer, sid)
        return self._end(named, provider, None, events.FRONT_CHANNEL)

    def _provider(self, name: str) -> Provider:
        provider = self._providers.get(name)
        if provider is None:
            raise Refused(ROUTE_NOT_FOUND)
        return provider

    def _end(
        self, named: Sequence[ListedSession], provider: Provider, sub: str | None, reason: str
    ) -> int:
        ended = [session for session in named if self._store.delete_by_digest(session.digest)]
        for session in ended:
            self._news.ended(session.public_id, provider=provider.name, sub=sub, reason=reason)
        return len(ended)

    def _remember(self, provider: Provider, token: LogoutToken) -> bool:
        left_s = token.expires_at - self._clock() + _REMEMBERED_AFTER_EXPIRY_S
        ttl_s = int(min(max(left_s, 1), _REMEMBERED_MAX_S))
        with store_errors():
            return bool(self._redis.set(_jti_key(provider, token), b"", nx=True, ex=ttl_s))

    def _forget(self, provider: Provider, token: LogoutToken) -> None:
        with store_errors():
            self._redis.delete(_jti_key(provider, token))


def provider_logout_blueprint(provider_logout: ProviderLogout) -> Blueprint:
    """Return the routes by which providers reach us. They read no cookie and need none."""
    blueprint = Blueprint("bff_provider_logout", __name__, url_prefix="/bff")

    @blueprint.post("/backchannel-logout/<provider>")
    def back_channel(provider: str) -> Response:
        tokens = request.form.getlist("logout_token")
        if len(tokens) != 1 or "logout_token" in request.args:
            raise Refused(BAD_REQUEST, detail="logout_token must stand once, in the form.")
        provider_logout.back_channel(provider, tokens[0])
        return Response(status=200)

    @blueprint.get("/frontchannel-logout/<provider>")
    def front_channel(provider: str) -> Response:
        iss, sid = request.args.getlist("iss"), request.args.getlist("sid")
        if len(iss) != 1 or len(sid) != 1:
            raise Refused(BAD_REQUEST, detail="iss and sid must stand once each.")
        provider_logout.front_channel(provider, iss[0], sid[0])
        response = Response(status=200)
        # The provider's page loads this in a frame; there is nothing in it to see or to click.
        allow_being_framed()
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        return response

    return blueprint


def _jti_key(provider: Provider, token: LogoutToken) -> str:
    digest = hashlib.sha256(f"{provider.issuer}\x00{token.jti}".encode()).hexdigest()
    return f"logout-token:{digest}"
