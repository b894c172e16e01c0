"""Composition root of a worker: the data plane in front, the control plane behind it.

What a route covers is proxied; everything else goes to Flask through a bridge of worker threads.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from a2wsgi import WSGIMiddleware

from bff.factory import build_control_plane
from bff.proxy.access_log import AccessLog
from bff.proxy.gateway import Gateway
from bff.proxy.routes import Route, RouteTable
from bff.proxy.session_events import PATH as EVENTS_PATH
from bff.proxy.session_events import SessionEvents
from bff.proxy.session_reader import SessionReader
from bff.proxy.transport import Transport
from bff.sessions.watch import SessionWatch
from bff.settings import load_settings
from httpkit.events import configure_logging, get_logger
from httpkit.metrics import start_management_listener
from httpkit.request_ids import new_request_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from bff.factory import ControlPlane
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
_MANAGEMENT_LISTENING = "management.listening"


def create_app(settings: Settings | None = None) -> Worker:
    """Return the ASGI application of one worker.

    Raises:
        SettingsInvalid: the settings cannot be used.
    """
    settings = settings or load_settings()
    configure_logging("bff", level=settings.log_level, quiet=_QUIET)
    return Worker(build_control_plane(settings))


class Worker:
    """One worker's ASGI application and its lifespan."""

    def __init__(self, control: ControlPlane) -> None:
        settings = control.settings
        self._control = control
        # Both sides have types of their own for WSGI and ASGI, and they differ in name alone.
        wsgi: Any = control.app.wsgi_app
        self._bridge: Any = WSGIMiddleware(wsgi, workers=_CONTROL_THREADS)
        self._transport = Transport()
        self._reader = SessionReader(
            settings.redis_url.get_secret_value(),
            control.codec,
            load_slowly=control.store.load_tokens,
            touch=control.store.touch,
            idle_ttl_s=settings.session.idle_ttl_s,
        )
        info = logging.getLevelName(settings.log_level) <= logging.INFO
        self._log = AccessLog(control.metrics, enabled=info)
        self._gateway = Gateway(
            public_url=settings.public_url,
            routes=RouteTable([Route.of(route) for route in settings.routes]),
            cookie=control.cookie,
            reader=self._reader,
            access_token_for=control.lifecycle.access_token_for,
            client_token_for=control.client_tokens.access_token_for,
            transport=self._transport,
            access_log=self._log,
        )

        self._watch = SessionWatch(control.client, expires_in_ms=control.store.expires_in_ms)
        self._events = SessionEvents(
            public_url=settings.public_url,
            cookie=control.cookie,
            reader=self._reader,
            watch=self._watch,
            expires_in_ms=control.store.expires_in_ms,
            access_log=self._log,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's event (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["raw_path"] == b"/livez":
            # Answered here, so that neither threads nor Redis nor Flask can make us look dead.
            headers = [*_ALIVE_HEADERS, (b"x-request-id", new_request_id().encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": _ALIVE})
        elif scope["raw_path"] == EVENTS_PATH:
            await self._events.serve(scope, receive, send)
        elif not await self._gateway.take(scope, receive, send):
            # WSGI cannot tell `X_CSRF` from `X-CSRF`: the former never gets there (S-066).
            headers = [pair for pair in scope["headers"] if b"_" not in pair[0]]
            await self._bridge({**scope, "headers": headers}, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        settings = self._control.settings
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                port = start_management_listener(
                    self._control.registry,
                    host=settings.management_host,
                    port=settings.management_port,
                )
                get_logger().info(_MANAGEMENT_LISTENING, port=port)
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _close(self) -> None:
        self._watch.close()
        self._events.close()
        await self._transport.close()
        await self._reader.close()
        self._control.close()
        self._log.close()
