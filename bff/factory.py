"""Composition root of the control plane: builds every part once and mounts the rooms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry

from bff.account.device_pages import DevicePages
from bff.account.sessions import OwnSessions, SessionsViews
from bff.account.views import account_blueprint
from bff.login.flow import LoginFlow
from bff.login.logout import Logout
from bff.login.logout_views import LogoutForms, LogoutViews
from bff.login.once import RedeemedStates, SignOutAddresses
from bff.login.provider_logout import ProviderLogout, provider_logout_blueprint
from bff.login.transaction import TransactionCookies
from bff.login.views import login_blueprint
from bff.metrics import BffMetrics
from bff.pages.views import pages_blueprint, render_error_page, render_landing
from bff.problems import ROUTE_NOT_FOUND, Unavailable
from bff.proxy.guard import require_no_foreign_origin, require_same_origin
from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect
from bff.sessions.cookie import SessionCookie
from bff.sessions.current import CurrentSession
from bff.sessions.flask_interface import VisitorApp, VisitorSessionInterface
from bff.sessions.store import SessionStore
from bff.tokens.client_tokens import ClientTokens
from bff.tokens.lease import Leases
from bff.tokens.lifecycle import TokenLifecycle
from bff.tokens.provider import Provider
from httpkit.answers import browser_navigates, install_answers
from httpkit.events import install_access_log
from httpkit.headers import install_security_headers
from httpkit.health import NotReady, install_health
from httpkit.i18n import install_i18n
from httpkit.metrics import HttpMetrics
from httpkit.request_ids import install_request_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from bff.sessions.model import Session
    from bff.settings import Settings

_ROOT = Path(__file__).resolve().parent.parent
_BODY_LIMIT_BYTES = 64 * 1024
# Asked by scripts, whatever the browser says of the request.
_NEVER_PAGES = (
    "/bff/backchannel-logout/",
    "/bff/user",
    "/bff/sessions",
    "/bff/events",
    "/readyz",
    "/livez",
    "/static/",
)


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The Flask application and the parts that the data plane shares with it."""

    app: Flask
    settings: Settings
    client: redis.Redis
    registry: CollectorRegistry
    metrics: HttpMetrics
    cookie: SessionCookie
    codec: SessionCodec
    store: SessionStore
    lifecycle: TokenLifecycle
    client_tokens: ClientTokens
    logout: Logout

    def close(self) -> None:
        """Let refreshes and revocations under way finish."""
        self.lifecycle.close()
        self.client_tokens.close()
        self.logout.close()


