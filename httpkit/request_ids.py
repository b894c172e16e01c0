"""One id for a request through all parties: ``X-Request-Id``, and ``traceparent`` beside it.

The request id is the trace id, so that a log line and a trace are found by the same 32 digits.

Spec: W3C Trace Context §3.2.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import structlog
from flask import g, has_request_context, request

if TYPE_CHECKING:
    from flask import Flask, Response

HEADER = "X-Request-Id"
_WELL_FORMED = re.compile(r"[0-9a-f]{32}")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NOBODY = "0" * 32


def new_request_id() -> str:
    """Return a fresh id: 128 random bits as 32 lower-case hexadecimal digits."""
    return secrets.token_hex(16)


def traceparent_for(request_id: str) -> str:
    """Return a ``traceparent`` that names *request_id* as its trace and a new parent span."""
    return f"00-{request_id}-{secrets.token_hex(8)}-01"


def adopt_request_id(x_request_id: str | None, traceparent: str | None) -> str:
    """Return the caller's id where it is well formed, else a fresh one.

    Anything else is dropped rather than cleaned: an id goes into logs and headers.
    """
    if x_request_id is not None and _WELL_FORMED.fullmatch(x_request_id):
        return x_request_id
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match and match.group(1) != _NOBODY:
        return match.group(1)
    return new_request_id()


def current_request_id() -> str:
    """Return the id of the request being served, or a fresh one outside of any."""
    if has_request_context() and "request_id" in g:
        return str(g.request_id)
    return new_request_id()


def install_request_ids(app: Flask) -> None:
    """Give every request of *app* an id, bind it to the log, and answer with it.

    Templates call ``request_id()`` for the code that a person can quote.
    """
    app.jinja_env.globals["request_id"] = current_request_id

    @app.before_request
    def _adopt() -> None:
        g.request_id = adopt_request_id(
            request.headers.get(HEADER), request.headers.get("traceparent")
        )
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def _answer(response: Response) -> Response:
        response.headers[HEADER] = current_request_id()
        return response
