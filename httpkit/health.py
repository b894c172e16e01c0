"""``/livez`` and ``/readyz``: alive is not the same as able.

``/livez`` asks nothing of anybody, so that an outage never gets a healthy process killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import jsonify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask, Response


class NotReady(Exception):  # noqa: N818 - a finding, not an error of ours
    """A part this party needs is missing. The message is shown to operators: no secrets in it."""


def install_health(app: Flask, checks: Mapping[str, Callable[[], None]]) -> None:
    """Answer ``/livez`` and ``/readyz``; a check passes by returning and fails by `NotReady`."""

    @app.get("/livez")
    def livez() -> Response:
        return jsonify(status="alive")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        findings = {name: _finding(check) for name, check in checks.items()}
        ready = all(finding == "ok" for finding in findings.values())
        status = "ready" if ready else "not ready"
        return jsonify(status=status, checks=findings), 200 if ready else 503


def _finding(check: Callable[[], None]) -> str:
    try:
        check()
    except NotReady as finding:
        return str(finding)
    return "ok"
