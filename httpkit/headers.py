"""Security headers of every page and answer: strict by default, widened by name where needed.

Spec: CSP Level 3; ASVS 3.4; RFC 9700 §4.16 for framing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask, Response

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: under that a browser posts our own forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_HSTS = "max-age=31536000; includeSubDomains"


def allow_form_action(origin: str) -> None:
    """Let a form on this page end at *origin* (``https://host[:port]``), beside our own.

    Browsers hold ``form-action`` against the redirects that follow a post.
    """
    g.form_action_origin = origin


def allow_being_framed() -> None:
    """Let any page show this answer in a frame; its own policy must leave nothing in it to do."""
    g.may_be_framed = True


def allow_frames(origins: Iterable[str]) -> None:
    """Let this page show frames of *origins* (``https://host[:port]``), and of no others."""
    g.frame_origins = sorted(set(origins))


def install_security_headers(app: Flask, *, https: bool) -> None:
    """Put the headers on every answer of *app*; a view may set a stricter value itself."""

    @app.after_request
    def _harden(response: Response) -> Response:
        policy = _POLICY
        if origin := g.get("form_action_origin"):
            policy = f"{policy} {origin}"
        if frames := g.get("frame_origins"):
            policy = f"{policy}; frame-src {' '.join(frames)}"
        lines = {"Content-Security-Policy": policy, "Cache-Control": "no-store", **_HEADERS}
        if "may_be_framed" in g:
            del lines["X-Frame-Options"]
        if https:
            lines["Strict-Transport-Security"] = _HSTS
        # Looked through once: each `setdefault` would look through all of them.
        there = {name.lower() for name, _value in response.headers}
        for name, value in lines.items():
            if name.lower() not in there:
                response.headers.add(name, value)
        return response
