"""A browser without a screen: cookies by SameSite, redirects, meta refresh, forms, fetch.

It sends what Chromium sends in those respects (tests/browser holds the two against each other)
and writes everything down that it saw.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from tests.support.cookies import Jar, Step
from tests.support.pages import Form, Html

_MOST_HOPS = 20
_TIMEOUT_S = 20.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REWRITING = frozenset({301, 302, 303})  # a POST goes on as a GET


@dataclass(frozen=True)
class Response:
    """One answer, and the address that gave it."""

    url: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the header *name*, lines joined by commas, or None."""
        return ", ".join(self.header_lines(name)) or None

    def header_lines(self, name: str) -> list[str]:
        """Return the value of each header line called *name*."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:  # noqa: ANN401 - what a server says in JSON is anything
        """The body as JSON."""
        return json.loads(self.body)

    @cached_property
    def html(self) -> Html:
        """The body as a page."""
        return Html(self.text)

    @property
    def location(self) -> str:
        """The absolute address that this answer redirects to."""
        return urljoin(self.url, self.header("Location") or "")

    @property
    def is_html(self) -> bool:
        """Whether a browser would show it as a page."""
        return (self.header("Content-Type") or "").startswith("text/html")

    def seen(self) -> str:
        """Everything of it that a browser holds: address, headers, body."""
        lines = [f"{name}: {value}" for name, value in self.headers]
        return "\n".join([self.url, *lines, self.text])


@dataclass(frozen=True)
class Request:
    """One request before cookies; *initiator* is the page that caused it, None the address bar."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    initiator: str | None = None
    navigation: bool = True
    crossed: bool = False


