"""`GET /bff/forward-auth`: the judgement of a proxied call, for a proxy that carries it itself.

nginx, Traefik, Caddy or Envoy asks before each call. The answer is the token to carry, or the
refusal that the browser is to get. Only trusted proxies may ask: whoever is answered holds a token.
No user agent and no path is exempt (S-060), and what cannot be read in one way only is refused.

Spec: RFC 10017 §6.1; RFC 9457.
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from bff.problems import (
    INTERNAL_ERROR,
    LOGIN_REQUIRED,
    ORIGIN_DENIED,
    ROUTE_NOT_FOUND,
    TOKEN_BOUND,
    Refused,
    Unavailable,
)
from bff.proxy import paths
from bff.proxy.call import Call
from bff.proxy.client_address import party_of
from bff.proxy.forward_shortcut import ROUTE, Door, Shortcut
from bff.proxy.guard import require_own_request, require_same_origin
from bff.proxy.head_memo import HeaderLines
from bff.proxy.routes import TokenKind
from httpkit import events

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from bff.proxy.access_log import AccessLog
    from bff.proxy.authority import Authorities, Authority
    from bff.proxy.limiter import Limiter
    from bff.proxy.relay import Send
    from bff.proxy.routes import RouteTable
    from bff.sessions.cookie import SessionCookie
    from bff.sessions.model import Ticket
    from bff.settings import Frontend

    Scope = MutableMapping[str, Any]

TRUSTED_PEER: Final = "cloakroom-trusted-peer"
"""The address of the proxy of our own that asks, in the scope; empty for anybody else."""
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_UNAVAILABLE: Final = 503
# As the edge remembers heads: a page's calls bear the same cookies, and sessions are asked anew.
_TICKETS_MAX: Final = 2048
_TICKETS_KEPT_S: Final = 10.0
# nginx's names, and those of Traefik and Caddy.
_METHODS: Final = frozenset({b"x-original-method", b"x-forwarded-method"})
_URIS: Final = frozenset({b"x-original-uri", b"x-forwarded-uri"})
_TELLING: Final = _METHODS | _URIS
_PAIRS: Final = {b"x-original-method": b"x-original-uri", b"x-forwarded-method": b"x-forwarded-uri"}
# In a header a subject is one word; escaping the `%` too keeps two people two.
_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")
_PLAIN = re.compile("[!-$&-~]+")
_ALLOWED: Final = [
    (b"content-length", b"0"),
    (b"cache-control", b"private, no-store"),
    (b"vary", b"Cookie"),
]


class ForwardAuth:
    """Answers for one front end; used from a worker's event loop alone."""

    def __init__(
        self,
        *,
        frontend: Frontend,
        style: str,
        routes: RouteTable,
        cookie: SessionCookie,
        authorities: Authorities,
        limiter: Limiter,
        access_log: AccessLog,
    ) -> None:
        """Join the parts.

        Args:
            frontend: whose pages may call.
            style: ``headers``: the proxy names the original request in headers; ``path``: it
                appends the original target to ours, as Envoy does; ``off``: nobody may ask.
            routes: what may be called, and with whose token.
            cookie: reads the ticket.
            authorities: the gateway's own way to a token.
            limiter: the gateway's own: rates are counted here too. How many calls are under way
                only who carries them can know.
            access_log: one line an answer.
        """
        self._origin = frontend.public_url.encode("ascii")
        self._login_url = f"{frontend.base_path}/bff/login"
        self._path = f"{frontend.base_path}{ROUTE}".encode("ascii")
        self._beneath = self._path + b"/"
        self._style = style
        self._routes = routes
        self._cookie = cookie
        self._authorities = authorities
        self._limiter = limiter
        self._log = access_log
        # Ids need to be different, not secret; made per worker, after any fork.
        self._ids = random.Random()  # noqa: S311
        self._door = Door(
            path=self._path,
            routes=routes,
            authorities=authorities,
            log=access_log,
            new_id=self._new_id,
            head=_head,
        )
        self._tickets: dict[bytes, Ticket] = {}
        self._forget_at = 0.0

    def is_asked(self, path: bytes) -> bool:
        """Return whether the request for *path* is one to us."""
        if self._style == "path":
            return path == self._path or path.startswith(self._beneath)
        return path == self._path

    async def serve(self, scope: Scope, send: Send) -> None:
        """Answer one question of a proxy with 200, 401, 403, 429 or 503."""
        call = Call(self._new_id(), "", scope["method"], ROUTE, time.perf_counter())
        try:
            await _allow(call, send, await self._judge(call, scope))
        except Refused as refused:
            await self._refuse(call, send, refused)
        except Unavailable as unavailable:
            problem = replace(unavailable.problem, status=_UNAVAILABLE)
            call.hint = unavailable.hint
            retry = ("retry-after", str(unavailable.retry_after_s))
            told = _told(problem.document(request_id=call.request_id))
            await call.answer(send, problem, headers=[retry, told])
        except Exception as error:  # noqa: BLE001 - the outermost edge; nothing opens by a bug
            events.log_bug(error)
            await call.answer(send, INTERNAL_ERROR)
        finally:
            self._log.record(call)

    def _new_id(self) -> str:
        return f"{self._ids.getrandbits(128):032x}"

    async def _judge(self, call: Call, scope: Scope) -> Authority:
        """Return what the call may carry; the order is that of a proxied call."""
        if self._style == "off" or not scope.get(TRUSTED_PEER):
            raise Refused(ORIGIN_DENIED, hint="forward-auth asked by a peer that is not trusted")
        headers = scope["headers"]
        method, path, query = self._original(scope)
        paths.judge(path, query)
        route = self._routes.find(path)
        if route is None:
            raise Refused(ROUTE_NOT_FOUND)
        require_own_request(headers, self._origin, method=method, websocket=route.websocket)
        route.require_operation(method, path)
        cookies = [value for name, value in headers if name == b"cookie"]

        def read_ticket() -> Ticket | None:
            return self._ticket(cookies)

        finding = self._authorities.find(call, route, read_ticket)
        if route.rate_limits:
            address = party_of((scope.get("client") or ("unknown",))[0])
            authority, call.lines = await self._limiter.admit(route, address, read_ticket, finding)
        else:
            authority = await finding
        if authority.token is not None and authority.token.proof_key is not None:
            # A proof names one request to one address; who carries it is not known here.
            raise Refused(TOKEN_BOUND, hint="forward-auth asked for a token of the type DPoP")
        if route.token is TokenKind.USER and authority.ticket is not None:
            self._ease(scope, headers, authority.ticket)
        return authority

    def _ease(self, scope: Scope, headers: Sequence[tuple[bytes, bytes]], ticket: Ticket) -> None:
        """Let the next question with the same block go the short way, where the block allows it."""
        rest = headers.rest if type(headers) is HeaderLines else None
        if rest is None or rest.shortcut is not None or self._style != "headers":
            return
        try:
            require_same_origin(rest, self._origin)
        except Refused:
            return  # a visit or a socket: its method and route have a say
        if len(_named(rest)) == 0:
            rest.shortcut = Shortcut(self._door, scope[TRUSTED_PEER], ticket)

    def _ticket(self, cookies: list[bytes]) -> Ticket | None:
        """Return the ticket in *cookies*; what was made of it is kept for a few seconds."""
        if len(cookies) != 1:
            return self._cookie.read(cookies)
        now = time.monotonic()
        if now > self._forget_at or len(self._tickets) >= _TICKETS_MAX:
            self._tickets.clear()
            self._forget_at = now + _TICKETS_KEPT_S
        ticket = self._tickets.get(cookies[0])
        if ticket is None and (ticket := self._cookie.read(cookies)) is not None:
            self._tickets[cookies[0]] = ticket
        return ticket

    def _original(self, scope: Scope) -> tuple[str, bytes, bytes]:
        """Return method, path and query of the request that the proxy asks about.

        A client may have written the names of another proxy's headers, and its own proxy passed
        them on: whatever stands there twice, in any spelling, is refused (S-059).
        """
        named = _named(scope["headers"])
        if self._style == "path":
            path: bytes = scope["raw_path"][len(self._path) :]
            if named or not path:
                raise _unclear("the original request is not told by the path alone")
            return scope["method"], path, scope["query_string"]
        told = dict(named)
        methods = [name for name in told if name in _METHODS]
        if len(named) != len(_PAIRS) or len(methods) != 1 or _PAIRS[methods[0]] not in told:
            raise _unclear("not exactly one original method and URI")
        path, _, query = told[_PAIRS[methods[0]]].partition(b"?")
        return told[methods[0]].decode("latin-1"), path, query

    async def _refuse(self, call: Call, send: Send, refused: Refused) -> None:
        status = refused.problem.status
        # nginx takes 401 and 403 for an answer, and any other refusal for a fault of ours; what
        # `bff edge` writes for it knows 429 and 503 besides.
        if status not in {_UNAUTHORIZED, _TOO_MANY}:
            status = _FORBIDDEN
        problem = replace(refused.problem, status=status)
        members = {"login_url": self._login_url} if refused.problem is LOGIN_REQUIRED else {}
        call.hint = refused.hint
        document = problem.document(
            request_id=call.request_id, detail=refused.detail, members=members
        )
        lines = [(name.lower(), value) for name, value in refused.headers.items()]
        await call.answer(send, problem, refused.detail, [*lines, _told(document)], members)


