"""Open WebSockets of one worker: bytes between a browser and an upstream, and why they end.

Frames pass as they are. Their headers are read for two reasons: so that a message beyond the
route's limit goes no further, and so that a close frame of our own can stand between two frames.

Spec: RFC 6455 §5, §7.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bff.problems import TOO_MANY_WEBSOCKETS, Refused, Unavailable
from bff.proxy.exchange import ReplyAborted
from bff.proxy.session_end import until_ended
from bff.proxy.websocket_frames import (
    GOING_AWAY,
    POLICY_VIOLATION,
    FrameFault,
    FrameScanner,
    close_frame,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from bff.proxy.edge_tunnel import EdgeTunnel
    from bff.proxy.exchange import Exchange
    from bff.proxy.routes import Route
    from bff.sessions.model import Ticket
    from bff.sessions.watch import SessionWatch

    _Pump = asyncio.Future["_Verdict | None"]
    Read = Callable[[], Awaitable[bytes]]
    Write = Callable[[bytes], Awaitable[None]]

_ENDED: Final = "session ended"
_IDLE: Final = "idle"
_STOPPING: Final = "stopping"
_TOTAL: Final = "total time"


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Why we end a connection that neither side ended."""

    code: int
    reason: str


class WebSockets:
    """Counts the sockets of each session and relays them."""

    def __init__(self, watch: SessionWatch) -> None:
        """*watch* tells when a session ends."""
        self._watch = watch
        self._open: Counter[str] = Counter()

    @contextmanager
    def place(self, session: Ticket | None, route: Route) -> Iterator[None]:
        """Hold one of the places that *session* has in this worker.

        Raises:
            Refused: ``too_many_websockets``.
        """
        if session is None:
            yield
            return
        if self._open[session.digest] >= route.websockets_per_session:
            raise Refused(TOO_MANY_WEBSOCKETS)
        self._open[session.digest] += 1
        try:
            yield
        finally:
            self._open[session.digest] -= 1
            if not self._open[session.digest]:
                del self._open[session.digest]

    async def relay(
        self, tunnel: EdgeTunnel, exchange: Exchange, route: Route, session: Ticket | None
    ) -> str | None:
        """Carry frames both ways until either side, the session or the worker ends it.

        Returns:
            Why we ended it; None where one of the two sides did.
        """
        pair = _Pair(tunnel, exchange, route)
        if session is None:
            return _reason(await pair.run(None))
        with self._watch.follow(session) as changes:
            ended = asyncio.ensure_future(until_ended(changes))
            try:
                return _reason(await pair.run(ended))
            finally:
                ended.cancel()


def _reason(verdict: _Verdict | None) -> str | None:
    return None if verdict is None else verdict.reason


class _Pair:
    """A browser and an upstream, joined."""

    def __init__(self, tunnel: EdgeTunnel, exchange: Exchange, route: Route) -> None:
        self._tunnel = tunnel
        self._exchange = exchange
        self._idle_s = route.websocket_idle_s
        self._total_s = route.limits.stream_total_s or math.inf
        limit = route.websocket_message_limit_bytes
        self._up = FrameScanner(masked=True, message_bytes_max=limit)
        self._down = FrameScanner(masked=False, message_bytes_max=limit)
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._begun_at = self._loop.time()

    async def run(self, ended: asyncio.Future[None] | None) -> _Verdict | None:
        """Relay; close both sides in the end, whatever the reason."""
        tunnel, exchange = self._tunnel, self._exchange
        up = asyncio.ensure_future(self._carry(tunnel.read, self._up, exchange.write))
        down = asyncio.ensure_future(self._carry(exchange.read, self._down, tunnel.write))
        pumps = (up, down)
        try:
            verdict = await self._until_over(pumps, ended)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        if verdict is None:
            exchange.hang_up()
            tunnel.close()
        else:
            self._end(verdict)
        return verdict

    async def _until_over(
        self, pumps: tuple[_Pump, _Pump], ended: asyncio.Future[None] | None
    ) -> _Verdict | None:
        """Return when it is over: why we end it, or None where a side did."""
        waiting: set[asyncio.Future[Any]] = {*pumps, self._tunnel.leaving}
        if ended is not None:
            waiting.add(ended)
        done: set[asyncio.Future[Any]] = set()
        while not done:
            now = self._loop.time()
            left_s = self._heard_at + self._idle_s - now
            allowed_s = self._begun_at + self._total_s - now
            if min(left_s, allowed_s) <= 0:
                return _Verdict(GOING_AWAY, _IDLE if left_s <= 0 else _TOTAL)
            done, _ = await asyncio.wait(
                waiting, timeout=min(left_s, allowed_s), return_when=asyncio.FIRST_COMPLETED
            )
        for pump in pumps:
            if pump in done:
                return pump.result()
        if ended in done:
            return _Verdict(POLICY_VIOLATION, _ENDED)
        return _Verdict(GOING_AWAY, _STOPPING)

    def _end(self, verdict: _Verdict) -> None:
        """Tell both sides where a frame's end allows it, and close."""
        code, reason = verdict.code, verdict.reason
        if not self._down.between_frames:
            self._tunnel.abort()
        elif self._down.closed:
            self._tunnel.close()
        else:
            self._tunnel.close(close_frame(code, reason))
        tells = self._up.between_frames and not self._up.closed
        self._exchange.hang_up(close_frame(code, reason, masked=True) if tells else b"")

    async def _carry(self, read: Read, scanner: FrameScanner, write: Write) -> _Verdict | None:
        """Send on what *read* gives until it ends; return a verdict where we must end it."""
        while data := await _some(read):
            self._heard_at = self._loop.time()
            try:
                passed = scanner.scan(data)
            except FrameFault as fault:
                await write(fault.passed)
                return _Verdict(fault.code, str(fault))
            if passed:
                # Counted as passed and written without a pause between: a close frame of ours
                # goes by what the scanner says.
                await write(passed)
        return None


async def _some(read: Read) -> bytes:
    """Return what *read* gives; ``b""`` also where a side broke off instead of closing."""
    try:
        return await read()
    except (ReplyAborted, Unavailable):
        return b""
