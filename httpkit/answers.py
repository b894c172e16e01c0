"""The one place where a Flask party turns an outcome into an answer.

Views raise; they never build an error themselves. A page is rendered for a browser's navigation,
a problem document for everybody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Response, request
from werkzeug.exceptions import HTTPException

from httpkit import events
from httpkit.problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    INTERNAL_ERROR,
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    ProblemType,
    Refused,
    Unavailable,
)
from httpkit.request_ids import current_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask

_OF_STATUS = {
    problem.status: problem
    for problem in (BAD_REQUEST, NOT_FOUND, METHOD_NOT_ALLOWED, BODY_TOO_LARGE)
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome on its way out: everything a page or a problem document says."""

    problem: ProblemType
    detail: str | None
    headers: Mapping[str, str]
    members: Mapping[str, object]

    def as_problem(self) -> Response:
        """Return the RFC 9457 response."""
        document = self.problem.document(
            request_id=current_request_id(), detail=self.detail, members=self.members
        )
        return self._finish(Response(document, self.problem.status, content_type=MEDIA_TYPE))

    def as_page(self, html: str) -> Response:
        """Return *html* under the same status and headers."""
        return self._finish(Response(html, self.problem.status, content_type="text/html"))

    def _finish(self, response: Response) -> Response:
        response.headers.update(self.headers)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def install_answers(
    app: Flask,
    *,
    wants_page: Callable[[], bool] = lambda: False,
    render_page: Callable[[Answer], str] | None = None,
    not_found: ProblemType = NOT_FOUND,
    members_of: Callable[[ProblemType], Mapping[str, object]] = lambda _problem: {},
    on_refused: Callable[[Refused], None] = lambda _refused: None,
) -> None:
    """Answer every error of *app*.

    Args:
        app: the party's application.
        wants_page: whether the request at hand is answered with a page.
        render_page: the page; the problem document stands in where none is given.
        not_found: the party's own word for an unknown address.
        members_of: what the documents of a problem carry besides what its raiser gave.
        on_refused: told of every refusal.
    """

    def answer(outcome: Answer) -> Response:
        if render_page is not None and wants_page():
            return outcome.as_page(render_page(outcome))
        return outcome.as_problem()

    @app.errorhandler(Refused)
    @app.errorhandler(Unavailable)
    def _outcome(error: Refused | Unavailable) -> Response:
        if isinstance(error, Refused):
            on_refused(error)
        return answer(note_outcome(error, members_of))

    @app.errorhandler(HTTPException)
    def _werkzeug(error: HTTPException) -> Response:
        if error.code is not None and error.code < BAD_REQUEST.status:  # werkzeug's own redirect
            return Response(error.get_body(), error.code, error.get_headers())
        return answer(_foreign(error, not_found))

    @app.errorhandler(Exception)
    def _bug(error: Exception) -> Response:
        events.log_bug(error)
        return answer(Answer(INTERNAL_ERROR, None, {}, {}))


def note_outcome(
    error: Refused | Unavailable,
    members_of: Callable[[ProblemType], Mapping[str, object]] = lambda _problem: {},
) -> Answer:
    """Log *error* once and return what is said of it."""
    code = error.problem.code
    if isinstance(error, Unavailable):
        events.get_logger().warning(events.HTTP_UNAVAILABLE, problem=code, hint=error.hint)
        headers = {"Retry-After": str(error.retry_after_s)}
        return Answer(error.problem, error.detail, headers, {})
    events.get_logger().info(events.HTTP_REFUSED, problem=code, hint=error.hint or error.detail)
    members = {**members_of(error.problem), **error.members}
    return Answer(error.problem, error.detail, error.headers, members)


def _foreign(error: HTTPException, not_found: ProblemType) -> Answer:
    """Return what werkzeug raised in the party's own words."""
    status = error.code or INTERNAL_ERROR.status
    problem = not_found if status == NOT_FOUND.status else _OF_STATUS.get(status)
    if problem is None:
        problem = ProblemType(error.name.lower().replace(" ", "_"), status, error.name)
    allow = ", ".join(getattr(error, "valid_methods", None) or ())
    return Answer(problem, None, {"Allow": allow} if allow else {}, {})


def browser_navigates() -> bool:
    """Return whether the request at hand is a person's navigation and not a script's call."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
