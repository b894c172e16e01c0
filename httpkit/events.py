"""Structured logs: one JSON line a fact, on standard error, never a secret.

Events are dotted names in the past tense (``token.refreshed``); facts are fields, not prose.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Final, TextIO

import structlog
from flask import g, request

from httpkit.log_loss import LOST_LINES
from httpkit.problems import INTERNAL_ERROR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask, Response

HTTP_ANSWERED: Final = "http.answered"
HTTP_REFUSED: Final = "http.refused"
HTTP_UNAVAILABLE: Final = "http.unavailable"
HTTP_FAILED: Final = "http.failed"

_MASK = "[masked]"
# The net under the rope: no call site passes these, and if one ever does, the line stays clean.
_SECRET_FIELDS = frozenset(
    {
        "access_token",
        "assertion",
        "authorization",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "cookie",
        "csrf_token",
        "id_token",
        "logout_token",
        "password",
        "refresh_token",
        "secret",
        "set_cookie",
        "state",
        "ticket",
        "token",
    }
)


def get_logger() -> structlog.stdlib.BoundLogger:
    """Return the logger; the party and the request id are bound to each line by context."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger()
    return logger


def configure_logging(
    party: str, *, level: str = "INFO", stream: TextIO | None = None, quiet: Iterable[str] = ()
) -> None:
    """Send every log line of this process, libraries' too, to *stream* as JSON.

    Args:
        party: ``bff``, ``sso`` or ``workbench``; a field of every line.
        level: the least severe level that is written.
        stream: standard error unless given.
        quiet: library loggers that are held at WARNING, because their INFO or DEBUG lines
            repeat ours or would print secrets.
    """

    def name_party(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["party"] = party
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_party,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = _Lines(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in quiet:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class _Lines(logging.StreamHandler[TextIO]):
    """Counts what a full disk or a closed stream takes; nobody could read a complaint there."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as in `logging`
        """Count a line that could not be written; any other error is a bug and shown."""
        if isinstance(sys.exc_info()[1], OSError | ValueError):
            LOST_LINES.count()
        else:
            super().handleError(record)


def use_standard_logging() -> None:
    """Send our lines through `logging`, unless the host application has configured structlog.

    For our code in somebody else's process: levels and handlers are theirs to set, by module name.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            mask_secrets,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def mask_secrets(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace the value of every field that is named like a secret."""
    for name in event.keys() & _SECRET_FIELDS:
        event[name] = _MASK
    return event


def install_access_log(app: Flask) -> None:
    """Write one ``http.answered`` line a request of *app*.

    The route's pattern stands for the path: a path or a query may carry a code or a name.
    """

    @app.before_request
    def _start() -> None:
        g.started_at = time.perf_counter()

    @app.after_request
    def _write(response: Response) -> Response:
        started_at = g.get("started_at")
        get_logger().info(
            HTTP_ANSWERED,
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            duration_ms=round((time.perf_counter() - started_at) * 1000, 2) if started_at else None,
        )
        return response


def log_bug(error: BaseException) -> None:
    """Write a bug with its traceback; the client learns nothing but the request id."""
    get_logger().error(HTTP_FAILED, problem=INTERNAL_ERROR.code, exc_info=error)
