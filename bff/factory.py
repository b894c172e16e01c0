"""Composition root of the control plane: the Flask application of one front end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, request

from bff.account.device_pages import DevicePages
from bff.account.sessions import SessionsViews
from bff.account.views import account_blueprint
from bff.login.logout_views import LogoutViews
from bff.login.provider_logout import provider_logout_blueprint
from bff.login.views import login_blueprint
from bff.pages.files import files_blueprint
from bff.pages.views import pages_blueprint, render_error_page, render_landing
from bff.problems import LOGIN_REQUIRED, ROUTE_NOT_FOUND, Unavailable
from bff.proxy.guard import require_no_foreign_origin, require_same_origin
from bff.sessions.flask_interface import VisitorApp, VisitorSessionInterface
from httpkit.answers import browser_navigates, install_answers
from httpkit.events import install_access_log
from httpkit.headers import install_security_headers
from httpkit.health import NotReady, install_health
from httpkit.i18n import home, install_i18n
from httpkit.request_ids import install_request_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.login.logout import Logout
    from bff.parts import Parts
    from bff.sessions.model import Session
    from bff.sessions.store import SessionStore
    from bff.settings import Frontend
    from httpkit.metrics import HttpMetrics
    from httpkit.problems import ProblemType

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


def build_control_plane(parts: Parts) -> VisitorApp:
    """Return the Flask application of one front end with every room mounted."""
    frontend = parts.frontend
    app = _app(frontend, parts.shared.metrics)
    app.session_interface = VisitorSessionInterface(parts.store, parts.current)
    _install_health(app, parts.store)
    app.jinja_env.globals["csrf_token"] = lambda: parts.forms.token(parts.current.ticket())
    mount(app, parts, render_landing=render_landing)
    app.register_blueprint(
        DevicePages(
            own=parts.own, current=parts.current, require_form=parts.forms.require
        ).blueprint()
    )
    if frontend.static_dir is not None:
        app.register_blueprint(files_blueprint(frontend.static_dir))
    else:
        app.register_blueprint(
            pages_blueprint(
                current_session=lambda: _visitor(parts.current.find(), parts.logout),
                carries_ticket=lambda: parts.current.ticket() is not None,
                workbench=frontend.workbench,
            )
        )
    return app


def mount(app: Flask, parts: Parts, *, render_landing: Callable[[str, bool], str]) -> None:
    """Mount sign-in, sign-out, `/bff/user` and `/bff/sessions` on *app*.

    Args:
        app: ours, or that of a developer who uses the extension.
        parts: what the routes put to use.
        render_landing: the page that moves on to a local path by itself, told whether somebody has
            just signed in.
    """
    require_own_page = rule_of(require_same_origin, parts.frontend.public_url)
    blueprints = (
        login_blueprint(
            flow=parts.flow,
            cookie=parts.cookie,
            current=parts.current,
            require_own_page=require_own_page,
            render_landing=render_landing,
        ),
        LogoutViews(
            logout=parts.logout,
            addresses=parts.addresses,
            forms=parts.forms,
            cookie=parts.cookie,
            current=parts.current,
            require_own_page=require_own_page,
            require_no_foreign_page=rule_of(require_no_foreign_origin, parts.frontend.public_url),
        ).blueprint(),
        account_blueprint(
            store=parts.store, current=parts.current, require_own_page=require_own_page
        ),
        SessionsViews(
            own=parts.own,
            current=parts.current,
            cookie=parts.cookie,
            require_own_page=require_own_page,
        ).blueprint(),
        provider_logout_blueprint(parts.provider_logout),
    )
    for blueprint in blueprints:
        app.register_blueprint(blueprint)


def _app(frontend: Frontend, metrics: HttpMetrics) -> VisitorApp:
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
    install_security_headers(app, https=frontend.https)
    install_i18n(app, https=frontend.https)
    install_answers(
        app,
        wants_page=_wants_page,
        render_page=render_error_page,
        not_found=ROUTE_NOT_FOUND,
        members_of=where_to_sign_in,
    )
    return app


def where_to_sign_in(problem: ProblemType) -> dict[str, object]:
    """Return what a refusal of an anonymous caller tells besides: where to sign in."""
    return {"login_url": f"{home()}bff/login"} if problem is LOGIN_REQUIRED else {}


def _wants_page() -> bool:
    if request.path.startswith("/bff/callback/"):
        return not request.is_json
    return browser_navigates() and not request.path.startswith(_NEVER_PAGES)


def rule_of(
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
