"""The BFF's own protocol edge: llhttp at the socket, ASGI behind it, uvicorn around it.

uvicorn keeps the process, its sockets, signals and lifespan; this class takes the place of its
HTTP protocol (``http=StrictHttpProtocol``), because what that one hides from an application is what
attacks are made of: the target's form, a second ``Host``, how long a head takes.

Spec: RFC 9112.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import httptools

from bff.problems import BAD_REQUEST
from bff.proxy.edge_request import EdgeRequest
from bff.proxy.edge_rules import (
    HEAD_TOO_LARGE,
    JUDGED_NAMES,
    NOT_IMPLEMENTED,
    URI_TOO_LONG,
    Fault,
    expects_continue,
    is_websocket,
    judge_head,
    judge_size,
)
from bff.proxy.edge_socket import EdgeSocket, base_scope, peer_of, request_scope
from bff.proxy.edge_tunnel import TUNNEL, EdgeTunnel
from bff.proxy.edge_worker import worker_of
from bff.proxy.head_memo import HeaderLines
from httpkit import events
from httpkit.problems import INTERNAL_ERROR

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from bff.proxy.forward_shortcut import Question


class _Stop(Exception):  # noqa: N818 - leaves the parser's callbacks, never this module
    """The request is refused; nothing after it on this connection is read."""


class StrictHttpProtocol(EdgeSocket):
    """One connection of a browser."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Called by uvicorn for every connection."""
        super().__init__(_loop or asyncio.get_running_loop())
        self._app: Any = config.loaded_app
        self._server, self._app_state = server_state, app_state
        self._parser = httptools.HttpRequestParser(self)
        # Data after a last request is not worth an error: it is never read as anything.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._worker = worker_of(server_state, self.loop, config.loaded_app)
        self.limits = self._worker.terms.limits
        self._crowded: Fault | None = None
        self._base_scope: dict[str, Any] = {}
        self.peer = ""
        self._current: EdgeRequest | Question | None = None
        self._waiting: deque[EdgeRequest] = deque()
        self._parsed: EdgeRequest | None = None
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._judged: list[tuple[bytes, bytes]] = []
        self._lines = HeaderLines()
        self._in_head = self._served = False
        self._head_bytes = self._swept_bytes = 0
        self._tunnel: EdgeTunnel | None = None

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """Uvicorn's ``Date`` (and ``Server``, unless switched off), renewed once a second."""
        return self._server.default_headers

    # asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self.socket = cast("asyncio.Transport", transport)
        self._base_scope = base_scope(transport)
        self.peer = peer_of(self._base_scope)
        self._server.connections.add(cast("Any", self))
        self._crowded = self._worker.enter(self, self.peer)
        self._worker.wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell every request of this connection."""
        self._server.connections.discard(cast("Any", self))
        self._worker.leave(self, self.peer)
        self.socket = None
        self.closing = True
        if self._current is not None:
            self._current.disconnect()
        self._waiting.clear()
        if self._tunnel is not None:
            self._tunnel.disconnect()
        self.resume_writing()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Lend the shared buffer for one read."""
        return self._worker.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what came; a fault ends the connection with its answer."""
        self._swept_bytes += nbytes
        if self._tunnel is not None:
            self._tunnel.feed(bytes(self._worker.buffer[:nbytes]))
            return
        if self.closing:
            return  # the rest of a refused request
        piece = self._worker.buffer[:nbytes]
        if self._current is not None or self._in_head or self._head_bytes:
            self._head_bytes += nbytes  # and of trailers and chunk heads, by which none is bounded
            self._feed(piece)
            return
        # A request begins here, and most of them are alike.
        data = bytes(piece)
        known = self._worker.heads.find(data)
        if known is not None and len(known[1]) <= self.limits.target_bytes and not self._crowded:
            rest = known[2].rest
            if rest is None or rest.shortcut is None or not rest.shortcut.take(self, *known):
                self.begin_again(*known)
            return
        self.sweeps = 0  # only now: a drip must not buy time
        self._head_bytes = nbytes
        self._feed(piece)
        if self._is_bare():
            self._worker.heads.learn(data, self._lines)

    def begin_again(self, method: bytes, target: bytes, headers: HeaderLines) -> None:
        """Take a request that the parser need not read again."""
        self._target = target
        self._lines = headers
        request = EdgeRequest(self, self._scope("1.1", method), keep_alive=True)
        request.body_complete = True
        self._begin(request)

    def _is_bare(self) -> bool:
        """Return whether one request without a body has been read, and nothing else."""
        request = self._current
        return (
            request is not None
            and request.body_complete
            and request.keep_alive
            and len(self._judged) == 1  # Host: no length, no coding, no expectation
            and not (self.closing or self._waiting or self._in_head or self._head_bytes)
        )

    def _feed(self, piece: memoryview) -> None:
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade as switched:
            self.closing = True  # what follows the head is never read as a request
            if self._tunnel is not None:
                self._tunnel.feed(bytes(piece[switched.args[0] :]))
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _Stop):
                return
            if error.__context__ is not None:
                events.log_bug(error.__context__)
            self._refuse(Fault(BAD_REQUEST, str(error)))
        if (self._in_head or self._parsed) and self._head_bytes > self.limits.head_bytes:
            long_target = len(self._target) > self.limits.target_bytes
            self._refuse(Fault(URI_TOO_LONG if long_target else HEAD_TOO_LARGE, "head too large"))

    # llhttp

    def on_message_begin(self) -> None:
        """Expect a head."""
        self._target, self._headers, self._judged = b"", [], []
        self._in_head = True

    def on_url(self, piece: bytes) -> None:
        """Collect the target."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a line of the head; trailers are dropped."""
        if self._in_head:
            name = name.lower()
            self._headers.append((name, value))
            if name in JUDGED_NAMES:
                self._judged.append((name, value))

    def on_headers_complete(self) -> None:
        """Judge the head and give the request to the application, or refuse it."""
        self._in_head = False
        read_bytes, self._head_bytes = self._head_bytes, 0
        version = self._parser.get_http_version()
        fault = judge_head(version, self._target, self._judged, self.limits) or judge_size(
            self._target, self._headers, read_bytes, self.limits
        )
        method = self._parser.get_method()
        upgrade = self._parser.should_upgrade()
        if self._target != b"/livez":
            fault = self._crowded or fault
        if fault is None and upgrade and not is_websocket(method, self._judged):
            fault = Fault(NOT_IMPLEMENTED, "upgrade")
        if fault is not None:
            self._refuse(fault)
            raise _Stop
        self._lines = HeaderLines(self._headers)
        request = EdgeRequest(
            self,
            self._scope(version, method),
            # After an upgrade that was asked for, nothing on this connection is a request.
            keep_alive=self._parser.should_keep_alive() and not upgrade,
        )
        if version != "1.0":
            request.expects_continue = expects_continue(self._judged)
        if upgrade:
            self._tunnel = EdgeTunnel(self, request)
            request.scope["extensions"] = {TUNNEL: self._tunnel}
        self._parsed = request
        if self._current is None:
            self._begin(request)
        else:
            # One after the other: replies keep the order of the requests.
            self._waiting.append(request)
            self.pause_reading()

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body on."""
        self._head_bytes = 0
        if self._parsed is not None:
            self._parsed.feed(body)

    def on_message_complete(self) -> None:
        """Hand the body's end on."""
        if self._parsed is not None:
            self._parsed.end_body()
            self._parsed, self._head_bytes = None, 0

    # What the requests of this connection ask for.

    def hold(self, question: Question) -> None:
        """Let *question* be the request under way."""
        self._current = question

    def resume_reading(self) -> None:
        """Let the browser go on, unless it is already a request ahead."""
        if not self._waiting:
            super().resume_reading()

    def finish(self, request: EdgeRequest | Question) -> None:
        """Go on to the next request after the reply to *request*, or close."""
        self._server.total_requests += 1
        self._current, self._served, self.sweeps = None, True, 0
        request.disconnect()  # whoever still waits for the browser has nothing to wait for
        if not request.keep_alive:
            self.close() if request.body_complete else self.linger()
        elif self._waiting:
            self._begin(self._waiting.popleft())
        else:
            self.resume_reading()

    def shutdown(self) -> None:
        """Close after the reply under way, or soon when idle (called by uvicorn)."""
        self.leaving, self.sweeps = True, 0
        if self._current is not None:
            self._current.leave()
        if self._tunnel is not None:
            self._tunnel.leave()

    def sweep(self) -> None:
        """Count a second; cut what is too slow."""
        swept, self._swept_bytes = self._swept_bytes, 0
        self.sweeps += 1
        if self.leaving and self._current is None and self.sweeps > 1:
            self.close()  # what the kernel had taken before has been read and answered by now
        elif self.sweeps > self._patience_s(swept) and self.socket is not None:
            self._worker.cut(busy=self._current is not None or self._in_head)
            self.abort()  # nobody is owed a proper end who does not do their part

    def _patience_s(self, swept_bytes: int) -> int:
        """Return for how many sweeps the browser may go on like this."""
        limits = self.limits
        if self.closing and self._current is None:
            return limits.linger_s
        if self.drained is not None:
            return limits.stall_s
        if self._current is None:
            if self._in_head or self._head_bytes > 0:
                return limits.head_s
            return limits.keep_alive_s if self._served else limits.first_byte_s
        if not self._current.awaits_body or swept_bytes >= limits.body_bytes_per_s:
            self.sweeps = 0
        return limits.stall_s

    def _scope(self, version: str, method: bytes) -> dict[str, Any]:
        base, state = self._base_scope, self._app_state
        return request_scope(base, version, method, self._target, self._lines, state)

    def _begin(self, request: EdgeRequest) -> None:
        self._current = request
        request.keep_alive = request.keep_alive and not self.leaving
        request.task = self.loop.create_task(self._run(request))
        self._server.tasks.add(request.task)

    async def _run(self, request: EdgeRequest) -> None:
        try:
            await self._app(request.scope, request.receive, request.send)
        except Exception as error:  # noqa: BLE001 - the outermost edge of the process
            events.log_bug(error)
        finally:
            if request.task is not None:  # here, for a callback would cost a turn of the loop
                self._server.tasks.discard(request.task)
            if self._current is request and not request.replied:
                self._break_off(request)

    def _break_off(self, request: EdgeRequest) -> None:
        """End a reply that will not be whole, so that nobody takes it for whole."""
        if not request.started and not request.disconnected:
            self.answer(INTERNAL_ERROR)
        elif request.ends_by_close and self.socket is not None:
            self.abort()
        else:
            self.close()
        request.disconnect()
        self._current = None

    def _refuse(self, fault: Fault) -> None:
        """Answer a request that must not be read further; the connection ends with it."""
        self._worker.note(fault)
        broken, self._parsed = self._parsed, None
        self._in_head, self.closing = False, True
        current = self._current
        if broken is not None:
            broken.disconnect()  # its body will never be whole
            if broken in self._waiting:
                self._waiting.remove(broken)
        if current is None or (current is broken and not broken.started):
            self._current = None
            self.answer(fault.problem)
        elif current is broken:
            self.close()
        else:  # replies that are owed come first, and then the end
            (self._waiting[-1] if self._waiting else current).keep_alive = False
