"""The shell at `/`: signed out, signed in, or signed out behind the visitor's back.

Where the workbench is the shell, whoever is signed in gets it, at `/` and at each of its addresses;
everybody else gets the same page as ever, which leads back to the address they came to.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote

from flask import Blueprint, render_template, request

from bff.problems import (
    LOGIN_DENIED,
    LOGIN_EXPIRED,
    LOGIN_FAILED,
    LOGIN_LOOP,
    LOGIN_REQUIRED,
    PROVIDER_ERROR,
    PROVIDER_UNAVAILABLE,
    STORE_UNAVAILABLE,
)
from httpkit.headers import allow_form_action
from httpkit.i18n import current_language, home
from httpkit.request_ids import current_request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpkit.answers import Answer

_STARTS_AGAIN = frozenset(
    problem.code
    for problem in (
        LOGIN_DENIED,
        LOGIN_EXPIRED,
        LOGIN_FAILED,
        LOGIN_LOOP,
        LOGIN_REQUIRED,
        PROVIDER_ERROR,
        PROVIDER_UNAVAILABLE,
    )
)
# Where the workbench's own addresses begin; its router (static/workbench/routes.js) knows them too.
WORKBENCH_PLACES: Final = (
    *("projects", "statuses", "teams", "people", "inbox", "search"),
    *("profile", "devices", "join", "welcome"),
)


_STATIC = Path(__file__).resolve().parents[2] / "static"
# Loaded when the first Markdown is shown.
_LATER = frozenset({"workbench/vendor/marked.js", "workbench/lib/markdown.js"})


class Visitor(Protocol):
    """What the shell shows of a person who is signed in; empty where the provider said nothing."""

    @property
    def name(self) -> str | None:
        """The name they go by."""

    @property
    def sub(self) -> str:
        """The provider's own id of them."""

    @property
    def email(self) -> str | None:
        """Their e-mail address."""

    @property
    def sign_out_origin(self) -> str | None:
        """Where signing out goes on (``https://host[:port]``), so that the form may end there."""


def pages_blueprint(
    *,
    current_session: Callable[[], Visitor | None],
    carries_ticket: Callable[[], bool] = lambda: False,
    workbench: bool = False,
) -> Blueprint:
    """Return the routes of the pages.

    Args:
        current_session: who is signed in on the request at hand; may raise `Unavailable`.
        carries_ticket: whether the request came with a ticket, of a session that is over or not.
        workbench: whether the workbench is what a signed-in person gets.
    """
    pages = Blueprint("pages", __name__)
    modules = _first_modules() if workbench else ()

    @pages.get("/")
    def shell(place: str = "", rest: str = "") -> str:
        del place, rest  # the script's business
        session = current_session()
        if session is not None and session.sign_out_origin is not None:
            allow_form_action(session.sign_out_origin)
        ended = session is None and carries_ticket()
        if workbench and session is not None:
            return render_template("bff/workbench.html", session=session, modules=modules)
        return render_template(
            "bff/shell.html",
            session=session,
            ended=ended,
            return_to=_address() if workbench else None,
        )

    if workbench:
        places = ",".join(WORKBENCH_PLACES)
        pages.get(f"/<any({places}):place>", endpoint="place")(shell)
        pages.get(f"/<any({places}):place>/<path:rest>", endpoint="inner_place")(shell)

    @pages.get("/bff/signed-in")
    def signed_in() -> str:
        return render_template("bff/signed_in.html")

    return pages


def _first_modules() -> tuple[str, ...]:
    """Return what every page of the workbench needs at once, beneath ``/static/``."""
    names = [path.relative_to(_STATIC).as_posix() for path in _STATIC.glob("workbench/*/*.js")]
    parts = ("workbench/lib/", "workbench/ui/", "workbench/vendor/")
    return tuple(sorted(name for name in names if name.startswith(parts) and name not in _LATER))


def render_landing(return_to: str, signed_in: bool = True) -> str:  # noqa: FBT001, FBT002 - as views call it
    """Return the page that moves on to *return_to*, a local path, by itself and without script."""
    return render_template("bff/landing.html", return_to=return_to, signed_in=signed_in)


def render_error_page(outcome: Answer) -> str:
    """Return the page for *outcome*, with the one next step that makes sense after it."""
    return render_template(
        "bff/error.html",
        problem=outcome.problem.code,
        request_id=current_request_id(),
        retry_url=_retry_url(outcome.problem.code),
    )


def _address() -> str:
    """Return the local address at hand, for a query."""
    path = quote(f"{request.script_root}{request.path}")
    query = quote(request.query_string, safe="%&=+/:;,@!$'()*?~")
    return quote(f"{path}?{query}" if query else path, safe="/")


def _retry_url(code: str) -> str | None:
    if code in _STARTS_AGAIN:
        return f"{home()}bff/login?return_to={home()}&ui_locales={current_language().tag}"
    # Never the address at hand: it may be a callback whose code is spent.
    return home() if code == STORE_UNAVAILABLE.code else None
