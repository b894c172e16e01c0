"""Composition root of a worker: the data plane in front, the control plane behind it.

What a route covers is proxied; everything else goes to Flask through a bridge of worker threads.
"""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING, Any

from a2wsgi import WSGIMiddleware

from bff.administration import Administration
from bff.factory import build_control_plane
from bff.parts import build_parts, build_shared
from bff.proxy.access_log import AccessLog
from bff.proxy.authority import Authorities
from bff.proxy.client_address import client_of
from bff.proxy.edge_rules import EdgeLimits
from bff.proxy.edge_worker import EdgeTerms
from bff.proxy.forward_auth import TRUSTED_PEER, ForwardAuth, host_of
from bff.proxy.gateway import Gateway
from bff.proxy.limiter import Limiter
from bff.proxy.operations import keep_up
from bff.proxy.rate_store import SharedLedger, slow_ask
from bff.proxy.rates import Ledger
from bff.proxy.routes import Route, RouteTable
from bff.proxy.session_events import SessionEvents
from bff.proxy.session_reader import SessionReader
from bff.proxy.transport import Transport
from bff.proxy.upstream_news import UpstreamNews
from bff.sessions.watch import SessionWatch
from bff.settings import load_settings
from httpkit.client_address import remembering
from httpkit.events import configure_logging
from httpkit.metrics import start_management_listener
from httpkit.request_ids import new_request_id

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, MutableMapping

    from bff.parts import Parts, Shared
    from bff.settings import Settings

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CONTROL_THREADS = 16
_ALIVE = b'{"status":"alive"}\n'
_ALIVE_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(_ALIVE)),
    (b"cache-control", b"no-store"),
]
# Authlib prints tokens and code verifiers at DEBUG; the others repeat our own lines.
_QUIET = ("authlib", "httpx2", "httpcore2", "uvicorn.access", "werkzeug")


def create_app(settings: Settings | None = None) -> Worker:
    """Return the ASGI application of one worker.

    Raises:
        SettingsInvalid: the settings cannot be used.
    """
    settings = settings or load_settings()
    configure_logging("bff", level=settings.log_level, quiet=_QUIET)
    return Worker(build_shared(settings))


