"""A gateway on a real server, a real Valkey and scripted upstreams."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import pytest
import uvicorn
import uvloop
from prometheus_client import CollectorRegistry

from bff.metrics import BffMetrics
from bff.problems import ROUTE_NOT_FOUND
from bff.proxy.access_log import AccessLog
from bff.proxy.addresses import Upstream, parse_upstream
from bff.proxy.authority import Authorities
from bff.proxy.call import Call
from bff.proxy.edge import StrictHttpProtocol
from bff.proxy.edge_rules import EdgeLimits
from bff.proxy.edge_worker import EdgeTerms
from bff.proxy.exchange import TimeLimits
from bff.proxy.gateway import Gateway
from bff.proxy.limiter import Limiter
from bff.proxy.rate_store import SharedLedger
from bff.proxy.rates import Ledger
from bff.proxy.routes import Route, RouteTable, TokenKind
from bff.proxy.session_reader import SessionReader
from bff.proxy.transport import Transport
from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect as connect_store
from bff.sessions.cookie import SessionCookie
from bff.sessions.model import AccessToken, BoundToken, Device, SessionRecord, Ticket, TokenSet
from bff.sessions.step_ups import StepUps
from bff.sessions.store import SessionStore
from bff.sessions.watch import SessionWatch
from httpkit.metrics import HttpMetrics
from tests.support.wire import Message, ScriptedUpstream, Wire
from tests.support.wire import connect as connect_wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from bff.proxy.authority import ReplacementFor
    from bff.proxy.gateway import Scope
    from bff.proxy.relay import Receive, Send
    from httpkit.client_address import Network

UPSTREAM_FIELDS = {field.name for field in fields(Upstream) if field.init}
PUBLIC_URL = "https://app.example.com"
COOKIE = SessionCookie("__Host-Http-session", secure=True, same_site="strict")
ACCESS_TOKEN = "access-token-of-ada-0123456789abcdefghijklmnop"


class Desk:
    """Sessions in a real store, made and ended by hand."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.codec = SessionCodec(KeyRing(["k" * 32]))
        self.client = connect_store(url)
        self.store = SessionStore(self.client, self.codec, idle_ttl_s=600, absolute_ttl_s=3600)

    def reader(self, url: str) -> SessionReader:
        """Return a worker's reader of these sessions, by way of *url*."""
        return SessionReader(
            url,
            self.codec,
            load_slowly=self.store.load_tokens,
            touch=self.store.touch,
            idle_ttl_s=600,
        )

    def sign_in(self, token: str = ACCESS_TOKEN) -> Ticket:
        """Return the ticket of a new session that holds *token*."""
        now = time.time()
        tokens = TokenSet(1, "sso", "ada", {"": AccessToken(token, now + 600)}, "refresh-" + token)
        record = SessionRecord("sso", "https://sso.example.com", "ada", now, now, now + 3600)
        return self.store.create(record, tokens, Device())


class _Application:
    """What the edge finds behind it; `edge_terms` is where it looks for limits."""

    def __init__(self, gateway: Gateway, terms: EdgeTerms) -> None:
        self.gateway = gateway
        self.edge_terms = terms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not await self.gateway.take(scope, receive, send):
            call = Call("0" * 32, "0" * 16, scope["method"], "none", 0)
            await call.answer(send, ROUTE_NOT_FOUND)


