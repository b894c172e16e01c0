"""Signing out: the session first, then the provider's tokens, then the provider's own session.

Spec: OIDC RP-Initiated Logout 1.0 §2; RFC 7009; ASVS 7.4.1.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bff import events
from bff.problems import Refused, Unavailable
from bff.sessions.model import Ticket
from bff.tokens.revocation import try_to_revoke

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bff.sessions.model import Session
    from bff.sessions.news import SessionNews
    from bff.sessions.store import SessionStore
    from bff.tokens.provider import Provider

_THREADS = 2


class Logout:
    """Ends sessions and tells the provider."""

    def __init__(
        self,
        store: SessionStore,
        providers: Mapping[str, Provider],
        *,
        post_logout_redirect_uri: str,
        news: SessionNews,
    ) -> None:
        self._store = store
        self._providers = providers
        self._post_logout_redirect_uri = post_logout_redirect_uri
        self._news = news
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="revoke")

    def end(self, session: Session, *, reason: str) -> None:
        """End *session*, here at once and at the provider's revocation endpoint in its own time.

        Raises:
            Unavailable: the store gives no answer; the session may still live, so nobody is told
                that it ended.
        """
        if self._store.delete(session.ticket, session.record):
            self._news.ended(
                session.ticket.public_id,
                provider=session.record.provider,
                sub=session.record.sub,
                reason=reason,
            )
        provider = self._providers.get(session.record.provider)
        if provider is not None and session.tokens.refresh_token is not None:
            self._executor.submit(
                try_to_revoke, provider, session.tokens.refresh_token, session.ticket
            )

    def find_previous(self, ticket_value: str | None) -> Session | None:
        """Return the session that a new login of the same browser replaces, if it still lives.

        None also where the store fails now: the new login goes on, the old session ends by itself.
        """
        ticket = Ticket.parse(ticket_value.encode()) if ticket_value else None
        with suppress(Unavailable):
            return self._store.load(ticket) if ticket is not None else None
        return None

    def end_previous(self, session: Session) -> None:
        """End the session that a new login has replaced; the new one stands if the store fails."""
        with suppress(Unavailable):
            self.end(session, reason=events.REPLACED)

    def provider_address(self, session: Session) -> str | None:
        """Return where the provider signs the visitor out, or None where it offers no such place.

        The address carries the ID token as a hint: it must not reach a script.
        """
        provider = self._providers.get(session.record.provider)
        if provider is None:
            return None
        try:
            endpoint = provider.metadata().end_session_endpoint
        except (Unavailable, Refused):
            return None
        if endpoint is None:
            return None
        parameters = {
            "client_id": provider.settings.client_id,
            "post_logout_redirect_uri": self._post_logout_redirect_uri,
        }
        if session.tokens.id_token is not None:
            parameters["id_token_hint"] = session.tokens.id_token
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"

    def close(self) -> None:
        """Let revocations under way finish."""
        self._executor.shutdown(wait=True, cancel_futures=True)
