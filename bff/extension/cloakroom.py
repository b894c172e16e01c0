"""Composition root of the extension: the gateway's parts put to use in a host application."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar
from urllib.parse import urlencode

from flask import current_app, g, has_request_context, request

from bff.extension import pages
from bff.extension.answers import Answers
from bff.extension.api import ApiClient, ApiDoor
from bff.extension.guard import Guard
from bff.extension.settings import settings_from
from bff.extension.signals import install_signals
from bff.extension.wire import UpstreamWire
from bff.factory import mount
from bff.parts import build_parts, build_shared
from bff.problems import Refused, Unavailable
from bff.sessions.flask_interface import VisitorSessionInterface
from bff.settings import token_target
from httpkit.events import use_standard_logging
from httpkit.request_ids import HEADER, adopt_request_id, current_request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response
    from prometheus_client import CollectorRegistry

    from bff.extension.visitor import Visitor
    from bff.parts import Parts
    from httpkit.answers import Answer

P = ParamSpec("P")
R = TypeVar("R")

_NAME = "cloakroom"
_BLUEPRINTS = "bff_"
_TIMEOUT_S = 10.0
_FAILED = 500
# Authlib prints tokens and code verifiers at DEBUG, httpcore2 headers.
_QUIET = ("authlib", "httpx2", "httpcore2")
_PRIVATE = "private, no-store"


@dataclass(frozen=True, slots=True)
class _Installed:
    """What one application has; found through the application alone, so that two never meet."""

    parts: Parts
    guard: Guard
    answers: Answers
    door: ApiDoor


class Cloakroom:
    """The gateway in a Flask application.

    One object may serve several applications, each with settings and state of its own. Templates
    know it as ``cloakroom``.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        render_landing: Callable[[str], str] = pages.render_landing,
        render_error: Callable[[Answer], str] = pages.render_error,
    ) -> None:
        """Make the extension, and install it where *app* is given.

        Args:
            app: as for `init_app`.
            render_landing: the page that moves on to a local path by itself after a sign-in.
            render_error: the page for a refusal or an outage on a person's navigation.
        """
        self._render_landing = render_landing
        self._render_error = render_error
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Install into *app*, whose ``config["CLOAKROOM"]`` is complete by now.

        Nothing is asked of Redis or a provider yet: an outage does not keep *app* from starting.

        Raises:
            SettingsInvalid: with one line a fault.
            RuntimeError: *app* has a Cloakroom already.
        """
        if _NAME in app.extensions:
            raise RuntimeError(
                f"{app.name!r} has a Cloakroom already: make one, and import it where it is needed"
            )
        settings = settings_from(app.config)
        use_standard_logging()
        _hush()
        parts = build_parts(build_shared(settings), settings.all_frontends()[0])
        answers = Answers(parts.frontend, self._render_error)
        door = ApiDoor(parts, UpstreamWire(), frozenset(settings.upstreams))
        app.extensions[_NAME] = _Installed(parts, Guard(parts), answers, door)
        install_signals(app, parts.news)
        _install_hooks(app, answers)
        if settings.flask_session:
            app.session_interface = VisitorSessionInterface(parts.store, parts.current)
        mount(app, parts, render_landing=self._landing)
        app.jinja_env.globals[_NAME] = self
        # Another extension's token of this name stays what its forms expect.
        app.jinja_env.globals.setdefault("csrf_token", self.csrf_token)

    def _landing(self, return_to: str, _signed_in: bool) -> str:  # noqa: FBT001 - as `mount` calls it
        return self._render_landing(return_to)

    def close(self, app: Flask) -> None:
        """Let refreshes and revocations of *app* finish and close its connections.

        A server process need not call it; tests that make many applications should.
        """
        installed: _Installed = app.extensions[_NAME]
        installed.parts.close()
        installed.door.wire.close()
        installed.parts.shared.transport.close()
        installed.parts.shared.client.close()

    def login_required(self, view: Callable[P, R]) -> Callable[P, R]:
        """Return *view* for signed-in visitors alone, called from pages of ours."""
        return _guarded(view, self.require_login)

    def scopes_required(self, *scopes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return a decorator: as `login_required`, and every one of *scopes* was granted."""

        def require() -> None:
            guard = _installed().guard
            guard.require_scopes(guard.require_session(), scopes)

        return lambda view: _guarded(view, require)

    def step_up(
        self, *, acr: str | tuple[str, ...] = (), max_age_s: int | None = None
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return a decorator: as `login_required`, and signed in strongly and lately enough.

        Args:
            acr: one of these the provider must have said (OIDC Core §2).
            max_age_s: the sign-in is no older than this, in seconds.

        Raises:
            ValueError: neither is given, or *max_age_s* could never be met.
        """
        accepted = (acr,) if isinstance(acr, str) else acr
        if not accepted and max_age_s is None:
            raise ValueError("step_up needs acr or max_age_s")
        if max_age_s is not None and max_age_s < 1:
            raise ValueError("max_age_s must be a second or more")

        def require() -> None:
            guard = _installed().guard
            guard.require_strength(guard.require_session(), accepted, max_age_s)

        return lambda view: _guarded(view, require)

    def require_login(self) -> None:
        """Pass where `login_required` would; fits ``blueprint.before_request``."""
        _installed().guard.require_session()

    def require_own_page(self) -> None:
        """Pass when the request comes from a page of ours: anti-forgery for any other view."""
        _installed().guard.require_own_page()

    @property
    def current(self) -> Visitor:
        """The signed-in visitor.

        Raises:
            Refused: ``login_required``; nobody is signed in.
            Unavailable: Redis gives no answer. That is not the same as nobody.
        """
        installed = _installed()
        return installed.guard.visitor(installed.parts.current.require())

    def find_current(self) -> Visitor | None:
        """Return the signed-in visitor, or None where nobody is; raises as `current`."""
        guard = _installed().guard
        session = guard.find()
        return None if session is None else guard.visitor(session)

    def csrf_token(self) -> str:
        """Return the value of the hidden field ``csrf_token`` for a form on the page at hand.

        Empty where nobody is signed in: there is no session to forge a request of.
        """
        parts = _installed().parts
        g.cloakroom_private = True
        return parts.forms.token(parts.current.ticket())

    def login_url(self, return_to: str = "/", **more: str) -> str:
        """Return the local address that signs in and comes back to *return_to*.

        Args:
            return_to: a local path with query and fragment.
            more: *provider*, *prompt*, *login_hint*, *max_age*, *acr_values*, *ui_locales*.
        """
        root = request.script_root if has_request_context() else ""
        return f"{root}/bff/login?{urlencode({'return_to': return_to, **more})}"

    def api(
        self,
        base_url: str,
        *,
        audience: str | None = None,
        resource: str | None = None,
        scopes: tuple[str, ...] = (),
        token: Literal["user", "client"] = "user",  # noqa: S107 - a mode
        timeout_s: float = _TIMEOUT_S,
    ) -> ApiClient:
        """Return a client for the API at *base_url*; also where there is no application yet.

        Args:
            base_url: its origin must be one of the setting ``upstreams``.
            audience: trade the visitor's token for one of this audience (RFC 8693).
            resource: ask for a token for this resource (RFC 8707).
            scopes: ask for a token with these scopes alone.
            token: the visitor's own, or this client's (RFC 6749 §4.4).
            timeout_s: how long a reply may take, connecting aside.
        """
        target = token_target(audience, resource, scopes)
        return ApiClient(
            lambda: _installed().door, base_url, token=token, target=target, timeout_s=timeout_s
        )

    def metrics_of(self, app: Flask) -> CollectorRegistry:
        """Return what *app*'s gateway counts, for the host's own ``/metrics``."""
        installed: _Installed = app.extensions[_NAME]
        return installed.parts.shared.registry

    def require_ready(self) -> None:
        """Return when Redis answers, for the host's own health check; raises `Unavailable`."""
        _installed().parts.store.ping()


def _installed() -> _Installed:
    installed = current_app.extensions.get(_NAME)
    if installed is None:
        raise RuntimeError(f"{current_app.name!r} has no Cloakroom: call init_app(app)")
    found: _Installed = installed
    return found


def _guarded(view: Callable[P, R], require: Callable[[], None]) -> Callable[P, R]:
    @wraps(view)
    def guarded(*arguments: P.args, **named: P.kwargs) -> R:
        g.cloakroom_private = True
        require()
        answer: R = current_app.ensure_sync(view)(*arguments, **named)
        return answer

    return guarded


def _install_hooks(app: Flask, answers: Answers) -> None:
    answers.install(app)

    @app.before_request
    def _adopt_request_id() -> None:
        if "request_id" not in g:
            g.request_id = adopt_request_id(
                request.headers.get(HEADER), request.headers.get("traceparent")
            )

    @app.after_request
    def _finish(response: Response) -> Response:
        # Registered first, so it runs last: whatever the host's own hooks put into the session.
        response = _written(app, response, answers)
        response.headers.setdefault(HEADER, current_request_id())
        if (request.blueprint or "").startswith(_BLUEPRINTS):
            response.headers.setdefault("X-Content-Type-Options", "nosniff")
            response.headers.setdefault("Content-Security-Policy", pages.POLICY)
            response.headers["Cache-Control"] = _PRIVATE
            response.vary.add("Cookie")
        elif "cloakroom_private" in g:
            response.headers.setdefault("Cache-Control", _PRIVATE)
            response.vary.add("Cookie")
        return response


def _written(app: Flask, response: Response, answers: Answers) -> Response:
    """Return *response*, or why ``flask.session`` could not be kept.

    Flask itself writes it last, where a refused or failed write could only be a bug's 500.
    """
    interface = app.session_interface
    opened: Any = g.get("visitor_session")
    if not isinstance(interface, VisitorSessionInterface) or opened is None:
        return response
    if response.status_code >= _FAILED:
        return response
    try:
        interface.write(opened)
    except (Refused, Unavailable) as outcome:
        return answers.answer(outcome)
    return response


def _hush() -> None:
    """Hold libraries at WARNING that would print secrets, unless the host has set their level."""
    for name in _QUIET:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