class Served:
    """A gateway that listens on a loopback port in a thread of its own."""

    def __init__(
        self,
        make: Callable[[list[bytes]], tuple[Gateway, Callable[[], Awaitable[None]]]],
        terms: EdgeTerms,
        counted: list[str],
        registry: CollectorRegistry | None = None,
    ) -> None:
        self.counted = counted
        self.registry = registry or CollectorRegistry()
        self.log_lines: list[bytes] = []
        self._make = make
        self._terms = terms
        self._ready = threading.Event()
        self.port = 0
        self.gateway: Gateway
        self._server: uvicorn.Server
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.gateway, close = self._make(self.log_lines)

        config = uvicorn.Config(
            _Application(self.gateway, self._terms),
            port=0,
            http=cast("Any", StrictHttpProtocol),
            loop="uvloop",
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        config.load()
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup()
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        self._server.servers[0].close()
        for connection in list(self._server.server_state.connections):
            cast("StrictHttpProtocol", connection).abort()
        if tasks := self._server.server_state.tasks:
            await asyncio.wait(tasks, timeout=2)
        await close()
        await asyncio.sleep(0.01)

    def stop(self) -> None:
        """Stop serving."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(30)

    def tell_to_leave(self) -> None:
        """Tell every connection that the worker stops, as uvicorn does on SIGTERM.

        There is one at least, perhaps on its way still.
        """

        def tell() -> None:
            connections = list(self._server.server_state.connections)
            if not connections:
                self._loop.call_later(0.01, tell)
            for connection in connections:
                cast("StrictHttpProtocol", connection).shutdown()

        self._loop.call_soon_threadsafe(tell)

    def wire(self) -> Wire:
        """Return a new connection."""
        return connect_wire(self.port)

    def lines(self) -> list[dict[str, Any]]:
        """Return the access log, each line as an object."""
        return [json.loads(line) for line in b"".join(self.log_lines).splitlines()]


def request(
    method: str = "GET",
    target: str = "/api/x",
    *headers: str,
    ticket: Ticket | None = None,
    body: bytes = b"",
) -> bytes:
    """Return a request as our own page sends it."""
    lines = [f"{method} {target} HTTP/1.1", "Host: app.example.com", "X-CSRF: 1"]
    if ticket is not None:
        lines.append(f"Cookie: theme=dark; {COOKIE.name}={ticket.encode()}")
    lines.extend(headers)
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body


def ask(served: Served, sent: bytes) -> Message:
    """Return the reply to *sent* on a connection of its own."""
    with served.wire() as wire:
        wire.send(sent)
        return wire.message(is_reply_to_head=sent.startswith(b"HEAD "))


async def _as_it_is(_ticket: Ticket, tokens: TokenSet, _target: str) -> TokenSet:
    return tokens


async def _no_replacement(_ticket: Ticket, _tokens: TokenSet, _target: str) -> TokenSet | None:
    return None


async def _client_token(_audience: str) -> BoundToken:
    return BoundToken(AccessToken("token-of-the-gateway-itself", time.time() + 3600))


def _authorities(
    reader: SessionReader, replacement_for: ReplacementFor, step_ups: StepUps
) -> Authorities:
    return Authorities(
        reader,
        fresh_set_for=_as_it_is,
        is_fresh=lambda _tokens, _target: True,
        client_token_for=_client_token,
        replacement_for=replacement_for,
        tell_step_up=step_ups.tell,
    )


def _limiter(reader: SessionReader, counts: BffMetrics, *, shared: bool) -> Limiter:
    ledger = SharedLedger(reader.ask, Ledger()) if shared else None
    return Limiter(shared=ledger, metrics=counts)


@pytest.fixture
def desk(valkey_url: str) -> Desk:
    """Sessions."""
    return Desk(valkey_url)


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """An upstream that answers `ok` unless the test scripts it."""
    server = ScriptedUpstream()
    yield server
    server.close()


@pytest.fixture
def serve(desk: Desk, upstream: ScriptedUpstream) -> Iterator[Callable[..., Served]]:
    """A function that serves a gateway with ``/api`` to the upstream and routes beside it."""
    running: list[Served] = []

    def start(
        *more: Route,
        redis_url: str = desk.url,
        transport: Callable[[], Transport] = Transport,
        limits: EdgeLimits | None = None,
        trusted: tuple[Network, ...] = (),
        rate_store: bool = False,
        replacement_for: ReplacementFor = _no_replacement,
        **settings: Any,  # noqa: ANN401 - a route's fields
    ) -> Served:
        terms = EdgeTerms(limits or EdgeLimits(), trusted, (counted := list[str]()).append)
        counts = BffMetrics(registry := CollectorRegistry())

        def make(lines: list[bytes]) -> tuple[Gateway, Callable[[], Awaitable[None]]]:
            reader = desk.reader(redis_url)
            carrier = transport()
            watch = SessionWatch(desk.client, expires_in_ms=desk.store.expires_in_ms)
            step_ups = StepUps(desk.client)
            log = AccessLog(HttpMetrics(registry), write=lines.append)
            gateway = Gateway(
                public_url=PUBLIC_URL,
                routes=RouteTable([route("/api", upstream.url, **settings), *more]),
                cookie=COOKIE,
                authorities=_authorities(reader, replacement_for, step_ups),
                transport=carrier,
                access_log=log,
                watch=watch,
                limiter=_limiter(reader, counts, shared=rate_store),
                streams_open=counts.streams_open,
            )

            async def close() -> None:
                watch.close()
                step_ups.close()
                await reader.close()
                await carrier.close()
                log.close()

            return gateway, close

        running.append(served := Served(make, terms, counted, registry))
        return served

    yield start
    for served in running:
        served.stop()


def route(
    path: str,
    url: str,
    token: str = "user",
    **settings: Any,  # noqa: ANN401 - a route's fields
) -> Route:
    """Return a route to *url*, which may be several addresses."""
    parsed = [parse_upstream(each) for each in url.split()]
    its = {name: settings.pop(name) for name in UPSTREAM_FIELDS & settings.keys()}
    upstream = Upstream(path, tuple(origin for origin, _ in parsed), **its)
    if "timeout_s" in settings:
        settings["times"] = TimeLimits(*[settings.pop("timeout_s")] * 3)
    if "times" in settings:  # `limits` are those of the edge
        settings["limits"] = settings.pop("times")
    return Route(path, upstream, parsed[0][1], token=TokenKind(token), **settings)
