"""The one door to access tokens: a token that is good now, or a clear no.

Refreshing happens once a session across threads, workers and nodes: one flight in this process,
a lease in Redis, compare-and-set of the generation; every waiter is handed the new set itself.

Three outcomes are never confused. *Refused* (``invalid_grant``) ends the session. *Unavailable*
keeps it, and the old token serves while it is valid. Anything else is a bug and raises as one.

Spec: RFC 6749 §6; RFC 9700 §4.14; OIDC Core §12; RFC 8707 §2; RFC 8693 §2.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import msgspec

from bff import events
from bff.problems import PROVIDER_UNAVAILABLE, Refused, Unavailable, login_required
from bff.sessions.model import DEFAULT_AUDIENCE, TokenSet
from bff.sessions.store import Written
from bff.tokens.id_token import Expected
from bff.tokens.single_flight import SingleFlight
from bff.tokens.wire import GrantRefused, ProviderFault
from httpkit.events import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from bff.metrics import BffMetrics
    from bff.sessions.model import AccessToken, Ticket
    from bff.sessions.news import SessionNews
    from bff.sessions.store import SessionStore
    from bff.tokens.lease import Leases
    from bff.tokens.provider import Provider
    from bff.tokens.token_reply import TokenReply

AHEAD_S: Final = 30.0
_AHEAD_OF_LIFETIME = 0.2
_JUST_ISSUED_S = 10.0
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
        metrics: BffMetrics,
        news: SessionNews,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._leases = leases
        self._providers = providers
        self._metrics = metrics
        self._news = news
        self._clock = clock
        self._flights: SingleFlight[TokenSet] = SingleFlight(threads=_THREADS, name="refresh")

    def find_fresh(self, tokens: TokenSet, target: str = DEFAULT_AUDIENCE) -> AccessToken | None:
        """Return the token for *target* where it needs no renewal: the hot path's whole work."""
        token = tokens.access_tokens.get(target)
        if token is None:
            return None
        ahead_s = min(AHEAD_S, token.lifetime_s * _AHEAD_OF_LIFETIME)
        return token if self._clock() < token.expires_at - ahead_s else None

    async def access_token_for(
        self, ticket: Ticket, tokens: TokenSet, target: str = DEFAULT_AUDIENCE
    ) -> str:
        """Return an access token for *target*, renewing it in a worker thread if need be.

        Args:
            ticket: of the session.
            tokens: the session's tokens as just read.
            target: what the token is for, as `RouteSettings.token_target` spells it; empty for
                the provider's default.

        Raises:
            Refused: ``login_required``; the refresh token was refused and the session has ended.
            Unavailable: the provider or the store gives no answer; the session is kept.
        """
        fresh = self.find_fresh(tokens, target)
        if fresh is not None:
            return fresh.value
        self._metrics.refresh_waiters.inc()
        try:
            flight = self.renew(ticket, tokens, target)
            renewed = await asyncio.shield(asyncio.wrap_future(flight))
        finally:
            self._metrics.refresh_waiters.dec()
        return self._require(renewed, target).value

    async def replacement_for(
        self, ticket: Ticket, tokens: TokenSet, target: str = DEFAULT_AUDIENCE
    ) -> TokenSet | None:
        """Return the set after *tokens*, whose token for *target* an upstream just refused.

        None where there is none to be had; then the upstream's 401 is the answer (F-43). A token
        that was just issued is not replaced: an upstream that refuses whatever it is given must
        not make us rotate refresh tokens without end.
        """
        token = tokens.access_tokens.get(target)
        if token is not None and self._clock() - token.issued_at < _JUST_ISSUED_S:
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
        """Return a set with a good token for *target*: `access_token_for` without an event loop.

        Raises as that does.
        """
        if self.find_fresh(tokens, target) is not None:
            return tokens
        with self._metrics.refresh_waiters.track_inprogress():
            renewed = self.renew(ticket, tokens, target).result()
        self._require(renewed, target)
        return renewed

    def find_replacement(
        self, ticket: Ticket, tokens: TokenSet, target: str = DEFAULT_AUDIENCE
    ) -> TokenSet | None:
        """Return the set after *tokens*: `replacement_for` without an event loop."""
        with suppress(Refused, Unavailable):
            renewed = self.renew(ticket, tokens, target, insist=True).result()
            if renewed.generation != tokens.generation and target in renewed.access_tokens:
                return renewed
        return None

    def close(self) -> None:
        """Let running refreshes finish: what a provider has rotated must be stored."""
        self._flights.close()

    def _require(self, tokens: TokenSet, target: str) -> AccessToken:
        token = tokens.access_tokens.get(target)
        if token is None:
            raise Unavailable(PROVIDER_UNAVAILABLE, hint="no token for this target")
        return token

    def _renew(self, ticket: Ticket, seen: TokenSet, target: str, *, insist: bool) -> TokenSet:
        deadline = time.monotonic() + _WAIT_FOR_OTHER_S
        while True:
            with self._leases.hold(ticket) as held:
                current = self._store.load_tokens(ticket)
                if current is None:
                    raise login_required("the session ended meanwhile")
                if current.generation != seen.generation and self.find_fresh(current, target):
                    return current  # somebody else was faster; theirs is ours
                if held:
                    return self._replace(ticket, current, target)
            if not insist and self._is_valid(seen, target):
                return seen
            if time.monotonic() > deadline:
                raise Unavailable(PROVIDER_UNAVAILABLE, hint="another worker's refresh is slow")
            time.sleep(_POLL_S)

    def _replace(self, ticket: Ticket, current: TokenSet, target: str) -> TokenSet:
        """Return the set after *current*, with a new token for *target*; the lease is held."""
        wanted = dict(parse_qsl(target))
        if "audience" not in wanted:
            return self._refresh(ticket, current, target, wanted)
        if self.find_fresh(current) is None:
            current = self._refresh(ticket, current, DEFAULT_AUDIENCE, {})
        return self._exchange(ticket, current, target, wanted)

    def _refresh(
        self, ticket: Ticket, current: TokenSet, target: str, wanted: Mapping[str, str]
    ) -> TokenSet:
        if current.refresh_token is None:
            if self._is_valid(current, target):
                return current
            if self._is_valid(current, DEFAULT_AUDIENCE):
                raise Unavailable(PROVIDER_UNAVAILABLE, hint="no refresh token to narrow")
            self._end(ticket, current, reason=events.TOKEN_EXPIRED)
            raise login_required("the access token expired")
        reply: TokenReply | None = None
        try:
            reply = self._providers[current.provider].refresh(current.refresh_token, **wanted)
            renewed = self._checked(ticket, current, target, reply)
        except GrantRefused as refusal:
            return self._refused(ticket, current, target, refusal)
        except (Unavailable, ProviderFault) as outage:
            # A maintenance page is an outage by another name.
            if reply is not None and isinstance(outage, Unavailable):
                current = self._keep_rotated(ticket, current, reply)
            self._metrics.refreshes.labels(current.provider, "unavailable").inc()
            log.warning(events.TOKEN_REFRESH_UNAVAILABLE, sid=ticket.fingerprint, hint=outage.hint)
            if self._is_valid(current, target):
                return current
            raise
        self._metrics.refreshes.labels(current.provider, "renewed").inc()
        return self._save(ticket, renewed, events.TOKEN_REFRESHED)

    def _keep_rotated(self, ticket: Ticket, current: TokenSet, reply: TokenReply) -> TokenSet:
        """Return *current* with the refresh token of a reply whose ID token cannot be checked now.

        The keys are out of reach, but the provider has rotated: the old refresh token would sign
        the visitor out at the next refresh. The new access token is not taken unchecked.
        """
        if reply.refresh_token is None:
            return current
        rotated, generation = reply.refresh_token, current.generation + 1
        kept = msgspec.structs.replace(current, generation=generation, refresh_token=rotated)
        return kept if self._write(ticket, kept) is Written.DONE else current

    def _exchange(
        self, ticket: Ticket, current: TokenSet, target: str, wanted: Mapping[str, str]
    ) -> TokenSet:
        """Trade the session's own token for one of another audience (RFC 8693 §2)."""
        subject = self._require(current, DEFAULT_AUDIENCE)
        try:
            reply = self._providers[current.provider].exchange_token(subject.value, **wanted)
        except GrantRefused as refusal:
            # The provider's policy does not know this trade: ours to mend, not the visitor's.
            self._alarm(ticket, current, refusal)
            raise Unavailable(PROVIDER_UNAVAILABLE, hint=refusal.error) from refusal
        exchanged = msgspec.structs.replace(
            current,
            generation=current.generation + 1,
            access_tokens=self._still_valid(current) | {target: reply.access_token},
        )
        return self._save(ticket, exchanged, events.TOKEN_EXCHANGED)

    def _still_valid(self, tokens: TokenSet) -> dict[str, AccessToken]:
        now = self._clock()
        return {key: token for key, token in tokens.access_tokens.items() if now < token.expires_at}

    def _checked(
        self, ticket: Ticket, current: TokenSet, target: str, reply: TokenReply
    ) -> TokenSet:
        """Return the set that *reply* makes of *current*, its ID token checked (Core §12.2)."""
        if reply.id_token is not None:
            provider = self._providers[current.provider]
            claims = provider.validate_id_token(
                reply.id_token,
                Expected(issuer=provider.issuer, client_id=provider.settings.client_id),
                access_token=reply.access_token.value,
            )
            if claims["sub"] != current.sub:
                self._end(ticket, current, reason=events.OTHER_SUBJECT)
                raise login_required("refreshed id_token names another sub")
        token, held = reply.access_token, current.access_tokens.get(target)
        if not token.scope and held is not None:
            # Where a reply does not say the scope it is the one before (RFC 6749 §5.1, §6).
            token = msgspec.structs.replace(token, scope=held.scope)
        return TokenSet(
            generation=current.generation + 1,
            provider=current.provider,
            sub=current.sub,
            access_tokens=self._still_valid(current) | {target: token},
            # A new refresh token replaces the old one; where none comes, the old one stays.
            refresh_token=reply.refresh_token or current.refresh_token,
            id_token=reply.id_token or current.id_token,
        )

    def _refused(
        self, ticket: Ticket, current: TokenSet, target: str, refusal: GrantRefused
    ) -> TokenSet:
        if refusal.error == "invalid_grant":
            self._metrics.refreshes.labels(current.provider, "refused").inc()
            log.info(events.TOKEN_REFRESH_REFUSED, sid=ticket.fingerprint, error=refusal.error)
            self._end(ticket, current, reason=events.REFRESH_REFUSED)
            raise login_required("refresh token refused") from refusal
        # invalid_client and its kin say that *we* are set up wrongly: no reason to sign out.
        self._alarm(ticket, current, refusal)
        if self._is_valid(current, target):
            return current
        raise Unavailable(PROVIDER_UNAVAILABLE, hint=refusal.error) from refusal

    def _alarm(self, ticket: Ticket, current: TokenSet, refusal: GrantRefused) -> None:
        self._metrics.refreshes.labels(current.provider, "misconfigured").inc()
        log.error(events.TOKEN_REFRESH_MISCONFIGURED, sid=ticket.fingerprint, error=refusal.error)

    def _save(self, ticket: Ticket, renewed: TokenSet, event: str) -> TokenSet:
        """Store *renewed* and return the set that holds now."""
        written = self._write(ticket, renewed)
        if written is Written.GONE:
            raise login_required("the session ended meanwhile")
        if written is Written.OVERTAKEN:
            # This worker was held up past its lease and another has refreshed: theirs holds.
            stored = self._store.load_tokens(ticket)
            if stored is None:
                raise login_required("the session ended meanwhile")
            return stored
        log.info(
            event,
            sid=ticket.fingerprint,
            provider=renewed.provider,
            generation=renewed.generation,
        )
        return renewed

    def _write(self, ticket: Ticket, renewed: TokenSet) -> Written | None:
        for _try in range(_WRITE_TRIES):
            with suppress(Unavailable):
                return self._store.replace_tokens(ticket, renewed)
        # The request at hand is served all the same; the next one refreshes with the old token
        # within the provider's grace (F-28).
        log.error(events.TOKEN_WRITE_FAILED, sid=ticket.fingerprint)
        return None

    def _end(self, ticket: Ticket, current: TokenSet, *, reason: str) -> None:
        self._store.delete_by_digest(ticket.digest)
        self._news.ended(
            ticket.public_id, provider=current.provider, sub=current.sub, reason=reason
        )

    def _is_valid(self, tokens: TokenSet, target: str) -> bool:
        token = tokens.access_tokens.get(target)
        return token is not None and self._clock() < token.expires_at
