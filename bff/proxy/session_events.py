"""`GET /bff/events`: what happens to the visitor's session, told to the page as it happens.

Each event is named ``session`` and carries ``{"state": …}``: ``active`` at the start, with what is
left of it; ``expiring`` a minute before the end; ``refreshed``; ``step_up`` with the ``login_url``
of the sign-in that a service wants; ``ended``, and then the stream ends. While Redis gives no
answer the stream stays open: an outage is not the end of a session.

Spec: WHATWG HTML §9.2 (server-sent events).
"""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from bff.problems import LOGIN_REQUIRED, METHOD_NOT_ALLOWED, Refused, Unavailable, login_required
from bff.proxy.call import CLIENT_GONE, Call
from bff.proxy.guard import require_no_foreign_origin
from bff.sessions.watch import ENDED
from httpkit.request_ids import new_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from prometheus_client import Gauge

    from bff.proxy.access_log import AccessLog
    from bff.proxy.relay import Receive, Send
    from bff.proxy.session_reader import SessionReader
    from bff.sessions.cookie import SessionCookie
    from bff.sessions.model import Ticket
    from bff.sessions.watch import Changes, SessionWatch

    Scope = MutableMapping[str, Any]

_ROUTE: Final = "/bff/events"
_BEAT_S: Final = 15.0
_EXPIRING_S: Final = 60
_ACTIVE: Final = "active"
_EXPIRING: Final = "expiring"
_THREADS = 2
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"private, no-store"),
    (b"vary", b"Cookie"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
# The browser comes back by itself after this many milliseconds.
_PREAMBLE: Final = b"retry: 2000\n\n"
_BEAT: Final = b":\n\n"


class SessionEvents:
    """Serves the stream; used from a worker's event loop alone."""

    def __init__(
        self,
        *,
        public_url: str,
        login_url: str,
        cookie: SessionCookie,
        reader: SessionReader,
        watch: SessionWatch,
        expires_in_ms: Callable[[str], int | None],
        access_log: AccessLog,
        streams_open: Gauge | None = None,
    ) -> None:
        """Join the parts.

        Args:
            public_url: the only origin whose pages may listen.
            login_url: where an anonymous caller is told to go.
            cookie: reads the ticket.
            reader: reads the session behind it.
            watch: tells of changes.
            expires_in_ms: what is left of the session with a digest; called in a worker thread.
            access_log: one line a stream, at its end.
            streams_open: counts streams, by route and kind.
        """
        self._origin = public_url.encode("ascii")
        self._login_url = login_url
        self._cookie = cookie
        self._reader = reader
        self._watch = watch
        self._expires_in_ms = expires_in_ms
        self._log = access_log
        self._open = None if streams_open is None else streams_open.labels(_ROUTE, "events")
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="session-events")

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request with a stream, or with a problem."""
        call = Call(new_request_id(), "", scope["method"], _ROUTE, time.perf_counter())
        try:
            ticket = await self._judge(scope)
            call.sid = ticket.fingerprint
            call.start(200)
            headers = [*_HEADERS, (b"x-request-id", call.request_id.encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            with nullcontext() if self._open is None else self._open.track_inprogress():
                await self._stream(ticket, receive, send)
        except Refused as refused:
            anonymous = refused.problem is LOGIN_REQUIRED
            await call.refuse(send, refused, {"login_url": self._login_url} if anonymous else {})
        except Unavailable as unavailable:
            await call.defer(send, unavailable)
        except OSError:
            call.status = CLIENT_GONE
        finally:
            self._log.record(call)

    def close(self) -> None:
        """Take nothing new."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _judge(self, scope: Scope) -> Ticket:
        headers = scope["headers"]
        require_no_foreign_origin(headers, self._origin)
        if scope["method"] != "GET":
            raise Refused(METHOD_NOT_ALLOWED, headers={"Allow": "GET"})
        ticket = self._cookie.read([value for name, value in headers if name == b"cookie"])
        if ticket is None or await self._reader.load(ticket) is None:
            raise login_required()
        return ticket

    async def _stream(self, ticket: Ticket, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            with self._watch.follow(ticket) as changes:
                await _write(send, _PREAMBLE)
                told = await self._tell_time(ticket, send, None)
                while not gone.done():
                    change = await _next(changes, gone)
                    if change is None:
                        await _write(send, _BEAT)
                    else:
                        await _write(send, _told(change))
                    if change == ENDED:
                        break
                    told = await self._tell_time(ticket, send, told)
        finally:
            gone.cancel()
        if not gone.done() or gone.cancelled():
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell_time(self, ticket: Ticket, send: Send, told: str | None) -> str | None:
        """Write `active` or `expiring` where it differs from what was *told*; return what holds."""
        loop = asyncio.get_running_loop()
        try:
            left_ms = await loop.run_in_executor(self._threads, self._expires_in_ms, ticket.digest)
        except Unavailable:
            return told
        if left_ms is None:
            return told  # the watch tells the end
        left_s = left_ms // 1000
        state = _EXPIRING if left_s <= _EXPIRING_S else _ACTIVE
        if state != told:
            await _write(send, _event(state, expires_in_s=left_s))
        return state


async def _next(changes: Changes, gone: asyncio.Future[None]) -> str | None:
    """Return the next change, or None when it is time for a sign of life or nobody listens."""
    waiting = asyncio.ensure_future(changes.get())
    either: set[asyncio.Future[Any]] = {waiting, gone}
    await asyncio.wait(either, timeout=_BEAT_S, return_when=asyncio.FIRST_COMPLETED)
    if waiting.done():
        return waiting.result()
    waiting.cancel()
    return None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


def _told(change: str) -> bytes:
    state, _blank, login_url = change.partition(" ")
    return _event(state, login_url=login_url) if login_url else _event(state)


def _event(state: str, **more: int | str) -> bytes:
    return b"event: session\ndata: %b\n\n" % json.dumps({"state": state, **more}).encode()