def host_of(scope: Scope) -> bytes:
    """Return the host that selects the front end.

    It is the request's own, but a trusted proxy that asks names the browser's beside it.
    """
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    if scope.get(TRUSTED_PEER) and ROUTE.encode() in scope["raw_path"]:
        told = [value for name, value in headers if name == b"x-forwarded-host"]
        if len(told) == 1:
            return told[0]
    return next((value for name, value in headers if name == b"host"), b"")


def _named(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [line for line in headers if line[0] in _TELLING]


def _head(call: Call, authority: Authority) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that lets a call pass."""
    lines = [*_ALLOWED, (b"x-request-id", call.request_id.encode("ascii"))]
    if authority.token is not None:
        value = authority.token.token.value.encode("ascii")
        lines.append((b"authorization", b"Bearer " + value))
    if authority.tokens is not None:
        sub = authority.tokens.sub
        told = sub if _PLAIN.fullmatch(sub) else quote(sub, safe=_PRINTABLE)
        session = authority.session
        public_id = b"" if session is None else session.public_id.encode("ascii")
        lines.append((b"x-auth-subject", told.encode("ascii")))
        lines.append((b"x-auth-session", public_id))
    lines += call.lines or ()
    return lines


async def _allow(call: Call, send: Send, authority: Authority) -> None:
    headers = _head(call, authority)
    call.start(200)
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    await send({**start, "body_follows": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _told(document: bytes) -> tuple[str, str]:
    """Return the problem as a header: nginx keeps no body of a subrequest."""
    return ("x-auth-problem", document.decode("ascii"))


def _unclear(hint: str) -> Refused:
    return Refused(ORIGIN_DENIED, hint=hint)
