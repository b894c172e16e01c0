"""The one door to access tokens: a token that is good now, or a clear no.

Refreshing happens once a session across threads, workers and nodes: one flight in this process,
a lease in Redis, compare-and-set of the generation; every waiter is handed the new set itself.

Spec: RFC 6749 §6; RFC 9700 §4.14.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bff.problems import PROVIDER_UNAVAILABLE, Refused, Unavailable, login_required
from bff.sessions.model import DEFAULT_AUDIENCE
from bff.tokens.freshness import Freshness
from bff.tokens.renewal import Renewal, require_token
from bff.tokens.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from bff.metrics import BffMetrics
    from bff.sessions.model import Ticket, TokenSet
    from bff.sessions.news import SessionNews
    from bff.sessions.store import SessionStore
    from bff.tokens.lease import Leases
    from bff.tokens.provider import Provider

_THREADS = 8
_WAIT_FOR_OTHER_S: Final = 4.0
_POLL_S = 0.05


class TokenLifecycle:
    """Hands out access tokens of sessions and renews them ahead of expiry."""

    def __init__(
        self,
        store: SessionStore,
        leases: Leases,
        providers: Mapping[str, Provider],
        *,
        metrics: BffMetrics,
        news: SessionNews,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._leases = leases
        self._metrics = metrics
        self._freshness = Freshness(clock)
        self._renewal = Renewal(store, providers, self._freshness, metrics=metrics, news=news)
        self._flights: SingleFlight[TokenSet] = SingleFlight(threads=_THREADS, name="refresh")

    async def fresh_set_for(
        self, ticket: Ticket, tokens: TokenSet, target: str = DEFAULT_AUDIENCE
    ) -> TokenSet:
        """Return a set with a good token for *target*, renewing it in a worker thread if need be.

        Args:
            ticket: of the session.
            tokens: the session's tokens as just read.
            target: what the token is for, as `RouteSettings.token_target` spells it; empty for
                the provider's default.

        Raises:
            Refused: ``login_required``; the refresh token was refused and the session has ended.
            Unavailable: the provider or the store gives no answer; the session is kept.
        """
        if self._freshness.find(tokens, target) is not None:
            return tokens
        self._metrics.refresh_waiters.inc()
        try:
            flight = self.renew(ticket, tokens, target)
            renewed = await asyncio.shield(asyncio.wrap_future(flight))
        finally:
            self._metrics.refresh_waiters.dec()
        require_token(renewed, target)
        return renewed

    def is_fresh(self, tokens: TokenSet, target: str) -> bool:
        """Return whether `fresh_set_for` would return *tokens* as they are."""
        return self._freshness.find(tokens, target) is not None

    async def replacement_for(
        self, ticket: Ticket, tokens: TokenSet, target: str = DEFAULT_AUDIENCE
    ) -> TokenSet | None:
        """Return the set after *tokens*, whose token for *target* an upstream just refused.

        None where there is none to be had; then the upstream's 401 is the answer (F-43). A token
        that was just issued is not replaced: an upstream that refuses whatever it is given must
        not make us rotate refresh tokens without end.
        """
        if self._freshness.is_just_issued(tokens, target):
            return None
        with suppress(Refused, Unavailable):
            flight = self.renew(ticket, tokens, target, insist=True)
            renewed = await asyncio.shield(asyncio.wrap_future(flight))
            if renewed.generation != tokens.generation:
                return renewed
        return None

    def renew(
        self,
        ticket: Ticket,
        tokens: TokenSet,
        target: str = DEFAULT_AUDIENCE,
        *,
        insist: bool = False,
    ) -> Future[TokenSet]:
        """Return the future of the set that replaces *tokens* and holds a token for *target*.

        While another worker refreshes, a token that is still valid is good enough, unless the
        caller insists on another one.
        """
        return self._flights.submit(
            f"{ticket.key} {target} {insist}",
            lambda: self._renew(ticket, tokens, target, insist=insist),
        )

    def fresh_set(
        self, ticket: Ticket, tokens: TokenSet, target: str = DEFAULT_AUDIENCE
    ) -> TokenSet:
        """Return as `fresh_set_for`, without an event loop; raises as that does."""
        if self._freshness.find(tokens, target) is not None:
            return tokens
        with self._metrics.refresh_waiters.track_inprogress():
            renewed = self.renew(ticket, tokens, target).result()
        require_token(renewed, target)
        return renewed

    def find_replacement(
        self, ticket: Ticket, tokens: TokenSet, target: str = DEFAULT_AUDIENCE
    ) -> TokenSet | None:
        """Return the set after *tokens*: `replacement_for` without an event loop."""
        if self._freshness.is_just_issued(tokens, target):
            return None
        with suppress(Refused, Unavailable):
            renewed = self.renew(ticket, tokens, target, insist=True).result()
            if renewed.generation != tokens.generation and target in renewed.access_tokens:
                return renewed
        return None

    def close(self) -> None:
        """Let running refreshes finish: what a provider has rotated must be stored."""
        self._flights.close()

    def _renew(self, ticket: Ticket, seen: TokenSet, target: str, *, insist: bool) -> TokenSet:
        deadline = time.monotonic() + _WAIT_FOR_OTHER_S
        waits = False
        while True:
            with self._leases.hold(ticket, waits=waits) as lease:
                current = self._store.load_tokens(ticket)
                if current is None:
                    raise login_required("the session ended meanwhile")
                newer = current.generation != seen.generation
                if newer and self._freshness.find(current, target):
                    return current  # somebody else was faster; theirs is ours
                if lease.is_held:
                    return self._renewal.replace(ticket, current, target)
            if not insist and self._freshness.is_valid(seen, target):
                return seen
            lease.require_hope()
            if time.monotonic() > deadline:
                raise Unavailable(PROVIDER_UNAVAILABLE, hint="another worker's refresh is slow")
            time.sleep(_POLL_S)
            waits = True
