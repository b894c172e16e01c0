"""The proxied call, from its head to the last byte of its reply.

Spec: RFC 10017 §6.1; RFC 6750 §2.1.
"""

from __future__ import annotations

import random
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

from bff.problems import (
    INTERNAL_ERROR,
    LOGIN_REQUIRED,
    UPSTREAM_BAD_REPLY,
    Refused,
    Unavailable,
)
from bff.proxy import paths
from bff.proxy.browser_head import BrowserHead, judge_headers
from bff.proxy.call import CLIENT_GONE, SESSION_ENDED, WEBSOCKET_CLOSED, Call
from bff.proxy.client_address import party_of
from bff.proxy.credentials import Credentials
from bff.proxy.edge_socket import RAW_TARGET
from bff.proxy.exchange import ClientGone, Exchange, ReplyAborted
from bff.proxy.handshake import SWITCHING_PROTOCOLS, UPGRADE, HandshakeHead, find_tunnel
from bff.proxy.headers import ReplyHeaders, UpstreamHeaders
from bff.proxy.limiter import Limiter
from bff.proxy.redaction import TokenWatch
from bff.proxy.relay import Caller, RequestBody, stream_reply
from bff.proxy.session_end import SessionOver, ending_with
from bff.proxy.transport import Transport, UpstreamRequest
from bff.proxy.websockets import WebSockets
from httpkit import events

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from prometheus_client import Gauge

    from bff.proxy.access_log import AccessLog
    from bff.proxy.authority import Authorities, Authority
    from bff.proxy.edge_tunnel import EdgeTunnel
    from bff.proxy.headers import Headers
    from bff.proxy.relay import Receive, Send
    from bff.proxy.routes import Route, RouteTable
    from bff.sessions.cookie import SessionCookie
    from bff.sessions.model import BoundToken
    from bff.sessions.watch import SessionWatch

    Scope = MutableMapping[str, Any]

_UNAUTHORIZED = 401
_NO_PLACE: AbstractContextManager[None] = nullcontext()
_NOWHERE = ("unknown", 0)
_REPLAYABLE = frozenset({"GET", "HEAD"})


