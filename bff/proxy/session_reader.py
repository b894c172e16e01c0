"""The session read of the hot path: one `HGET` on a shared link, about 6 µs instead of 60.

Every request asks Redis; nothing is remembered. Anything unusual goes the long way round, through
the store's own client in a worker thread.

Spec: ASVS 7.4.1 (a session that ended is dead at once).
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, cast

from bff.problems import STORE_UNAVAILABLE, Unavailable
from bff.proxy.session_link import (
    LinkLost,
    LinkRefused,
    LinkSilent,
    SessionLink,
    command,
    open_link,
)
from bff.sessions.codec import SessionCodec, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.sessions.model import Ticket, TokenSet

_DIRECT_SCHEMES = ("redis://", "rediss://", "unix://")
_OUTAGES = ("LOADING", "NOAUTH", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOPERM")
_FOREIGN = "WRONGTYPE"  # somebody planted a value of another type under a session's name
_FALLBACK_THREADS: Final = 8
_TOUCH_INTERVAL_S: Final = 60.0
_TOUCHES_REMEMBERED_MAX: Final = 100_000
# How long the session has to live, and the field that holds its sealed token set.
_READ = b"*2\r\n$4\r\nPTTL\r\n$%d\r\n%b\r\n*3\r\n$4\r\nHGET\r\n$%d\r\n%b\r\n$1\r\nt\r\n"


class SessionReader:
    """Reads token sets for one worker; used from its event loop alone."""

    def __init__(
        self,
        redis_url: str,
        codec: SessionCodec,
        *,
        load_slowly: Callable[[Ticket], TokenSet | None],
        touch: Callable[[Ticket], object],
        idle_ttl_s: float,
        ask_slowly: Callable[..., object] | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            redis_url: as in the settings; Sentinel and Cluster always go the long way round.
            codec: opens what Redis holds.
            load_slowly: the store's own read; called in a worker thread.
            touch: slides the idle expiry; called in a worker thread and not waited for.
            idle_ttl_s: the idle expiry; a minute of it may pass before it slides, or a quarter
                where it is short.
            ask_slowly: asks anything else, where the long way round is the only one.
        """
        self._url = redis_url
        self._direct = redis_url.startswith(_DIRECT_SCHEMES)
        self._codec = codec
        self._load_slowly = load_slowly
        self._touch = touch
        self._ask_slowly = ask_slowly
        self._touch_interval_s = min(_TOUCH_INTERVAL_S, idle_ttl_s / 4)
        self._slide_below_ms = (idle_ttl_s - self._touch_interval_s) * 1000
        self._touched: dict[str, float] = {}
        self._threads = ThreadPoolExecutor(_FALLBACK_THREADS, "session-read")
        self._link: SessionLink | None = None
        self._opening: asyncio.Task[SessionLink] | None = None

    async def load(self, ticket: Ticket) -> TokenSet | None:
        """Return the token set of *ticket*, or None where no session lives behind it.

        Raises:
            Unavailable: ``store_unavailable``; nobody is signed out.
        """
        if self._direct:
            left_ms, reply = await self._ask(ticket)
            if type(reply) is bytes:
                return self._open(ticket, reply, left_ms)
            if reply is None or str(reply).startswith(_FOREIGN):
                return None
            self._require_service(reply)
        loop = asyncio.get_running_loop()
        tokens = await loop.run_in_executor(self._threads, self._load_slowly, ticket)
        if tokens is not None:
            self._slide(ticket)
        return tokens

    def ask_now(self, ticket: Ticket) -> asyncio.Future[Any] | None:
        """Send the question of `load`; None where that takes more than one packet."""
        link = self._link
        if not self._direct or link is None or not link.is_open:
            return None
        key = ticket.key.encode()
        return link.ask(_READ % (len(key), key, len(key), key), pair=True)

    def from_answer(self, ticket: Ticket, answer: object) -> TokenSet | None:
        """Return the token set in an answer to `ask_now`, None where `load` has to judge it."""
        left_ms, reply = cast("tuple[object, object]", answer)
        return self._open(ticket, reply, left_ms) if type(reply) is bytes else None

    async def ask(self, *words: str) -> object:
        """Return the reply to one command, an error reply as a value.

        Sent in one packet with the session reads of the same turn of the loop.

        Raises:
            Unavailable: ``store_unavailable``.
        """
        if self._ask_slowly is not None and not self._direct:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._ask_slowly, *words)
        try:
            link = self._link
            if link is None or not link.is_open:
                link = await self._reopened()
            return await link.ask(command(*words))
        except (LinkLost, LinkSilent, LinkRefused) as error:
            raise Unavailable(STORE_UNAVAILABLE, hint=str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Close the link and wait for touches that are under way."""
        if self._opening is not None:
            await asyncio.wait([self._opening])  # bounded by its own time limit
        if self._link is not None:
            self._link.close()
        await asyncio.to_thread(self._threads.shutdown)

    async def _ask(self, ticket: Ticket) -> tuple[object, object]:
        key = ticket.key.encode()
        question = _READ % (len(key), key, len(key), key)
        link = self._link
        try:
            if link is None or not link.is_open:
                link = await self._reopened()
            try:
                pair = await link.ask(question, pair=True)
            except LinkLost:  # a restarted server had closed it: ask the new one, once
                link = await self._reopened()
                pair = await link.ask(question, pair=True)
            return cast("tuple[object, object]", pair)
        except (LinkLost, LinkSilent, LinkRefused) as error:
            raise Unavailable(STORE_UNAVAILABLE, hint=str(error) or type(error).__name__) from error

    async def _reopened(self) -> SessionLink:
        """Return an open link; whoever asks at the same time shares one attempt."""
        if self._link is not None and self._link.is_open:
            return self._link
        if self._opening is None:
            self._opening = asyncio.create_task(self._reopen())
            self._opening.add_done_callback(self._opened)
        # Shielded: the others still wait for it when this request is cancelled.
        return await asyncio.shield(self._opening)

    async def _reopen(self) -> SessionLink:
        self._link = await open_link(self._url)
        return self._link

    def _opened(self, opening: asyncio.Task[SessionLink]) -> None:
        self._opening = None
        if not opening.cancelled():
            opening.exception()  # seen, even where nobody waits for it any more

    def _require_service(self, reply: object) -> None:
        """Return if the long way round may do better than this reply.

        Raises:
            Unavailable: it would meet the same outage.
        """
        if str(reply).startswith(_OUTAGES):
            if self._link is not None:
                self._link.close()  # credentials or roles may be others on a new link
            raise Unavailable(STORE_UNAVAILABLE, hint=str(reply).partition(" ")[0])

    def _open(self, ticket: Ticket, sealed: bytes, left_ms: object) -> TokenSet | None:
        try:
            tokens = self._codec.open_tokens(ticket, sealed)
        except Unreadable:
            return None
        if isinstance(left_ms, int) and left_ms < self._slide_below_ms:
            self._slide(ticket)
        return tokens

    def _slide(self, ticket: Ticket) -> None:
        # Near its absolute end a session's expiry does not move any more: remember the attempt.
        now = time.monotonic()
        touched = self._touched
        if now - touched.get(ticket.digest, -self._touch_interval_s) < self._touch_interval_s:
            return
        if len(touched) >= _TOUCHES_REMEMBERED_MAX:
            oldest = now - self._touch_interval_s
            self._touched = touched = {name: at for name, at in touched.items() if at > oldest}
            if len(touched) >= _TOUCHES_REMEMBERED_MAX:
                touched.clear()
        touched[ticket.digest] = now
        # Not waited for, and a failure does no harm: the next request after the interval slides.
        self._threads.submit(self._touch, ticket)