def build_control_plane(settings: Settings) -> ControlPlane:
    """Return the control plane; nothing is asked of Redis or of a provider yet."""
    registry = CollectorRegistry()
    metrics, counts = HttpMetrics(registry), BffMetrics(registry)
    client = connect(settings.redis_url.get_secret_value())
    ring = KeyRing([key.get_secret_value() for key in settings.secret_keys])
    codec = SessionCodec(ring)
    store = SessionStore(
        client,
        codec,
        idle_ttl_s=settings.session.idle_ttl_s,
        absolute_ttl_s=settings.session.absolute_ttl_s,
        observe=lambda operation, outcome, seconds: counts.store_seconds.labels(
            operation, outcome
        ).observe(seconds),
    )
    cookie = SessionCookie(
        settings.cookie_name, secure=settings.https, same_site=settings.session.cookie_same_site
    )
    providers = {
        provider.name: Provider(
            provider, redirect_uri=f"{settings.public_url}/bff/callback/{provider.name}"
        )
        for provider in settings.providers
    }
    logout = Logout(
        store, providers, post_logout_redirect_uri=f"{settings.public_url}/", metrics=counts
    )
    current = CurrentSession(store, cookie)
    own = OwnSessions(store, metrics=counts)

    app = _app(settings, metrics)
    app.session_interface = VisitorSessionInterface(store, current)
    _install_health(app, store)
    require_own_page = _rule(require_same_origin, settings.public_url)
    forms = LogoutForms(ring)
    app.jinja_env.globals["csrf_token"] = lambda: forms.token(current.ticket())
    flow = LoginFlow(
        providers=providers,
        attempts=TransactionCookies(ring, secure=settings.https),
        states=RedeemedStates(client),
        store=store,
        logout=logout,
        absolute_ttl_s=settings.session.absolute_ttl_s,
        metrics=counts,
    )
    app.register_blueprint(
        login_blueprint(
            flow=flow,
            cookie=cookie,
            current=current,
            require_own_page=require_own_page,
            render_landing=render_landing,
        )
    )
    app.register_blueprint(
        LogoutViews(
            logout=logout,
            addresses=SignOutAddresses(client, ring),
            forms=forms,
            cookie=cookie,
            current=current,
            require_own_page=require_own_page,
            require_no_foreign_page=_rule(require_no_foreign_origin, settings.public_url),
        ).blueprint()
    )
    app.register_blueprint(
        account_blueprint(store=store, current=current, require_own_page=require_own_page)
    )
    app.register_blueprint(
        SessionsViews(
            own=own, current=current, cookie=cookie, require_own_page=require_own_page
        ).blueprint()
    )
    app.register_blueprint(
        DevicePages(own=own, current=current, require_form=forms.require).blueprint()
    )
    app.register_blueprint(
        provider_logout_blueprint(ProviderLogout(client, store, providers, metrics=counts))
    )
    app.register_blueprint(
        pages_blueprint(
            current_session=lambda: _visitor(current.find(), logout),
            carries_ticket=lambda: current.ticket() is not None,
        )
    )
    return ControlPlane(
        app=app,
        settings=settings,
        client=client,
        registry=registry,
        metrics=metrics,
        cookie=cookie,
        codec=codec,
        store=store,
        lifecycle=TokenLifecycle(store, Leases(client), providers, metrics=counts),
        client_tokens=ClientTokens(next(iter(providers.values()))),
        logout=logout,
    )


def _app(settings: Settings, metrics: HttpMetrics) -> VisitorApp:
    app = VisitorApp(
        "bff",
        root_path=str(_ROOT),
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    app.config["MAX_CONTENT_LENGTH"] = _BODY_LIMIT_BYTES
    install_request_ids(app)
    install_access_log(app)
    metrics.install(app)
    app.after_request(_keep_from_caches)
    install_security_headers(app, https=settings.https)
    install_i18n(app, https=settings.https)
    install_answers(
        app, wants_page=_wants_page, render_page=render_error_page, not_found=ROUTE_NOT_FOUND
    )
    return app


def _wants_page() -> bool:
    if request.path.startswith("/bff/callback/"):
        return not request.is_json
    return browser_navigates() and not request.path.startswith(_NEVER_PAGES)


def _rule(
    judge: Callable[[list[tuple[bytes, bytes]], bytes], None], public_url: str
) -> Callable[[], None]:
    """Return *judge* as a rule for the Flask request at hand."""
    origin = public_url.encode("ascii")

    def require() -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in request.headers]
        judge(headers, origin)

    return require


def _keep_from_caches(response: Response) -> Response:
    """Mark what may depend on the visitor, as the data plane marks it (S-078)."""
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "private, no-store"
        response.vary.add("Cookie")
    return response


def _install_health(app: Flask, store: SessionStore) -> None:
    """Be ready when Redis is. A provider's outage must not take away those who are signed in."""

    def answering() -> None:
        try:
            store.ping()
        except Unavailable as outage:
            raise NotReady(f"Redis gives no answer ({outage.hint})") from outage

    install_health(app, {"redis": answering})


@dataclass(frozen=True, slots=True)
class _Visitor:
    """What the shell shows of a signed-in person."""

    sub: str
    name: str | None
    email: str | None
    sign_out_origin: str | None


def _visitor(session: Session | None, logout: Logout) -> _Visitor | None:
    if session is None:
        return None
    claims = session.record.claims
    address = logout.provider_address(session)
    parts = urlsplit(address) if address else None
    return _Visitor(
        sub=session.record.sub,
        name=claims.get("name") or claims.get("preferred_username"),
        email=claims.get("email"),
        sign_out_origin=f"{parts.scheme}://{parts.netloc}" if parts else None,
    )
