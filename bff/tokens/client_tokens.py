"""Tokens of the client's own, for routes that act for nobody in particular.

Kept in this process: they belong to no session, and every worker may hold its own.

Spec: RFC 6749 §4.4.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from bff.problems import PROVIDER_UNAVAILABLE, Unavailable
from bff.tokens.single_flight import SingleFlight
from bff.tokens.wire import GrantRefused, ProviderFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.sessions.model import BoundToken
    from bff.tokens.provider import Provider

_THREADS = 2
_AHEAD_OF_LIFETIME = 0.2


class ClientTokens:
    """Hands out client-credentials tokens, one a target."""

    def __init__(self, provider: Provider, *, clock: Callable[[], float] = time.time) -> None:
        self._provider = provider
        self._clock = clock
        self._proof_key: bytes | None = None
        self._held: dict[str, BoundToken] = {}
        self._flights: SingleFlight[BoundToken] = SingleFlight(threads=_THREADS, name="client")

    async def access_token_for(self, target: str) -> BoundToken:
        """Return a valid token for *target*, as `RouteSettings.token_target` spells it.

        Raises:
            Unavailable: the provider gives none. A refusal counts too: this client is set up
                wrongly there, which is no fault of the caller's.
        """
        held = self._find_held(target)
        if held is not None:
            return held
        flight = self._flights.submit(target, lambda: self._fetch(target))
        return await asyncio.shield(asyncio.wrap_future(flight))

    def wait_for_access_token(self, target: str) -> BoundToken:
        """Return as `access_token_for` does, without an event loop."""
        held = self._find_held(target)
        if held is not None:
            return held
        return self._flights.submit(target, lambda: self._fetch(target)).result()

    def close(self) -> None:
        """Take nothing new."""
        self._flights.close()

    def _find_held(self, target: str) -> BoundToken | None:
        held = self._held.get(target)
        if held is None:
            return None
        ahead_s = held.token.lifetime_s * _AHEAD_OF_LIFETIME
        return held if self._clock() < held.token.expires_at - ahead_s else None

    def _fetch(self, target: str) -> BoundToken:
        try:
            self._proof_key = self._proof_key or self._provider.new_proof_key()
            wanted = dict(parse_qsl(target))
            reply = self._provider.client_credentials(self._proof_key, **wanted)
        except (GrantRefused, Unavailable, ProviderFault) as failure:
            held = self._held.get(target)
            if held is not None and self._clock() < held.token.expires_at:
                return held  # due for renewal, and good all the same (F-23)
            if isinstance(failure, GrantRefused):
                raise Unavailable(PROVIDER_UNAVAILABLE, hint=failure.error) from failure
            raise
        self._held[target] = held = reply.bound_to(self._proof_key)
        return held
