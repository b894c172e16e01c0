"""How an outcome of ours is answered in a host application: our problems only, its errors its own.

A script gets a problem document. A person who must sign in is sent there and comes back; any other
outcome of a person's navigation is a small page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode, urlsplit

from flask import Response, current_app, request

from bff.extension.pages import POLICY
from bff.login.return_to import HOME, parse_return_to
from bff.problems import LOGIN_REQUIRED, STEP_UP_REQUIRED, ProblemType, Refused, Unavailable
from httpkit.answers import Answer, browser_navigates, note_outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask

    from bff.settings import Frontend

_SAFE = frozenset({"GET", "HEAD"})
_OURS: Final = "/bff/"
# Asked by scripts and servers, whatever they accept.
_NEVER_PAGES = ("/bff/backchannel-logout/", "/bff/user", "/bff/sessions")
_PATH_CHARS: Final = "/~!$&'()*+,;=:@"
_TRIES_MAX: Final = 5
_TRIES_WITHIN_S: Final = 60


class Answers:
    """Turns what guards and routes raise into responses."""

    def __init__(self, frontend: Frontend, render_error: Callable[[Answer], str]) -> None:
        """Answer for *frontend*; *render_error* makes the page of an outcome."""
        self._frontend = frontend
        self._render_error = render_error
        self._tries_cookie = "__Host-sign-in-tries" if frontend.https else "sign-in-tries"

    def install(self, app: Flask) -> None:
        """Answer our two kinds of outcome in *app*, and nothing else."""
        app.register_error_handler(Refused, self.answer)
        app.register_error_handler(Unavailable, self.answer)

    def answer(self, error: Refused | Unavailable) -> Response:
        """Return the response to *error*."""
        outcome = note_outcome(error, _where_to_sign_in)
        if not browser_navigates() or request.path.startswith(_NEVER_PAGES):
            return outcome.as_problem()
        if request.path.startswith(_OURS):
            return self._page(outcome)
        if outcome.problem in (LOGIN_REQUIRED, STEP_UP_REQUIRED):
            return self._sign_in(outcome)
        return self._page(outcome)

    def _sign_in(self, outcome: Answer) -> Response:
        """Send the visitor to sign in and back here; explain where that goes round in circles."""
        tries = self._tries() + 1
        if tries > _TRIES_MAX:
            members = {**outcome.members, "circle": True}
            return self._page(Answer(outcome.problem, None, outcome.headers, members))
        login_url = str(outcome.members["login_url"])
        joint = "&" if "?" in login_url else "?"
        response = _to(f"{login_url}{joint}{urlencode({'return_to': self._here()})}")
        response.set_cookie(
            self._tries_cookie,
            str(tries),
            max_age=_TRIES_WITHIN_S,
            secure=self._frontend.https,
            httponly=True,
            samesite="Lax",
        )
        return response

    def _tries(self) -> int:
        value = request.cookies.get(self._tries_cookie, "")
        return int(value) if value in {str(count) for count in range(_TRIES_MAX + 1)} else 0

    def _here(self) -> str:
        """Return the local address to come back to; a post cannot be repeated, its page can."""
        path, query = quote(f"{request.script_root}{request.path}", safe=_PATH_CHARS), ""
        if request.method in _SAFE:
            query = request.query_string.decode("ascii", "replace")
        elif (page := self._page_before()) is not None:
            path, query = page
        elif "GET" not in _methods_here():
            return HOME
        try:
            return parse_return_to(f"{path}?{query}" if query else path)
        except Refused:
            return HOME

    def _page_before(self) -> tuple[str, str] | None:
        """Return path and query of the page that the post came from, where it is ours."""
        referrer = request.referrer or ""
        if not referrer.startswith(f"{self._frontend.public_url}/"):
            return None
        parts = urlsplit(referrer)
        return parts.path, parts.query

    def _page(self, outcome: Answer) -> Response:
        response = outcome.as_page(self._render_error(outcome))
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


def _where_to_sign_in(problem: ProblemType) -> dict[str, object]:
    return {"login_url": f"{request.script_root}/bff/login"} if problem is LOGIN_REQUIRED else {}


def _methods_here() -> Iterable[str]:
    adapter = current_app.create_url_adapter(request)
    return adapter.allowed_methods(request.path) if adapter is not None else ()


def _to(address: str) -> Response:
    headers = {"Location": address, "Cache-Control": "no-store"}
    return Response(status=303, headers=headers)
