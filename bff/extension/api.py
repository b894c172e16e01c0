"""An upstream's API from inside a view, called with the visitor's own access token.

The token never passes through the view. It is renewed ahead of expiry by the one lifecycle, goes
only to origins that the settings name, and is renewed once more where the upstream refuses it.

Spec: RFC 6750 §2.1; RFC 8707; RFC 8693; RFC 9470.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import httpx2
from flask import request as incoming

from bff.extension.wire import build_request, is_replayable, require_answer
from bff.problems import STEP_UP_REQUIRED, UPSTREAM_BAD_REPLY, Refused, Unavailable
from bff.proxy import paths
from bff.proxy.challenge import find_step_up
from bff.proxy.redaction import TokenWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bff.extension.wire import UpstreamWire
    from bff.parts import Parts
    from bff.sessions.model import Session, TokenSet

_UNAUTHORIZED = 401
_PORTS = {"http": 80, "https": 443}


class ApiMisused(ValueError):  # noqa: N818 - a bug of the caller's, answered with 500
    """The call cannot be meant: an origin that no setting names, a path that is none."""


@dataclass(frozen=True, slots=True)
class ApiDoor:
    """What the clients of one application share."""

    parts: Parts
    wire: UpstreamWire
    upstreams: frozenset[str]


class ApiClient:
    """Calls one upstream; made by `Cloakroom.api`, also before there is an application.

    Each method returns the reply of any status below 500 but 429; *json*, *data*, *files*,
    *content* and *params* are httpx2's.

    Raises (each method):
        Refused: ``login_required``; ``step_up_required`` where the upstream asks for a stronger
            sign-in; ``uri_rejected`` where the path can be read in two ways.
        Unavailable: the provider or the upstream gives no answer, or one that cannot be used.
        ApiMisused: the upstream is not in the settings.
    """

    def __init__(
        self,
        door: Callable[[], ApiDoor],
        base_url: str,
        *,
        token: Literal["user", "client"],
        target: str,
        timeout_s: float,
    ) -> None:
        """Use `Cloakroom.api` instead."""
        self._door = door
        self._base = httpx2.URL(base_url.rstrip("/"))
        if self._base.query or self._base.fragment or self._base.userinfo:
            raise ApiMisused("base_url must not carry a user, a query or a fragment")
        self._mode = token
        self._target = target
        self._timeout_s = timeout_s

    def get(self, path: str, **more: Any) -> httpx2.Response:  # noqa: ANN401 - httpx2's keywords
        """Return the reply to a GET of *path*."""
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx2.Response:  # noqa: ANN401 - httpx2's keywords
        """Return the reply to a POST to *path*."""
        return self.request("POST", path, **more)

    def put(self, path: str, **more: Any) -> httpx2.Response:  # noqa: ANN401 - httpx2's keywords
        """Return the reply to a PUT of *path*."""
        return self.request("PUT", path, **more)

    def patch(self, path: str, **more: Any) -> httpx2.Response:  # noqa: ANN401 - httpx2's keywords
        """Return the reply to a PATCH of *path*."""
        return self.request("PATCH", path, **more)

    def delete(self, path: str, **more: Any) -> httpx2.Response:  # noqa: ANN401 - httpx2's keywords
        """Return the reply to a DELETE of *path*."""
        return self.request("DELETE", path, **more)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        **body: Any,  # noqa: ANN401 - httpx2's keywords
    ) -> httpx2.Response:
        """Return the reply to *method* on *path*; raises as the class says.

        Args:
            method: in upper case.
            path: beneath the base URL, with a slash before it; quote what comes from outside.
            headers: beside ours; never a cookie and never an ``Authorization``.
            timeout_s: for this call alone.
            body: *params*, *json*, *data*, *files* or *content*.
        """
        door = self._door()
        url = self._url(door, path)
        waits_s = self._timeout_s if timeout_s is None else timeout_s
        request = build_request(method, url, waits_s, dict(headers or {}), **body)
        if self._mode == "client":
            token = door.parts.client_tokens.wait_for_access_token(self._target)
            return require_answer(door.wire.send(request, token))
        return self._as_visitor(door, request)

    def _as_visitor(self, door: ApiDoor, request: httpx2.Request) -> httpx2.Response:
        lifecycle, current = door.parts.lifecycle, door.parts.current
        session = current.require()
        tokens = lifecycle.fresh_set(session.ticket, session.tokens, self._target)
        reply = door.wire.send(request, tokens.bound_token(self._target))
        if reply.status_code == _UNAUTHORIZED:
            _require_no_step_up(door, session, reply)
            renewed = self._renewed(door, request, tokens)
            if renewed is not None:
                tokens = renewed
                reply = door.wire.send(request, tokens.bound_token(self._target))
        if tokens is not session.tokens:
            current.adopt(session, tokens)
        _require_no_step_up(door, session, reply)  # another token may have brought it to light
        _require_no_token(reply, tokens)
        return require_answer(reply)

    def _renewed(self, door: ApiDoor, request: httpx2.Request, tokens: TokenSet) -> TokenSet | None:
        if not is_replayable(request):
            return None
        ticket = door.parts.current.require().ticket
        return door.parts.lifecycle.find_replacement(ticket, tokens, self._target)

    def _url(self, door: ApiDoor, path: str) -> httpx2.URL:
        if not path.startswith("/"):
            raise ApiMisused("path must begin with a slash")
        if _origin(self._base) not in door.upstreams:
            raise ApiMisused(f"{_origin(self._base)} is not in CLOAKROOM upstreams")
        plain, _mark, query = path.partition("?")
        # Before httpx2 sees it: that would quietly resolve the dots of `/users/../admin`.
        paths.judge(plain.encode("utf-8"), query.encode("utf-8"))
        return httpx2.URL(f"{self._base}{path}")


def _origin(url: httpx2.URL) -> str:
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = url.port
    if port is None or port == _PORTS.get(url.scheme):
        return f"{url.scheme}://{host}"
    return f"{url.scheme}://{host}:{port}"


def _require_no_step_up(door: ApiDoor, session: Session, reply: httpx2.Response) -> None:
    step_up = find_step_up(reply.headers.raw)
    if reply.status_code == _UNAUTHORIZED and step_up is not None:
        login_url = step_up.login_url(f"{incoming.script_root}/bff/login")
        door.parts.step_ups.tell(session.ticket, login_url)
        raise Refused(STEP_UP_REQUIRED, members={"login_url": login_url})


def _require_no_token(reply: httpx2.Response, tokens: TokenSet) -> None:
    """Refuse a reply that echoes the session's own tokens: a view might print it (B-04)."""
    watch = TokenWatch(tokens)
    if watch.sees_in_headers(reply.headers.raw) or watch.sees_in_body(reply.content):
        raise Unavailable(UPSTREAM_BAD_REPLY, hint="reply carries a token of the session")
