"""One worker's token lifecycle over a store that several share, and sessions for it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from bff.metrics import BffMetrics
from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect
from bff.sessions.model import AccessToken, Device, SessionRecord, Ticket, TokenSet
from bff.sessions.news import SessionNews
from bff.sessions.store import SessionStore
from bff.tokens.lease import Leases
from bff.tokens.lifecycle import TokenLifecycle

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.tokens.provider import Provider
    from tests.support.fake_provider import FakeProvider

OLD = "the-old-access-token"


class Node:
    """One worker: a lifecycle of its own over the store that all share."""

    def __init__(
        self, url: str, provider: Provider, clock: Callable[[], float] = time.time
    ) -> None:
        self.url = url
        self.client = connect(url)
        codec = SessionCodec(KeyRing(["k" * 32]))
        self.store = SessionStore(self.client, codec, idle_ttl_s=600, absolute_ttl_s=3600)
        metrics = BffMetrics(CollectorRegistry())
        self.lifecycle = TokenLifecycle(
            self.store,
            Leases(self.client),
            {"sso": provider},
            metrics=metrics,
            news=SessionNews(metrics),
            clock=clock,
        )

    def close(self) -> None:
        """Let what runs finish."""
        self.lifecycle.close()
        self.client.close()

    def sign_in(self, fake: FakeProvider, *, left_s: float, refresh: bool = True) -> Ticket:
        """Return the ticket of a session whose access token has *left_s* of its minute left."""
        now = time.time()
        tokens = TokenSet(
            generation=1,
            provider="sso",
            sub="ada",
            access_tokens={"": AccessToken(OLD, now + left_s, lifetime_s=60)},
            refresh_token=fake.new_refresh_token() if refresh else None,
        )
        record = SessionRecord("sso", fake.issuer, "ada", now, now, now + 3600)
        return self.store.create(record, tokens, Device())

    def tokens(self, ticket: Ticket) -> TokenSet:
        """Return what the store holds; the session must live."""
        tokens = self.store.load_tokens(ticket)
        assert tokens is not None
        return tokens

    def ask(self, ticket: Ticket, tokens: TokenSet | None = None) -> str:
        """Return an access token as the data plane would ask for it."""
        seen = tokens or self.tokens(ticket)
        return asyncio.run(self.lifecycle.fresh_set_for(ticket, seen)).access_tokens[""].value
