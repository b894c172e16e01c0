"""The one door to access tokens: a token that is good now, or a clear no.

Refreshing happens once a session across threads, workers and nodes: one flight in this process,
a lease in Redis, compare-and-set of the generation; every waiter is handed the new set itself.

Three outcomes are never confused. *Refused* (``invalid_grant``) ends the session. *Unavailable*
keeps it, and the old token serves while it is valid. Anything else is a bug and raises as one.

Spec: RFC 6749 §6; RFC 9700 §4.14; OIDC Core §12.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bff import events
from bff.problems import PROVIDER_UNAVAILABLE, Refused, Unavailable, login_required
from bff.sessions.model import DEFAULT_AUDIENCE, TokenSet
from bff.sessions.store import Written
from bff.tokens.id_token import Expected
from bff.tokens.single_flight import SingleFlight
from bff.tokens.wire import GrantRefused
from httpkit.events import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from bff.sessions.model import AccessToken, Ticket
    from bff.sessions.store import SessionStore
    from bff.tokens.lease import Leases
    from bff.tokens.provider import Provider, TokenReply

AHEAD_S: Final = 30.0
_AHEAD_OF_LIFETIME = 0.2
_THREADS = 8
_WAIT_FOR_OTHER_S = 4.0
_POLL_S = 0.05
_WRITE_TRIES = 3

log = get_logger()


class TokenLifecycle:
    """Hands out access tokens of sessions and renews them ahead of expiry."""

    def __init__(
        self,
        store: SessionStore,
        leases: Leases,
        providers: Mapping[str, Provider],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._leases = leases
        self._providers = providers
        self._clock = clock
        self._flights: SingleFlight[TokenSet] = SingleFlight(threads=_THREADS, name="refresh")

    def find_fresh(self, tokens: TokenSet, audience: str = DEFAULT_AUDIENCE) -> AccessToken | None:
        """Return the token for *audience* where it needs no renewal: the hot path's whole work."""
        token = tokens.access_tokens.get(audience)
        if token is None:
            return None
        ahead_s = min(AHEAD_S, token.lifetime_s * _AHEAD_OF_LIFETIME)
        return token if self._clock() < token.expires_at - ahead_s else None

    async def access_token_for(
        self, ticket: Ticket, tokens: TokenSet, audience: str = DEFAULT_AUDIENCE
    ) -> str:
        """Return an access token valid at *audience*, renewing it in a worker thread if need be.

        Raises:
            Refused: ``login_required``; the refresh token was refused and the session has ended.
            Unavailable: the provider or the store gives no answer; the session is kept.
        """
        fresh = self.find_fresh(tokens, audience)
        if fresh is not None:
            return fresh.value
        renewed = await asyncio.shield(asyncio.wrap_future(self.renew(ticket, tokens)))
        return self._require(renewed, audience).value

    async def replacement_for(
        self, ticket: Ticket, tokens: TokenSet, audience: str = DEFAULT_AUDIENCE
    ) -> str | None:
        """Return another token than the one in *tokens* that an upstream just refused.

        None where there is none to be had; then the upstream's 401 is the answer (F-43).
        """
        with suppress(Refused, Unavailable):
            renewed = await asyncio.shield(asyncio.wrap_future(self.renew(ticket, tokens)))
            if renewed.generation != tokens.generation:
                return self._require(renewed, audience).value
        return None

    def renew(self, ticket: Ticket, tokens: TokenSet) -> Future[TokenSet]:
        """Return the future of the set that replaces *tokens*, refreshing once for all callers."""
        return self._flights.submit(ticket.key, lambda: self._renew(ticket, tokens))

    def close(self) -> None:
        """Let running refreshes finish: what a provider has rotated must be stored."""
        self._flights.close()

    def _require(self, tokens: TokenSet, audience: str) -> AccessToken:
        token = tokens.access_tokens.get(audience)
        if token is None:
            raise login_required("no token for this audience")
        return token

    def _renew(self, ticket: Ticket, seen: TokenSet) -> TokenSet:
        with self._leases.hold(ticket) as held:
            current = self._store.load_tokens(ticket)
            if current is None:
                raise login_required("the session ended meanwhile")
            if current.generation != seen.generation:
                return current  # somebody else was faster; theirs is ours
            if held:
                return self._refresh(ticket, current)
        return self._await_other(ticket, seen)

    def _await_other(self, ticket: Ticket, seen: TokenSet) -> TokenSet:
        """Return what the lease's holder on another worker stores."""
        if self._is_valid(seen):
            return seen
        deadline = time.monotonic() + _WAIT_FOR_OTHER_S
        while time.monotonic() < deadline:
            time.sleep(_POLL_S)
            current = self._store.load_tokens(ticket)
            if current is None:
                raise login_required("the session ended meanwhile")
            if current.generation != seen.generation:
                return current
        raise Unavailable(PROVIDER_UNAVAILABLE, hint="another worker's refresh takes too long")

    def _refresh(self, ticket: Ticket, current: TokenSet) -> TokenSet:
        if current.refresh_token is None:
            if self._is_valid(current):
                return current
            self._end(ticket, current, reason="token expired and there is no refresh token")
            raise login_required("the access token expired")
        try:
            reply = self._providers[current.provider].refresh(current.refresh_token)
            renewed = self._checked(ticket, current, reply)
        except GrantRefused as refusal:
            return self._refused(ticket, current, refusal)
        except Unavailable as outage:
            log.warning(events.TOKEN_REFRESH_UNAVAILABLE, sid=ticket.fingerprint, hint=outage.hint)
            if self._is_valid(current):
                return current
            raise
        self._save(ticket, renewed)
        log.info(
            events.TOKEN_REFRESHED,
            sid=ticket.fingerprint,
            provider=current.provider,
            generation=renewed.generation,
        )
        return renewed

    def _checked(self, ticket: Ticket, current: TokenSet, reply: TokenReply) -> TokenSet:
        """Return the set that *reply* makes of *current*, its ID token checked (Core §12.2)."""
        if reply.id_token is not None:
            provider = self._providers[current.provider]
            claims = provider.validate_id_token(
                reply.id_token,
                Expected(issuer=provider.issuer, client_id=provider.settings.client_id),
                access_token=reply.access_token.value,
            )
            if claims["sub"] != current.sub:
                self._end(ticket, current, reason="refreshed id_token names another sub")
                raise login_required("refreshed id_token names another sub")
        return TokenSet(
            generation=current.generation + 1,
            provider=current.provider,
            sub=current.sub,
            access_tokens={DEFAULT_AUDIENCE: reply.access_token},
            # A new refresh token replaces the old one; where none comes, the old one stays.
            refresh_token=reply.refresh_token or current.refresh_token,
            id_token=reply.id_token or current.id_token,
        )

    def _refused(self, ticket: Ticket, current: TokenSet, refusal: GrantRefused) -> TokenSet:
        if refusal.error == "invalid_grant":
            log.info(events.TOKEN_REFRESH_REFUSED, sid=ticket.fingerprint, error=refusal.error)
            self._end(ticket, current, reason="refresh token refused")
            raise login_required("refresh token refused") from refusal
        # invalid_client and its kin say that *we* are set up wrongly: no reason to sign out.
        log.error(events.TOKEN_REFRESH_MISCONFIGURED, sid=ticket.fingerprint, error=refusal.error)
        if self._is_valid(current):
            return current
        raise Unavailable(PROVIDER_UNAVAILABLE, hint=refusal.error) from refusal

    def _save(self, ticket: Ticket, renewed: TokenSet) -> None:
        for tries_left in reversed(range(_WRITE_TRIES)):
            try:
                written = self._store.replace_tokens(ticket, renewed)
            except Unavailable:
                if tries_left:
                    continue
                # The request at hand is served all the same; the next one refreshes with the
                # old token within the provider's grace (F-28).
                log.error(events.TOKEN_WRITE_FAILED, sid=ticket.fingerprint, exc_info=False)  # noqa: TRY400
                return
            if written is Written.GONE:
                raise login_required("the session ended meanwhile")
            return

    def _end(self, ticket: Ticket, current: TokenSet, *, reason: str) -> None:
        self._store.delete_by_digest(ticket.digest)
        log.info(
            events.SESSION_ENDED,
            sid=ticket.fingerprint,
            provider=current.provider,
            reason=reason,
        )

    def _is_valid(self, tokens: TokenSet) -> bool:
        token = tokens.access_token()
        return token is not None and self._clock() < token.expires_at