class Browser:
    """One person's browser. `page` is what the window shows.

    A redirect to an address that begins as `hold_at` says is not followed, but held.
    """

    def __init__(self, *, language: str = "en") -> None:
        self.jar = Jar()
        self.page: Response | None = None
        self.history: list[Response] = []
        self.language = language
        self._hold_at: str | None = None
        self._held: Request | None = None

    def open(self, url: str, *, follow: bool = True) -> Response:
        """Type *url* into the address bar; go where it leads unless *follow* is false."""
        return self._go(Request(url), follow=follow)

    def click(self, href: str, *, follow: bool = True) -> Response:
        """Follow a link of the page at hand."""
        here = self.here
        return self._go(Request(urljoin(here, href), initiator=here), follow=follow)

    def submit(self, form: Form | None = None, *, follow: bool = True, **typed: str) -> Response:
        """Fill in *form* (the page's first unless given) and send it."""
        page = self._window()
        form = form or page.html.forms[0]
        content = urlencode({**form.fields, **typed})
        action = urljoin(page.url, form.action or page.url)
        if form.method == "GET":
            url = action.partition("?")[0] + "?" + content
            return self._go(Request(url, initiator=page.url), follow=follow)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = Request(action, "POST", headers, content.encode(), initiator=page.url)
        return self._go(sent, follow=follow)

    def fetch(
        self,
        url: str,
        method: str = "GET",
        *,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        csrf: bool = True,
    ) -> Response:
        """Ask as a script on the page at hand does; sends ``X-CSRF: 1`` unless told not to.

        *body* is bytes as they are, or a value that is sent as JSON.
        """
        given = {"X-CSRF": "1"} if csrf else {}
        if body is not None and not isinstance(body, bytes):
            given["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        here = self.here
        request = Request(urljoin(here, url), method, {**given, **(headers or {})}, body, here)
        return self._send(Request(**{**vars(request), "navigation": False}))

    def hold_at(self, beginning: str) -> None:
        """Hold the next redirect to an address with this *beginning*."""
        self._hold_at, self._held = beginning, None

    def take_held(self) -> Request:
        """Return the redirect that was held."""
        if self._held is None:
            raise AssertionError(f"nothing was held; the way ended at {self.here}")
        return self._held

    def resume(self, request: Request, *, follow: bool = False) -> Response:
        """Go on with a redirect that was held back; the same one may be tried again."""
        return self._go(request, follow=follow)

    @property
    def here(self) -> str:
        """The address in the address bar."""
        return self._window().url

    def forget_cookies(self) -> None:
        """Become a browser that nobody knows."""
        self.jar = Jar()

    def everything_seen(self) -> str:
        """All that any answer ever put into this browser, to be searched."""
        return "\n".join(response.seen() for response in self.history)

    def _window(self) -> Response:
        if self.page is None:
            raise AssertionError("the browser shows no page yet")
        return self.page

    def _go(self, request: Request, *, follow: bool) -> Response:
        for _ in range(_MOST_HOPS):
            response = self._send(request)
            self.page = response
            following = _next_step(request, response)
            if not follow or following is None:
                return response
            if self._hold_at and following.url.startswith(self._hold_at):
                self._held, self._hold_at = following, None
                return response
            request = following
        raise AssertionError(f"a loop: {[seen.url for seen in self.history[-_MOST_HOPS:]]}")

    def _send(self, request: Request) -> Response:
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        cross_site = request.crossed or _site(request.initiator or request.url) != host
        step = Step(host, parts.path or "/", request.method, cross_site, request.navigation)
        headers = {**self._own_headers(request, cross_site=cross_site), **request.headers}
        if (cookies := self.jar.header_for(step)) and "Cookie" not in headers:
            headers["Cookie"] = cookies
        answer = exchange(_as_written(request.url), request.method, headers, request.body)
        response = replace(answer, url=request.url)
        for line in response.header_lines("Set-Cookie"):
            self.jar.store(host, parts.path or "/", line)
        self.history.append(response)
        return response

    def _own_headers(self, request: Request, *, cross_site: bool) -> dict[str, str]:
        own = {"User-Agent": "Mozilla/5.0 (tests)", "Accept-Language": self.language}
        own["Accept"] = "text/html" if request.navigation else "*/*"
        same_origin = request.initiator and _origin(request.initiator) == _origin(request.url)
        relation = "same-origin" if same_origin else "same-site"
        site = "none" if request.initiator is None else relation
        own["Sec-Fetch-Site"] = "cross-site" if cross_site else site
        own["Sec-Fetch-Mode"] = "navigate" if request.navigation else "cors"
        own["Sec-Fetch-Dest"] = "document" if request.navigation else "empty"
        if request.initiator and request.method not in {"GET", "HEAD"}:
            own["Origin"] = _origin(request.initiator)
        return own


def exchange(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
    body: bytes | None = None,
) -> Response:
    """Send exactly this and return the answer; nothing is added, followed or remembered."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    lines = list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
    own_host = any(name.lower() == "host" for name, _ in lines)
    try:
        connection.putrequest(method, target, skip_host=own_host, skip_accept_encoding=True)
        for name, value in lines:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Response(url, answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def _next_step(request: Request, response: Response) -> Request | None:
    if response.status in _REDIRECTS:
        crossed = request.crossed or _site(request.initiator or request.url) != _site(request.url)
        crossed = crossed or _site(response.location) != _site(request.url)
        keeps = response.status not in _REWRITING and request.method != "GET"
        sent = {"method": request.method, "headers": request.headers, "body": request.body}
        return Request(
            response.location,
            initiator=request.initiator,
            crossed=crossed,
            **(sent if keeps else {}),  # type: ignore[arg-type] # three fields of three types
        )
    if response.is_html and (onward := response.html.moves_on_to):
        return Request(urljoin(response.url, onward), initiator=response.url)
    return None


def _as_written(url: str) -> str:
    """Percent-encode what browsers encode in an address, and drop the fragment."""
    return quote(url.partition("#")[0], safe="%/:?&=+,;@!$'()*[]~\\|^`{}<>\"")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _site(url: str) -> str:
    """Ports do not matter to a site; the hosts of these tests are registrable domains each."""
    return urlsplit(url).hostname or ""