class Gateway:
    """Forwards what the route table lists and refuses the rest."""

    def __init__(
        self,
        *,
        public_url: str,
        routes: RouteTable,
        cookie: SessionCookie,
        authorities: Authorities,
        transport: Transport,
        access_log: AccessLog,
        watch: SessionWatch,
        limiter: Limiter | None = None,
        streams_open: Gauge | None = None,
        login_url: str = "/bff/login",
    ) -> None:
        """Join the parts.

        Args:
            public_url: the only origin whose pages may call, and what upstreams are told.
            routes: everything that is proxied.
            cookie: reads the ticket.
            authorities: find the session behind it, and its tokens.
            transport: carries calls to upstreams.
            access_log: one line a call.
            watch: tells when a session ends, for what outlives its request.
            limiter: holds the limits of routes that have some.
            streams_open: counts what outlives its request, by route and kind.
            login_url: where an anonymous caller is told to go.
        """
        self._origin = public_url.encode("ascii")
        self._routes = routes
        self._cookie = cookie
        self._authorities = authorities
        self._credentials = Credentials()
        # What an upstream's 401 may ask for, each once a call: a nonce, then another token.
        self._heeds = (self._credentials.heed, authorities.replace)
        self._transport = transport
        self._log = access_log
        self._watch = watch
        self._limiter = limiter or Limiter()
        self._sockets = WebSockets(watch)
        self._streams_open = streams_open
        self._login_url = login_url
        self._up = UpstreamHeaders(public_url)
        self._down = ReplyHeaders([cookie.name])
        # Ids need to be different, not secret; made per worker, after any fork.
        self._ids = random.Random()  # noqa: S311

    async def take(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer the call if its path is ambiguous or a route covers it; return whether.

        Args:
            scope: ASGI ``http``, with ``raw_path``.
            receive: ASGI.
            send: ASGI.
        """
        path: bytes = scope["raw_path"]
        try:
            paths.judge(path, scope["query_string"])
        except Refused as refused:
            call = self._call(scope, "unmatched")
            await self._refuse(call, send, refused)
            self._log.record(call)
            return True
        route = self._routes.find(path)
        if route is None:
            return False
        await self.forward(route, scope, receive, send)
        return True

    async def forward(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge the call, forward it along *route*, and stream the reply."""
        call = self._call(scope, route.path)
        try:
            await self._forward(call, route, scope, receive, send)
        except Refused as refused:
            await self._refuse(call, send, refused)
        except Unavailable as unavailable:
            await call.defer(send, unavailable)
        except ReplyAborted as aborted:
            call.break_off(str(aborted))
        except SessionOver:
            call.problem = SESSION_ENDED
        except ClientGone:
            call.status = CLIENT_GONE
        except Exception as error:  # noqa: BLE001 - the outermost edge of the data plane
            events.log_bug(error)
            await call.answer(send, INTERNAL_ERROR)
        finally:
            self._log.record(call)

    async def _forward(
        self, call: Call, route: Route, scope: Scope, receive: Receive, send: Send
    ) -> None:
        # Before the session: ambient authority must not be read for a foreign page.
        tunnel = find_tunnel(route, scope)
        judge = judge_headers if tunnel is None else HandshakeHead
        browser = judge(scope["headers"], self._origin, self._cookie, self._up)
        route.require_operation(call.method, scope["raw_path"])
        body = RequestBody(browser.body_length, receive, route.body_limit_bytes)
        finding = self._authorities.find(call, route, browser.ticket)
        if route.is_limited:
            address = party_of((scope.get("client") or _NOWHERE)[0])
            authority, call.lines = await self._limiter.admit(
                route, address, browser.ticket, finding
            )
        else:
            authority = await finding
        with self._place(route, authority, tunnel):
            caller, exchange = Caller(receive, body), None
            try:
                head = self._head(call, route, scope, browser, body, authority.token)
                exchange = await self._send(route, call.method, head, body, caller, tunnel)
                for heed in self._heeds if authority.token is not None else ():
                    if exchange.status != _UNAUTHORIZED:
                        break
                    renewed = await heed(exchange, route, authority, body)
                    if renewed is not None:
                        exchange.close()
                        caller.release()
                        caller, authority = Caller(receive, body), renewed
                        head = self._head(call, route, scope, browser, body, authority.token)
                        exchange = await self._send(route, call.method, head, body, caller, tunnel)
                call.upstream_status = exchange.status
                if exchange.status == _UNAUTHORIZED:  # of another token, too, it may want more
                    self._authorities.require_no_step_up(exchange, authority)
                await self._answer(call, route, send, exchange, authority, caller, browser, tunnel)
            finally:
                caller.release()
                if exchange is not None:
                    exchange.close()

    async def _answer(
        self,
        call: Call,
        route: Route,
        send: Send,
        exchange: Exchange,
        authority: Authority,
        caller: Caller,
        browser: BrowserHead,
        tunnel: EdgeTunnel | None,
    ) -> None:
        """Relay the reply of *exchange* to its last byte."""
        down = self._down.sieve(
            exchange.headers,
            request_id=call.request_id,
            allow_set_cookie=route.allow_set_cookie,
        )
        token, tokens = authority.token, authority.tokens
        if token is not None and token.proof_key is not None:
            self._credentials.learn(route, exchange.headers)
        watch = None if tokens is None else TokenWatch(tokens, token)
        if call.lines:
            down = [*down, *call.lines]
        if tunnel is not None and exchange.is_tunnel:
            cast("HandshakeHead", browser).require_accepted(exchange.headers)
            caller.release()
            exchange.on_slow = None
            await self._join(call, route, tunnel, exchange, authority, down, watch)
        elif exchange.is_event_stream:
            session = authority.session
            ending = ending_with(session, self._watch, exchange) if session else _NO_PLACE
            with self._open(route, "events"), ending:
                await stream_reply(exchange, call, send, down, watch)
        else:
            await stream_reply(exchange, call, send, down, watch)

    def _place(
        self, route: Route, authority: Authority, tunnel: EdgeTunnel | None
    ) -> AbstractContextManager[None]:
        """Return what holds the call's place for as long as it is under way."""
        if not route.is_limited:
            return _NO_PLACE if tunnel is None else self._sockets.place(authority.session, route)
        return self._places(route, authority, tunnel)

    @contextmanager
    def _places(
        self, route: Route, authority: Authority, tunnel: EdgeTunnel | None
    ) -> Iterator[None]:
        session = authority.session
        socket = _NO_PLACE if tunnel is None else self._sockets.place(session, route)
        with self._limiter.place(route, session), socket:
            yield

    async def _join(
        self,
        call: Call,
        route: Route,
        tunnel: EdgeTunnel,
        exchange: Exchange,
        authority: Authority,
        down: Headers,
        watch: TokenWatch | None,
    ) -> None:
        """Answer a handshake that the upstream took, and relay until the WebSocket's end.

        Raises:
            Unavailable: ``upstream_bad_reply``: a token of the session in the upstream's answer.
        """
        if watch is not None and watch.sees_in_headers(down):
            raise Unavailable(UPSTREAM_BAD_REPLY, hint="a token of the session in the reply")
        call.start(SWITCHING_PROTOCOLS)
        tunnel.open([*UPGRADE, *down])
        with self._open(route, "websocket"):
            call.hint = await self._sockets.relay(tunnel, exchange, route, authority.session)
        if call.hint is not None:
            call.problem = WEBSOCKET_CLOSED

    def _open(self, route: Route, kind: str) -> AbstractContextManager[object]:
        """Return what counts a stream for as long as it is open."""
        if self._streams_open is None:
            return _NO_PLACE
        return self._streams_open.labels(route.path, kind).track_inprogress()

    def _head(
        self,
        call: Call,
        route: Route,
        scope: Scope,
        browser: BrowserHead,
        body: RequestBody,
        token: BoundToken | None,
    ) -> bytes:
        """Return the request's head as the upstream gets it."""
        client = scope.get("client")
        target = route.target(scope[RAW_TARGET])
        return b"".join(
            (
                call.method.encode("ascii"),
                b" ",
                target,
                route.upstream.first_head_line_end,
                browser.upstream_lines,
                self._up.ours(
                    client_ip=client[0] if client else "unknown",
                    request_id=call.request_id,
                    span_id=call.span_id,
                    credentials=self._credentials.lines(token, call.method, route, target),
                ),
                body.framing,
                b"\r\n",
            )
        )

    async def _send(
        self,
        route: Route,
        method: str,
        head: bytes,
        body: RequestBody,
        caller: Caller,
        tunnel: EdgeTunnel | None,
    ) -> Exchange:
        """Return the exchange once the reply's head is there; the rest of the body follows."""
        replayable = body.complete and method in _REPLAYABLE
        if body.kept is not None:
            head += body.kept
        elif not body.complete:
            head += await body.read()
        request = UpstreamRequest(
            route.upstream, method, head, route.limits, replayable, tunnel is not None
        )
        if body.complete:
            return await self._transport.exchange(request, caller.watch)
        return await self._transport.exchange(request, pump=caller.pump)

    async def _refuse(self, call: Call, send: Send, refused: Refused) -> None:
        anonymous = refused.problem is LOGIN_REQUIRED
        await call.refuse(send, refused, {"login_url": self._login_url} if anonymous else {})

    def _call(self, scope: Scope, route: str) -> Call:
        ids = f"{self._ids.getrandbits(192):048x}"
        return Call(ids[:32], ids[32:], scope["method"], route, time.perf_counter())