class Plane:
    """Both planes of one front end in one worker."""

    def __init__(self, parts: Parts, transport: Transport, log: AccessLog) -> None:
        frontend, store = parts.frontend, parts.store
        self.frontend, self.parts = frontend, parts
        # Both sides have types of their own for WSGI and ASGI, and they differ in name alone.
        wsgi: Any = build_control_plane(parts).wsgi_app
        self._bridge: Any = WSGIMiddleware(wsgi, workers=_CONTROL_THREADS)
        self._root = frontend.base_path
        self._events_path = f"{frontend.base_path}/bff/events".encode("ascii")
        self._reader = SessionReader(
            parts.shared.settings.redis_url.get_secret_value(),
            parts.codec,
            load_slowly=store.load_tokens,
            touch=store.touch,
            idle_ttl_s=parts.shared.settings.session.idle_ttl_s,
            ask_slowly=slow_ask(parts.shared.client),
        )
        self._watch = SessionWatch(parts.shared.client, expires_in_ms=store.expires_in_ms)
        routes = RouteTable([Route.of(route) for route in frontend.routes], frontend.base_path)
        self.documents = routes.documents
        limiter = _limiter(parts, self._reader)
        authorities = _authorities(parts, self._reader)
        self._gateway = Gateway(
            public_url=frontend.public_url,
            routes=routes,
            cookie=parts.cookie,
            authorities=authorities,
            transport=transport,
            access_log=log,
            watch=self._watch,
            limiter=limiter,
            streams_open=parts.shared.counts.streams_open,
            login_url=f"{frontend.base_path}/bff/login",
        )
        self._forward_auth = _forward_auth(parts, routes, authorities, limiter, log)
        self._events = _session_events(parts, self._reader, self._watch, log)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to this front end."""
        if scope["raw_path"] == self._events_path:
            await self._events.serve(scope, receive, send)
        elif self._forward_auth.is_asked(scope["raw_path"]):
            await self._forward_auth.serve(scope, send)
        elif not await self._gateway.take(scope, receive, send):
            # WSGI cannot tell `X_CSRF` from `X-CSRF`: the former never gets there (S-066).
            headers = [pair for pair in scope["headers"] if b"_" not in pair[0]]
            beneath = {**scope, "headers": headers, "root_path": self._root}
            await self._bridge(beneath, receive, send)

    async def close(self) -> None:
        """End streams, then let refreshes and revocations under way finish."""
        self._watch.close()
        self._events.close()
        await self._reader.close()
        self.parts.close()


def _forward_auth(
    parts: Parts, routes: RouteTable, authorities: Authorities, limiter: Limiter, log: AccessLog
) -> ForwardAuth:
    return ForwardAuth(
        frontend=parts.frontend,
        style=parts.shared.settings.forward_auth,
        routes=routes,
        cookie=parts.cookie,
        authorities=authorities,
        limiter=limiter,
        access_log=log,
    )


def _limiter(parts: Parts, reader: SessionReader) -> Limiter:
    own, shared = Ledger(), None
    if parts.shared.settings.limits.rate_store == "redis":
        shared = SharedLedger(reader.ask, own, realm=parts.frontend.name)
    return Limiter(shared=shared, own=own, metrics=parts.shared.counts)


def _authorities(parts: Parts, reader: SessionReader) -> Authorities:
    return Authorities(
        reader,
        fresh_set_for=parts.lifecycle.fresh_set_for,
        is_fresh=parts.lifecycle.is_fresh,
        client_token_for=parts.client_tokens.access_token_for,
        replacement_for=parts.lifecycle.replacement_for,
        tell_step_up=parts.step_ups.tell,
        login_url=f"{parts.frontend.base_path}/bff/login",
    )


def _session_events(
    parts: Parts, reader: SessionReader, watch: SessionWatch, log: AccessLog
) -> SessionEvents:
    return SessionEvents(
        public_url=parts.frontend.public_url,
        login_url=f"{parts.frontend.base_path}/bff/login",
        cookie=parts.cookie,
        reader=reader,
        watch=watch,
        expires_in_ms=parts.store.expires_in_ms,
        access_log=log,
        streams_open=parts.shared.counts.streams_open,
    )


class Worker:
    """One worker's ASGI application and its lifespan."""

    def __init__(self, shared: Shared) -> None:
        settings = shared.settings
        self._shared = shared
        self._is_proxied = bool(settings.trusted_proxies)
        self._is_ours = remembering(settings.trusted_proxies)
        self._transport = Transport(news=UpstreamNews(shared.counts.upstreams))
        info = logging.getLevelName(settings.log_level) <= logging.INFO
        self._log = AccessLog(shared.metrics, enabled=info)
        planes = [
            Plane(build_parts(shared, frontend), self._transport, self._log)
            for frontend in settings.all_frontends()
        ]
        self.edge_terms = EdgeTerms(
            EdgeLimits(**settings.limits.model_dump(exclude={"rate_store"})),
            settings.trusted_proxies,
            shared.counts.limited_at_edge,
        )
        # The longest base path first, so that a front end by path wins over its host's.
        self._planes = sorted(planes, key=lambda plane: -len(plane.frontend.base_path))
        self._first = planes[0]
        self._keepers: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's event (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["raw_path"] == b"/livez" and scope["method"] in {"GET", "HEAD"}:
            # Answered here, so that neither threads nor Redis nor Flask can make us look dead.
            headers = [*_ALIVE_HEADERS, (b"x-request-id", new_request_id().encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": _ALIVE})
        else:
            if self._is_proxied:
                peer = str((scope.get("client") or ("",))[0])
                client = client_of(scope, self._is_ours)
                asker = peer if self._is_ours(peer) else ""
                scope = {**scope, "client": client, TRUSTED_PEER: asker}
            await self._plane_of(scope).serve(scope, receive, send)

    def _plane_of(self, scope: Scope) -> Plane:
        """Return the front end that the request's host and raw path select.

        A host that none has belongs to the first: redirects are built from its `public_url`,
        whatever the request calls us (S-011).
        """
        if len(self._planes) == 1:
            return self._first
        host = host_of(scope)
        hosts = {plane.frontend.authority for plane in self._planes}
        authority = host.lower() if host.lower() in hosts else self._first.frontend.authority
        path: bytes = scope["raw_path"]
        for plane in self._planes:
            if plane.frontend.authority == authority and plane.frontend.covers(path):
                return plane
        return self._first

    async def _live(self, receive: Receive, send: Send) -> None:
        settings = self._shared.settings
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    self._listen_for_operators()
                except OSError as error:
                    taken = f"management_port {settings.management_port}: {error.strerror}"
                    await send({"type": "lifespan.startup.failed", "message": taken})
                    return
                documents = [each for plane in self._planes for each in plane.documents]
                self._keepers = await keep_up(documents)
                _calm_collector()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _listen_for_operators(self) -> None:
        settings, beside = self._shared.settings, None
        if settings.administrators:
            all_parts = [plane.parts for plane in self._planes]
            beside = ("/sessions", Administration(all_parts, settings.administrators).app())
        start_management_listener(
            self._shared.registry,
            host=settings.management_host,
            port=settings.management_port,
            workers=settings.workers,
            beside=beside,
        )

    async def _close(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await self._transport.close()
        for plane in self._planes:
            await plane.close()
        self._log.close()


def _calm_collector() -> None:
    """Keep what the start made out of every later collection, and collect less often.

    A request makes few reference cycles; walking all of Flask to find none costs each of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
