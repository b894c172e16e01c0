"""A visitor who signs in by following redirects, with a cookie jar for each origin."""

from __future__ import annotations

import http.client
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from bench.stage import CannotRun

if TYPE_CHECKING:
    from email.message import Message

_MAX_STEPS = 12
_TIMEOUT_S = 20
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)


@dataclass(frozen=True)
class Answer:
    """What one step answered."""

    status: int
    headers: Message
    body: bytes


@dataclass
class Visitor:
    """One person's browser, as far as signing in needs one."""

    cookies: dict[str, dict[tuple[str, str], str]] = field(default_factory=dict)
    """Origin → (name, path) → value."""

    def sign_in(self, login_url: str) -> None:
        """Follow *login_url* through the provider and back until a page is reached.

        Raises:
            CannotRun: a step answered an error, or the redirects never ended.
        """
        url = login_url
        for step in range(_MAX_STEPS):
            answer = self.get(url, navigation=True)
            if answer.status in {301, 302, 303, 307}:
                url = urljoin(url, answer.headers["Location"])
            elif answer.status < 300 or (answer.status == 404 and step > 0):
                return  # landed; a peer without a front end has no page to land on
            else:
                where = urlsplit(url)
                raise CannotRun(f"signing in: {where.netloc}{where.path} said {answer.status}")
        raise CannotRun("signing in: redirected in circles")

    def get(self, url: str, *, navigation: bool = False) -> Answer:
        """Return the answer to a GET of *url*, with this visitor's cookies; keep those it sets."""
        where = urlsplit(url)
        origin = f"{where.scheme}://{where.netloc}"
        headers = {"User-Agent": USER_AGENT, "Accept": "text/html" if navigation else "*/*"}
        if not navigation:
            headers |= {"X-CSRF": "1", "Sec-Fetch-Site": "same-origin"}
        if cookie := self.cookie_header(origin, where.path):
            headers["Cookie"] = cookie
        connection = http.client.HTTPConnection(where.netloc, timeout=_TIMEOUT_S)
        try:
            target = (where.path or "/") + (f"?{where.query}" if where.query else "")
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or ():
            self._keep(origin, line)
        return answer

    def cookie_header(self, origin: str, path: str) -> str:
        """Return the ``Cookie`` header for *path* at *origin*; empty when there is none."""
        jar = self.cookies.get(origin, {})
        return "; ".join(f"{n}={v}" for (n, scope), v in jar.items() if _covers(scope, path))

    def _keep(self, origin: str, line: str) -> None:
        jar = self.cookies.setdefault(origin, {})
        # An attribute younger than SimpleCookie ends its parse, but the value came first.
        for name, morsel in SimpleCookie(line).items():
            key = (name, morsel["path"] or "/")
            if morsel["max-age"] == "0" or "1970" in morsel["expires"] or not morsel.value:
                jar.pop(key, None)
            else:
                jar[key] = morsel.coded_value


def _covers(scope: str, path: str) -> bool:
    return path == scope or path.startswith(scope if scope.endswith("/") else scope + "/")
