"""Anti-forgery for plain HTML forms: a hidden field bound to a cookie of this browser.

The browser's own word (``Sec-Fetch-Site``, ``Origin``) is judged first, the token second: either
alone has gaps in some browser. The token is masked anew each time, so that compression of a page
tells nothing about it.

Spec: ASVS 3.5.1; RFC 10017 §6.1.3.3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from flask import g, request

from httpkit.problems import CSRF_FAILED, Refused

if TYPE_CHECKING:
    from flask import Flask, Response

FIELD = "csrf_token"
_SALT_BYTES = 16
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class FormGuard:
    """Issues and checks the hidden field ``csrf_token`` of one party's forms."""

    def __init__(self, *, secret: bytes, origin: str, https: bool) -> None:
        """Guard forms of *origin* (``scheme://host[:port]``) with *secret* (32 bytes or more)."""
        self._secret = secret
        self._origin = origin
        self._https = https
        self._cookie_name = "__Host-forms" if https else "forms"

    def token(self) -> str:
        """Return a token for a form on the page at hand; sets the cookie when there is none."""
        browser = request.cookies.get(self._cookie_name) or g.get("forms_cookie")
        if browser is None:
            browser = g.forms_cookie = secrets.token_urlsafe(32)
        salt = secrets.token_bytes(_SALT_BYTES)
        return base64.urlsafe_b64encode(salt + self._mac(browser, salt)).decode()

    def require(self) -> None:
        """Pass when the post at hand came from our own form in this same browser.

        Raises:
            Refused: ``csrf_failed``; nothing of the request was acted upon.
        """
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if site not in {"same-origin", "none"}:
            raise Refused(CSRF_FAILED, hint=f"Sec-Fetch-Site is {site!r}")
        if request.headers.get("Origin", self._origin) != self._origin:
            raise Refused(CSRF_FAILED, hint="Origin is foreign")
        if not self._matches(request.form.get(FIELD, "")):
            raise Refused(CSRF_FAILED, hint="csrf_token is missing or of another browser")

    def install(self, app: Flask, *, exempt: frozenset[str] = frozenset()) -> None:
        """Require the token on every unsafe request of *app* but those to *exempt* endpoints.

        An endpoint is exempt only where it reads no cookie.
        """

        @app.before_request
        def _require() -> None:
            # No endpoint: nothing here acts on the request, and 404 or 405 is the truer answer.
            unsafe = request.endpoint is not None and request.method not in _SAFE_METHODS
            if unsafe and request.endpoint not in exempt:
                self.require()

        @app.after_request
        def _remember(response: Response) -> Response:
            if browser := g.get("forms_cookie"):
                response.set_cookie(
                    self._cookie_name, browser, secure=self._https, httponly=True, samesite="Lax"
                )
            return response

        app.jinja_env.globals["csrf_token"] = self.token

    def _matches(self, token: str) -> bool:
        browser = request.cookies.get(self._cookie_name)
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii"))
        except (UnicodeEncodeError, binascii.Error):
            return False
        salt, mac = raw[:_SALT_BYTES], raw[_SALT_BYTES:]
        return browser is not None and hmac.compare_digest(mac, self._mac(browser, salt))

    def _mac(self, browser: str, salt: bytes) -> bytes:
        return hmac.digest(self._secret, salt + browser.encode(), hashlib.sha256)
