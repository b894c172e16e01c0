"""One renewal of a session's tokens, from the provider's answer to what is stored of it.

The caller holds the session's lease. Three outcomes are never confused. *Refused*
(``invalid_grant``) ends the session. *Unavailable* keeps it, and the old token serves while it is
valid. Anything else is a bug and raises as one.

Spec: RFC 6749 §6; OIDC Core §12; RFC 8707 §2; RFC 8693 §2.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from bff import events
from bff.problems import PROVIDER_UNAVAILABLE, Unavailable, login_required
from bff.sessions.model import DEFAULT_AUDIENCE, TokenSet
from bff.sessions.store import Written
from bff.tokens.id_token import Expected
from bff.tokens.revocation import try_to_revoke
from bff.tokens.wire import GrantRefused, ProviderFault
from httpkit.events import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bff.metrics import BffMetrics
    from bff.sessions.model import AccessToken, Ticket
    from bff.sessions.news import SessionNews
    from bff.sessions.store import SessionStore
    from bff.tokens.freshness import Freshness
    from bff.tokens.provider import Provider
    from bff.tokens.token_reply import TokenReply

_WRITE_TRIES = 3

log = get_logger()


class Renewal:
    """Asks providers for new tokens and stores what comes of it."""

    def __init__(
        self,
        store: SessionStore,
        providers: Mapping[str, Provider],
        freshness: Freshness,
        *,
        metrics: BffMetrics,
        news: SessionNews,
    ) -> None:
        self._store = store
        self._providers = providers
        self._freshness = freshness
        self._metrics = metrics
        self._news = news

    def replace(self, ticket: Ticket, current: TokenSet, target: str) -> TokenSet:
        """Return the set after *current*, with a new token for *target*, stored.

        Raises:
            Refused: ``login_required``; the session has ended.
            Unavailable: there is no such token now; the session is kept.
        """
        wanted = dict(parse_qsl(target))
        if "audience" not in wanted:
            return self._refresh(ticket, current, target, wanted)
        try:
            if self._freshness.find(current) is None:
                current = self._refresh(ticket, current, DEFAULT_AUDIENCE, {})
            return self._exchange(ticket, current, target, wanted)
        except (Unavailable, ProviderFault):
            if self._freshness.is_valid(current, target):
                return current  # due for renewal, and good all the same (F-23)
            raise

    def _refresh(
        self, ticket: Ticket, current: TokenSet, target: str, wanted: Mapping[str, str]
    ) -> TokenSet:
        refresh_token = current.refresh_token
        if refresh_token is None:
            if self._freshness.is_valid(current, target):
                return current
            if self._freshness.is_valid(current, DEFAULT_AUDIENCE):
                raise Unavailable(PROVIDER_UNAVAILABLE, hint="no refresh token to narrow")
            self._end(ticket, current, reason=events.TOKEN_EXPIRED)
            raise login_required("the access token expired")
        reply: TokenReply | None = None
        try:
            current = self._with_proof_key(current)
            reply = self._providers[current.provider].refresh(
                refresh_token, current.proof_key, **wanted
            )
            renewed = self._checked(ticket, current, target, reply)
        except GrantRefused as refusal:
            return self._refused(ticket, current, target, refusal)
        except (Unavailable, ProviderFault) as outage:
            # A maintenance page is an outage by another name.
            if reply is not None:
                current = self._keep_rotated(ticket, current, reply)
            self._metrics.refreshes.labels(current.provider, "unavailable").inc()
            log.warning(events.TOKEN_REFRESH_UNAVAILABLE, sid=ticket.fingerprint, hint=outage.hint)
            if self._freshness.is_valid(current, target):
                return current
            raise
        self._metrics.refreshes.labels(current.provider, "renewed").inc()
        return self._save(ticket, renewed, events.TOKEN_REFRESHED)

    def _with_proof_key(self, current: TokenSet) -> TokenSet:
        """Return *current* with a key to bind its next tokens to, where they are to be bound.

        A session from before that was wanted gets its key here: refresh tokens of a client with
        a credential are bound to the client and not to a key (RFC 9449 §5).
        """
        if current.proof_key is not None:
            return current
        made = self._providers[current.provider].new_proof_key()
        return current if made is None else msgspec.structs.replace(current, proof_key=made)

    def _keep_rotated(self, ticket: Ticket, current: TokenSet, reply: TokenReply) -> TokenSet:
        """Return *current* with the refresh token of a reply whose ID token did not pass.

        The keys are out of reach, or a clock has jumped; but the provider has rotated, and the old
        refresh token would sign the visitor out at the next refresh (F-36). The new access token
        is not taken unchecked.
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
        current = self._with_proof_key(current)
        subject = require_token(current, DEFAULT_AUDIENCE)
        try:
            reply = self._providers[current.provider].exchange_token(
                subject.value, current.proof_key, **wanted
            )
        except GrantRefused as refusal:
            # The provider's policy does not know this trade: ours to mend, not the visitor's.
            self._alarm(ticket, current, refusal)
            raise Unavailable(PROVIDER_UNAVAILABLE, hint=refusal.error) from refusal
        exchanged = msgspec.structs.replace(
            current,
            generation=current.generation + 1,
            access_tokens=self._freshness.still_valid(current) | {target: reply.access_token},
        )
        return self._save(ticket, exchanged, events.TOKEN_EXCHANGED)

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
            access_tokens=self._freshness.still_valid(current) | {target: token},
            # A new refresh token replaces the old one; where none comes, the old one stays.
            refresh_token=reply.refresh_token or current.refresh_token,
            id_token=reply.id_token or current.id_token,
            proof_key=current.proof_key,
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
        if self._freshness.is_valid(current, target):
            return current
        raise Unavailable(PROVIDER_UNAVAILABLE, hint=refusal.error) from refusal

    def _alarm(self, ticket: Ticket, current: TokenSet, refusal: GrantRefused) -> None:
        self._metrics.refreshes.labels(current.provider, "misconfigured").inc()
        log.error(events.TOKEN_REFRESH_MISCONFIGURED, sid=ticket.fingerprint, error=refusal.error)

    def _save(self, ticket: Ticket, renewed: TokenSet, event: str) -> TokenSet:
        """Store *renewed* and return the set that holds now."""
        written = self._write(ticket, renewed)
        if written is Written.GONE:
            self._give_back(ticket, renewed)
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

    def _give_back(self, ticket: Ticket, renewed: TokenSet) -> None:
        """Have the provider revoke what came for a session that is over.

        Signing out has revoked the refresh token that the session had; its successor was on the
        wire then, and nobody else will ever hold it.
        """
        if renewed.refresh_token is not None:
            try_to_revoke(self._providers[renewed.provider], renewed.refresh_token, ticket)

    def _write(self, ticket: Ticket, renewed: TokenSet) -> Written | None:
        for _try in range(_WRITE_TRIES):
            with suppress(Unavailable):
                return self._store.replace_tokens(ticket, renewed)
        # The request at hand is served all the same; the next one refreshes with the old token
        # within the provider's grace (F-28).
        log.error(events.TOKEN_WRITE_FAILED, sid=ticket.fingerprint)
        return None

    def _end(self, ticket: Ticket, current: TokenSet, *, reason: str) -> None:
        if self._store.delete_by_digest(ticket.digest):
            self._news.ended(
                ticket.public_id, provider=current.provider, sub=current.sub, reason=reason
            )


def require_token(tokens: TokenSet, target: str) -> AccessToken:
    """Return the token for *target*; raises `Unavailable` where the set has none."""
    token = tokens.access_tokens.get(target)
    if token is None:
        raise Unavailable(PROVIDER_UNAVAILABLE, hint="no token for this target")
    return token
