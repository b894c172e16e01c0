"""Every page in every state that a person can meet, with an example of what a view hands it."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, render_template
from jinja2 import StrictUndefined
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import ClosingIterator

from httpkit.csrf import FormGuard
from httpkit.headers import install_security_headers
from httpkit.i18n import install_i18n
from httpkit.request_ids import install_request_ids
from sso.accounts.passkeys import Invitation
from tests.support.programs import ROOT
from tests.support.showcase_builders import BUILDERS_PAGES
from tests.support.showcase_factors import EVERYTHING, FACTOR_PAGES
from tests.support.showcase_own import OWN_PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_REQUEST_ID = "0af7651916cd43dd8448eb211c80319c"
_SIGN_IN = {
    "username": "",
    "error": None,
    "retry_at": None,
    "client_name": None,
    "next": "/account",
}
_SIGN_UP = {"username": "", "email": "", "errors": {}, "next": "/account"}
_NEXT = "/oauth/authorize?client_id=a&scope=b"


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in, as the views of either party know them."""

    sub: str = "7d1f"
    name: str | None = "林晓雨"
    username: str = "xiaoyu"
    email: str | None = "xiaoyu@example.com"


def _device(name: str | None, *, current: bool = False, hours: int = 0) -> dict[str, Any]:
    return {
        "id": f"d{hours}",
        "current": current,
        "device": name,
        "created_at": NOW - timedelta(days=2, hours=hours),
        "last_seen_at": NOW - timedelta(hours=hours),
        "expires_at": NOW + timedelta(hours=6),
        "ip": "2001:db8::17",
        "applications": ["Campus Card", "Library"],
    }


_DEVICES = [
    _device("Firefox, Linux", current=True),
    _device("Safari, iPhone", hours=3),
    _device(None, hours=30),
]
_SERVED = ["profile", "security", "devices", "applications"]
_APPLICATION = {
    "id": "a1",
    "name": "Campus Card",
    "host": "card.example.edu",
    "scopes": ["profile", "grades:write"],
    "last_used_at": NOW - timedelta(hours=1),
    "granted_at": NOW - timedelta(days=40),
}


PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    **BUILDERS_PAGES,
    **FACTOR_PAGES,
    **OWN_PAGES,
    "sign-in": ("sso/sign_in.html", _SIGN_IN),
    "sign-in-for-client": (
        "sso/sign_in.html",
        _SIGN_IN | {"client_name": "Campus Card", "next": _NEXT},
    ),
    "sign-in-wrong": ("sso/sign_in.html", _SIGN_IN | {"username": "xiaoyu", "error": "wrong"}),
    "sign-in-throttled": (
        "sso/sign_in.html",
        _SIGN_IN | {"error": "throttled", "retry_at": NOW + timedelta(minutes=12)},
    ),
    "sign-in-wrong-passkey": (
        "sso/sign_in.html",
        _SIGN_IN | {"passkey": Invitation("{}", "sealed"), "passkey_failed": True, "again": True},
    ),
    "sign-in-unavailable": ("sso/sign_in.html", _SIGN_IN | {"error": "unavailable"}),
    "sign-up": ("sso/sign_up.html", _SIGN_UP),
    "sign-up-wrong": (
        "sso/sign_up.html",
        {
            "username": "x y",
            "email": "no",
            "errors": {"username": "taken", "email": "invalid", "password": "common"},
            "next": _NEXT,
        },
    ),
    "sign-out": ("sso/sign_out.html", {"client_name": "Campus Card", "fields": {"state": "s"}}),
    "signed-out": (
        "sso/signed_out.html",
        {"return_url": "https://card.example.edu/", "client_name": "Campus Card"},
    ),
    "account": ("sso/account.html", {"user": Person()}),
    "account-of-sections": ("sso/account.html", {"user": Person(), "served": _SERVED}),
    "account-devices": (
        "sso/account_devices.html",
        {"devices": _DEVICES, "ended": [], "served": _SERVED},
    ),
    "account-applications": (
        "sso/account_applications.html",
        {"applications": [_APPLICATION], "withdrawn": None, "served": _SERVED},
    ),
    "account-no-applications": (
        "sso/account_applications.html",
        {"applications": [], "withdrawn": "Campus Card", "served": _SERVED},
    ),
    "account-security": (
        "sso/account_security.html",
        {
            "user": Person(),
            "errors": {},
            "changed": True,
            "served": _SERVED,
            "second": EVERYTHING,
            "passkeys_possible": True,
        },
    ),
    "account-security-wrong": (
        "sso/account_security.html",
        {
            "user": Person(),
            "errors": {"current_password": "wrong", "new_password": "too_short"},
            "password_min": 12,
            "changed": False,
            "served": _SERVED,
        },
    ),
    "consent": (
        "sso/consent.html",
        {
            "client_name": "Campus Card",
            "client_host": "card.example.edu",
            "scopes": [
                "openid",
                "profile",
                "email",
                "offline_access",
                "users:read",
                "grades:write",
            ],
            "hidden": {"request": "r"},
            "user": Person(),
            "lasting_s": 2_592_000,
        },
    ),
    "sso-error": (
        "sso/error.html",
        {"title_code": "unknown_client", "detail": None, "request_id": _REQUEST_ID},
    ),
    "shell-signed-out": ("bff/shell.html", {"session": None, "ended": False}),
    "shell-signed-in": ("bff/shell.html", {"session": Person(), "ended": False}),
    "shell-ended": ("bff/shell.html", {"session": None, "ended": True}),
    "devices": ("bff/devices.html", {"devices": _DEVICES, "ended": ["Chrome, Windows"]}),
    "devices-only-this": ("bff/devices.html", {"devices": _DEVICES[:1], "ended": []}),
    "signed-in": ("bff/signed_in.html", {}),
    "landing": ("bff/landing.html", {"return_to": "/shown/shell-signed-in?a=1&b=2#c"}),
    "bff-error": (
        "bff/error.html",
        {
            "problem": "login_failed",
            "request_id": _REQUEST_ID,
            "retry_url": "/bff/login?return_to=/",
        },
    ),
    "bff-unavailable": (
        "bff/error.html",
        {"problem": "store_unavailable", "request_id": _REQUEST_ID, "retry_url": "/"},
    ),
}


def showcase() -> Flask:
    """Return an application that serves each page at ``/shown/<name>``; a missing name fails."""
    app = Flask("showcase", template_folder=f"{ROOT}/templates", static_folder=f"{ROOT}/static")
    app.jinja_env.undefined = StrictUndefined
    app.testing = True
    install_request_ids(app)
    install_i18n(app, https=False, now=lambda: NOW)
    install_security_headers(app, https=False)
    app.jinja_env.globals["csrf_token"] = FormGuard(
        secret=b"s" * 32, origin="http://localhost", https=False
    ).token

    @app.get("/shown/<name>")
    def shown(name: str) -> str:
        template, context = PAGES[name]
        return render_template(template, **context)

    @app.get("/api/users/me")
    def me() -> Any:  # noqa: ANN401 - a response of Flask's
        return jsonify(name="林晓雨", id="1042", email="xiaoyu@example.com")

    @app.get("/bff/events")
    def events() -> Response:
        active = 'retry: 60000\nevent: session\ndata: {"state": "active", "expires_in_s": 900}\n\n'
        return Response(active, mimetype="text/event-stream")

    return app


class Quiet(WSGIRequestHandler):
    """Serves without a log line a request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ANN401 - as in werkzeug
        """Say nothing."""


def _whole(app: Flask) -> WSGIApplication:
    """Return *app* with its answers read and closed before they are sent.

    Werkzeug's server leaves an answer open where the browser goes away in the middle of it; the
    file under it would be found unclosed by whichever test collects it.
    """

    def answer(environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        with contextlib.closing(ClosingIterator(app(environ, start))) as parts:
            return [b"".join(parts)]

    return answer


@contextlib.contextmanager
def served(app: Flask, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve *app* at *port*, a free one if 0, while the block lasts; yield its origin."""
    server = make_server(host, port, _whole(app), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
