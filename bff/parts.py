"""Composition of everything behind one front end, before any route is mounted.

The Flask application, the data plane and the Flask extension are three ways to put the same parts
to use; they are built here once, so that none of them can differ in what a session is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from bff.account.limit import SessionLimit
from bff.account.sessions import OwnSessions
from bff.login.flow import LoginFlow
from bff.login.logout import Logout
from bff.login.logout_views import LogoutForms
from bff.login.once import RedeemedStates, SignOutAddresses
from bff.login.provider_logout import ProviderLogout
from bff.login.recent import RecentLogins
from bff.login.transaction import TransactionCookies
from bff.metrics import BffMetrics
from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect
from bff.sessions.cookie import SessionCookie
from bff.sessions.current import CurrentSession
from bff.sessions.news import SessionNews
from bff.sessions.step_ups import StepUps
from bff.sessions.store import SessionStore
from bff.tokens.client_tokens import ClientTokens
from bff.tokens.lease import Leases
from bff.tokens.lifecycle import TokenLifecycle
from bff.tokens.provider import Provider
from bff.tokens.wire import BoundedTransport
from httpkit.metrics import HttpMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from bff.settings import Frontend, Settings


@dataclass(frozen=True, slots=True)
class Shared:
    """What all front ends of one worker have in common: connections and counters."""

    settings: Settings
    client: redis.Redis
    transport: BoundedTransport
    registry: CollectorRegistry
    metrics: HttpMetrics
    counts: BffMetrics


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything behind one front end."""

    frontend: Frontend
    shared: Shared
    ring: KeyRing
    codec: SessionCodec
    cookie: SessionCookie
    store: SessionStore
    news: SessionNews
    step_ups: StepUps
    current: CurrentSession
    own: OwnSessions
    providers: dict[str, Provider]
    lifecycle: TokenLifecycle
    client_tokens: ClientTokens
    flow: LoginFlow
    logout: Logout
    forms: LogoutForms
    addresses: SignOutAddresses
    provider_logout: ProviderLogout

    def close(self) -> None:
        """Let refreshes and revocations under way finish."""
        self.lifecycle.close()
        self.client_tokens.close()
        self.logout.close()
        self.step_ups.close()


def build_shared(settings: Settings) -> Shared:
    """Return what all front ends share; nothing is asked of Redis yet."""
    registry = CollectorRegistry()
    return Shared(
        settings=settings,
        client=connect(settings.redis_url.get_secret_value()),
        transport=BoundedTransport(),
        registry=registry,
        metrics=HttpMetrics(registry),
        counts=BffMetrics(registry),
    )


def build_parts(
    shared: Shared, frontend: Frontend, *, clock: Callable[[], float] = time.time
) -> Parts:
    """Return the parts of *frontend*; nothing is asked of Redis or of a provider yet.

    *clock* tells Unix seconds. How long a session lives is not by it but by Redis' own.
    """
    settings, client, counts = shared.settings, shared.client, shared.counts
    # The front end's name goes into every key: a ticket of one opens nothing of another.
    secret_keys = [key.get_secret_value() for key in settings.secret_keys]
    ring = KeyRing(secret_keys, realm=frontend.name)
    codec = SessionCodec(ring)
    store = _store(shared, codec)
    cookie = SessionCookie(
        frontend.cookie_name,
        secure=frontend.https,
        same_site=settings.session.cookie_same_site,
    )
    providers, news = _providers(shared, frontend, clock), SessionNews(counts)
    SessionLimit(store, news=news, most_of=_most_of(shared, frontend))
    logout = Logout(store, providers, post_logout_redirect_uri=f"{frontend.base_url}/", news=news)
    flow = _flow(frontend, ring, store, logout, providers, shared, news, clock)
    return Parts(
        frontend=frontend,
        shared=shared,
        ring=ring,
        codec=codec,
        cookie=cookie,
        store=store,
        news=news,
        step_ups=StepUps(client),
        current=CurrentSession(store, cookie),
        own=OwnSessions(store, news=news),
        providers=providers,
        lifecycle=TokenLifecycle(
            store, Leases(client), providers, metrics=counts, news=news, clock=clock
        ),
        client_tokens=ClientTokens(next(iter(providers.values())), clock=clock),
        flow=flow,
        logout=logout,
        forms=LogoutForms(ring),
        addresses=SignOutAddresses(client, ring),
        provider_logout=ProviderLogout(client, store, providers, news=news, clock=clock),
    )


def _flow(
    frontend: Frontend,
    ring: KeyRing,
    store: SessionStore,
    logout: Logout,
    providers: dict[str, Provider],
    shared: Shared,
    news: SessionNews,
    clock: Callable[[], float],
) -> LoginFlow:
    return LoginFlow(
        providers=providers,
        attempts=TransactionCookies(ring, secure=frontend.https, clock=clock),
        recent=RecentLogins(ring, secure=frontend.https, clock=clock),
        states=RedeemedStates(shared.client),
        store=store,
        logout=logout,
        absolute_ttl_s=shared.settings.session.absolute_ttl_s,
        metrics=shared.counts,
        news=news,
        clock=clock,
    )


def _providers(
    shared: Shared, frontend: Frontend, clock: Callable[[], float]
) -> dict[str, Provider]:
    return {
        provider.name: Provider(
            provider,
            redirect_uri=frontend.callback_url(provider.name),
            transport=shared.transport,
            clock=clock,
        )
        for provider in frontend.providers
    }


def _most_of(shared: Shared, frontend: Frontend) -> dict[str, int]:
    most = shared.settings.session.max_per_person
    return {
        provider.name: most if provider.max_per_person is None else provider.max_per_person
        for provider in frontend.providers
    }


def _store(shared: Shared, codec: SessionCodec) -> SessionStore:
    counts, session = shared.counts, shared.settings.session

    def observe(operation: str, outcome: str, seconds: float) -> None:
        counts.store_seconds.labels(operation, outcome).observe(seconds)

    return SessionStore(
        shared.client,
        codec,
        idle_ttl_s=session.idle_ttl_s,
        absolute_ttl_s=session.absolute_ttl_s,
        observe=observe,
    )
