"""Composition root of the workbench: the only file that knows every room."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from flask_migrate import Migrate
from prometheus_client import CollectorRegistry

from httpkit.answers import install_answers
from httpkit.events import configure_logging, install_access_log
from httpkit.headers import install_security_headers
from httpkit.health import install_health
from httpkit.metrics import HttpMetrics, start_management_listener
from httpkit.request_ids import install_request_ids
from workbench import journal as _journal  # noqa: F401 - its table is part of the schema
from workbench import openapi
from workbench.bearer import BearerGuard
from workbench.database import db, install_database, require_schema
from workbench.feed import views as feed
from workbench.feed.hub import Hub
from workbench.feed.items import items
from workbench.feed.sight import channels_of
from workbench.issuer import IssuerClient, IssuerKeys
from workbench.kit.ids import install_ids
from workbench.notifications import views as notifications
from workbench.notifications.digests import Sender
from workbench.notifications.mail import Outbox, Smtp
from workbench.notifications.retention import forget_some
from workbench.notifications.views import Surroundings
from workbench.projects import views as projects
from workbench.projects.limits import Limits
from workbench.projects.naming import TITLES
from workbench.projects.storage import storage_of
from workbench.settings import load_settings
from workbench.statuses import views as statuses
from workbench.teams import internal_views as internal_teams
from workbench.teams import joining_views as joining
from workbench.teams import membership
from workbench.teams import views as teams
from workbench.users import views as users
from workbench.users.circles import Circles
from workbench.users.directory import Directory
from workbench.users.people import Callers
from workbench.users.profile import ProfileSource

if TYPE_CHECKING:
    from workbench.bearer import Keys
    from workbench.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
_BODY_LIMIT_BYTES = 1_048_576
_QUIET = ("httpx2", "httpcore2", "alembic", "sqlalchemy.engine")


def create_app() -> Flask:
    """Return the party as a server process runs it: logs, metrics listener and all.

    Raises:
        SettingsInvalid: nothing was started.
    """
    settings = load_settings()
    configure_logging("workbench", level=settings.log_level, quiet=_QUIET)
    registry = CollectorRegistry()
    app = build_app(settings, registry)
    start_management_listener(
        registry,
        host=settings.management_host,
        port=settings.management_port,
        workers=settings.workers,
    )
    return app


def build_app(
    settings: Settings, registry: CollectorRegistry | None = None, *, keys: Keys | None = None
) -> Flask:
    """Return the application of *settings*; connects to nothing and starts nothing.

    *keys* stand in for those of the issuer, where no request comes from outside.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _BODY_LIMIT_BYTES
    install_request_ids(app)
    install_access_log(app)
    HttpMetrics(registry or CollectorRegistry()).install(app)
    install_security_headers(app, https=settings.identifier.startswith("https://"))
    install_answers(app)
    install_database(app, settings.database_url, connections=settings.threads)
    install_ids(app)
    Migrate(app, db, directory=str(MIGRATIONS))
    install_health(app, {"database": require_schema})
    _open_rooms(app, settings, keys)
    return app


def _open_rooms(app: Flask, settings: Settings, keys: Keys | None) -> None:
    client = IssuerClient(settings.issuer)
    bearer = BearerGuard(
        keys or IssuerKeys(client, ttl_s=settings.keys_ttl_s, max_age_s=settings.keys_max_age_s),
        issuer=settings.issuer,
        identifier=settings.identifier,
        leeway_s=settings.leeway_s,
    )
    directory = Directory(ProfileSource(client), profile_ttl_s=settings.profile_ttl_s)
    callers = Callers(bearer, directory)
    circles = Circles(sharing=membership.sharing, members=membership.members_seen_by)
    app.register_blueprint(users.create_blueprint(callers, directory, circles))
    for ways in (teams, joining, internal_teams):
        app.register_blueprint(ways.create_blueprint(callers))
    app.register_blueprint(statuses.create_blueprint(callers))
    around = Surroundings(channels_of, items, TITLES)
    app.register_blueprint(notifications.create_blueprint(callers, around))
    hub = Hub(app, around, streams_max=settings.streams)
    app.extensions |= {"feed": hub, "leaving": hub.stop}
    app.register_blueprint(feed.create_blueprint(callers, hub))
    app.register_blueprint(
        projects.create_blueprint(
            callers,
            storage_of(settings),
            Limits.of(settings),
            besides=partial(forget_some, settings.feed_retention_s),
        )
    )
    app.register_blueprint(
        openapi.create_blueprint(issuer=settings.issuer, identifier=settings.identifier)
    )


def sender_of(settings: Settings) -> Sender:
    """Return what the daily letters are sent with."""
    password = settings.mail_password
    transport = (
        Smtp(
            settings.mail_smtp_host,
            settings.mail_smtp_port,
            settings.mail_security,
            settings.mail_username,
            password.get_secret_value() if password else None,
        )
        if settings.mail_smtp_host
        else Outbox(settings.mail_outbox)
    )
    return Sender(transport, settings.mail_from, settings.front_end_url, channels_of)
