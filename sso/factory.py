"""Composition root of the SSO: the only file that mounts every room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from flask import Flask, render_template, request
from prometheus_client import CollectorRegistry

from httpkit.answers import Answer, browser_navigates, install_answers
from httpkit.client_address import install_client_address
from httpkit.csrf import FormGuard
from httpkit.events import configure_logging, get_logger, install_access_log
from httpkit.headers import install_security_headers
from httpkit.health import NotReady, install_health
from httpkit.i18n import install_i18n
from httpkit.metrics import HttpMetrics, start_management_listener
from httpkit.problems import Unavailable
from httpkit.request_ids import current_request_id, install_request_ids
from sso.authorize import views as authorize
from sso.clock import utc_now
from sso.consent import views as consent
from sso.discovery import views as discovery
from sso.errors import OAuthError
from sso.grants import token_endpoint
from sso.keys.ring import Unsealable
from sso.logout import views as logout
from sso.logout.frontchannel import FrontchannelLogout
from sso.logout.request import LogoutRequests
from sso.mounting import open_side_rooms, start_beside
from sso.parameters import MAX_BODY_BYTES
from sso.portal import account_views, sign_in_views
from sso.protocol_answers import protocol_error
from sso.refusals import note_page
from sso.services import build_services, lay_foundation
from sso.settings import SettingsInvalid, load_settings
from sso.storage.audit import SYSTEM, act_as
from sso.storage.migrate import is_current
from sso.userinfo import views as userinfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso.clock import Clock
    from sso.services import Foundation, Services
    from sso.settings import Settings
    from sso.storage.engine import Storage

_NOT_THE_RING = "secret_keys: lack the key that the database's signing keys are sealed under"
_ROOT = Path(__file__).resolve().parent.parent
_QUIET = ("alembic", "authlib", "httpcore2", "httpx2", "sqlalchemy.engine", "werkzeug")
# Called by programs, or by posts from elsewhere that act on no cookie: no form token there.
_NO_FORM_TOKEN = frozenset(
    {
        "admin_api.act",
        "admin_api.make",
        "admin_api.allow_exchange",
        "authorize.authorize_posted",
        "device.begin",
        "grants.token",
        "grants.revoke",
        "grants.introspect",
        "logout.end_session_posted",
        "pushed.push",
        "registration.change",
        "registration.register",
        "registration.remove",
        "userinfo.answer",
    }
)
# Endpoints for programs: no page, whatever the Accept header says.
_FOR_PROGRAMS = (
    "/admin/api/",
    "/oauth/device_authorization",
    "/oauth/par",
    "/oauth/register",
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/introspect",
    "/oauth/userinfo",
)


@dataclass(frozen=True)
class Parts:
    """What an application was built of; for tests and consoles, not for views."""

    base: Foundation
    services: Services


def create_app() -> Flask:
    """Return the SSO as a server process runs it: settings, logs, metrics listener and all.

    Call it once a worker process, after the fork: the metrics listener and the database's
    connections belong to one process.

    Raises:
        SettingsInvalid: nothing was started.
        OSError: the management listener's port is taken.
    """
    settings = load_settings()
    configure_logging("sso", level=settings.log_level, quiet=_QUIET)
    registry = CollectorRegistry()
    app = build_app(settings, registry=registry)
    start_beside(app, registry)
    start_management_listener(
        registry,
        host=settings.management_host,
        port=settings.management_port,
        workers=settings.workers,
    )
    return app


def build_app(
    settings: Settings, *, clock: Clock = utc_now, registry: CollectorRegistry | None = None
) -> Flask:
    """Return the application of *settings*; starts nothing, and bears every part being away.

    Raises:
        SettingsInvalid: they do not fit what the database holds.
    """
    app = Flask(
        "sso",
        root_path=str(_ROOT),
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    # Else `//` is answered with a 308 that would carry a post, and names whatever host was asked.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY_BYTES
    base = lay_foundation(app, settings, clock)
    services = build_services(base)
    _install_kit(app, settings, base, services, registry or CollectorRegistry())
    _open_rooms(app, base, services)
    open_side_rooms(app, base, services)
    app.extensions["sso"] = Parts(base, services)
    try:
        # So that the key set is served from memory from the first minute on (F-14).
        base.keys.ensure()
    except Unavailable as outage:
        get_logger().warning("keys.not_loaded", hint=outage.hint)
    except Unsealable as error:
        raise SettingsInvalid([_NOT_THE_RING]) from error
    return app


def _install_kit(
    app: Flask,
    settings: Settings,
    base: Foundation,
    services: Services,
    registry: CollectorRegistry,
) -> None:
    install_client_address(app, settings.trusted_proxies)
    install_request_ids(app)
    app.before_request(_name_endpoint)
    # The thread serves somebody else next.
    app.teardown_request(lambda _error: act_as(SYSTEM))
    install_access_log(app)
    HttpMetrics(registry).install(app)
    install_security_headers(app, https=settings.https)
    guard = FormGuard(
        secret=base.ring.derived("form tokens"), origin=settings.origin, https=settings.https
    )
    guard.install(app, exempt=_NO_FORM_TOKEN)
    install_i18n(app, https=settings.https, now=base.clock)
    app.jinja_env.globals["request_id"] = current_request_id
    install_answers(app, wants_page=_wants_page, render_page=_error_page, on_refused=note_page)
    app.register_error_handler(OAuthError, protocol_error)
    install_health(
        app,
        {
            "database": lambda: _require_database(base.storage),
            "redis": lambda: _require_answer(services.throttle.ping),
        },
    )


def _open_rooms(app: Flask, base: Foundation, services: Services) -> None:
    settings = base.settings
    app.register_blueprint(
        authorize.create_blueprint(
            authorize.Authorization(
                issuer=settings.issuer,
                validator=services.validator,
                pushed_requests=services.pushed_requests,
                carrier=services.carrier,
                browser=services.browser,
                consents=services.consents,
                codes=services.codes,
                clock=base.clock,
                verified_email_needed=settings.verified_email_required,
            )
        )
    )
    app.register_blueprint(
        consent.create_blueprint(
            consent.ConsentPages(
                issuer=settings.issuer,
                validator=services.validator,
                carrier=services.carrier,
                browser=services.browser,
                consents=services.consents,
                lifetimes=settings.lifetimes,
            )
        )
    )
    app.register_blueprint(
        token_endpoint.create_blueprint(
            services.token_endpoint,
            services.revocation,
            services.introspection,
            services.authentication,
            services.proofs,
        )
    )
    app.register_blueprint(
        userinfo.create_blueprint(
            userinfo.UserInfo(services.presented, services.proofs, base.users, base.storage)
        )
    )
    _open_pages(app, base, services)
    _open_discovery(app, base, services)


def _open_discovery(app: Flask, base: Foundation, services: Services) -> None:
    metadata = discovery.Metadata(
        issuer=base.settings.issuer,
        origin=base.settings.origin,
        scopes=base.settings.scopes,
        grant_types=services.token_endpoint.grant_types,
    )
    app.register_blueprint(discovery.create_blueprint(metadata, base.keys))


def _open_pages(app: Flask, base: Foundation, services: Services) -> None:
    app.register_blueprint(
        sign_in_views.create_blueprint(
            sign_in_views.SignInPages(
                password_sign_in=services.password_sign_in,
                users=base.users,
                browser=services.browser,
                entrance=services.entrance,
                passkeys=services.second_step.passkeys,
                clients=base.clients,
                carrier=services.carrier,
                registration=base.settings.registration,
                invitations=services.own_affairs.invitations,
                addresses=services.own_affairs.addresses,
                password_min=base.settings.passwords.min_length,
            )
        )
    )
    account = account_views.AccountPages(
        browser=services.browser,
        own=services.own,
        users=base.users,
        password_sign_in=services.password_sign_in,
        password_min=base.settings.passwords.min_length,
        factors=services.second_step.factors,
        passkeys=services.second_step.passkeys,
    )
    app.register_blueprint(account_views.create_blueprint(account, services.browser))
    requests = LogoutRequests(base.clients, services.id_tokens, base.ring, base.clock)
    app.register_blueprint(
        logout.create_blueprint(
            logout.SignOut(
                requests,
                services.browser,
                services.session_end,
                FrontchannelLogout(base.storage, issuer=base.settings.issuer),
            )
        )
    )


def _name_endpoint() -> None:
    route = request.url_rule.rule if request.url_rule else None
    structlog.contextvars.bind_contextvars(endpoint=route)


def _wants_page() -> bool:
    return browser_navigates() and not request.path.startswith(_FOR_PROGRAMS)


def _error_page(answer: Answer) -> str:
    return render_template(
        "sso/error.html",
        title_code=answer.problem.code,
        detail=answer.detail,
        request_id=current_request_id(),
        retry_url=None,
    )


def _require_database(storage: Storage) -> None:
    try:
        current = is_current(storage)
    except Unavailable as outage:
        raise NotReady("the database does not answer") from outage
    if not current:
        raise NotReady("the database is not migrated: run `python app.py sso migrate`")


def _require_answer(ping: Callable[[], None]) -> None:
    try:
        ping()
    except Unavailable as outage:
        raise NotReady("does not answer") from outage
