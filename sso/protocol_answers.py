"""Answers of the endpoints for programs, in the words of RFC 6749 §5: tokens, errors, outages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Response, jsonify

from httpkit import events
from httpkit.problems import Unavailable
from sso.errors import TEMPORARILY_UNAVAILABLE, OAuthError
from sso.refusals import log_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Blueprint

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def protocol_answer(members: Mapping[str, Any], *, status: int = 200) -> Response:
    """Return *members* as JSON that nobody may keep."""
    response = jsonify(members)
    response.status_code = status
    response.headers.update(NO_STORE)
    return response


def protocol_error(error: OAuthError) -> Response:
    """Return the error response, and write the refusal down."""
    log_refusal(error)
    response = protocol_answer(error.document(), status=error.status)
    response.headers.update(error.headers)
    return response


def speak_protocol(room: Blueprint) -> Blueprint:
    """Let *room* answer outages in the words of the protocol, too; return it."""
    room.register_error_handler(Unavailable, _outage)
    return room


def _outage(outage: Unavailable) -> Response:
    events.get_logger().warning(
        events.HTTP_UNAVAILABLE, problem=outage.problem.code, hint=outage.hint
    )
    described = OAuthError(TEMPORARILY_UNAVAILABLE, "the server cannot answer just now")
    response = protocol_answer(described.document(), status=outage.problem.status)
    response.headers["Retry-After"] = str(outage.retry_after_s)
    return response
