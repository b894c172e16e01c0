"""Who is still waiting on a session hears at once when it ends or changes, on every node.

Event streams and WebSockets outlive the request that was judged. Each worker listens on one Redis
channel; because a message can be lost while a link is down, what is followed is also looked up
again after every reconnection and when its time is due to run out. An outage ends nobody's
session: while Redis is silent, streams stay open.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from bff.problems import Unavailable
from bff.sessions.connect import store_errors
from bff.sessions.scripts import CHANGES
from httpkit.events import log_bug

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

    from bff.sessions.model import Ticket

ENDED: Final = "ended"
REFRESHED: Final = "refreshed"

_LISTEN_S = 0.5
_RECONNECT_S = 0.5
_LOOKUP_MAX_S = 60.0
_AFTER_EXPIRY_S = 0.05
_THREADS = 2

Changes = asyncio.Queue[str]


class SessionWatch:
    """Hands changes of sessions to followers in this worker; used from its event loop alone."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        expires_in_ms: Callable[[str], int | None],
    ) -> None:
        """Nothing is sent before somebody follows.

        Args:
            client: listens, on a link of its own.
            expires_in_ms: what is left of the session with this digest, None where it is gone;
                called in a worker thread.
        """
        self._client = client
        self._expires_in_ms = expires_in_ms
        self._followers: dict[str, set[Changes]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="session-watch")
        self._listener: threading.Thread | None = None
        self._closed = threading.Event()

    @contextmanager
    def follow(self, ticket: Ticket) -> Iterator[Changes]:
        """Yield a queue that gets each change of *ticket*'s session; `ENDED` is the last.

        What `StepUps` tells is followed by a blank and the address of the sign-in that is wanted.
        A session that is already gone when this begins is told as ended too.
        """
        self._listen()
        changes: Changes = asyncio.Queue()
        followers = self._followers.setdefault(ticket.digest, set())
        followers.add(changes)
        self._look_up_after(ticket.digest, 0)
        try:
            yield changes
        finally:
            followers.discard(changes)
            if not followers:
                self._followers.pop(ticket.digest, None)
                self._cancel(ticket.digest)

    def close(self) -> None:
        """Stop listening."""
        self._closed.set()
        for digest in list(self._timers):
            self._cancel(digest)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _tell(self, digest: str, change: str) -> None:
        for follower in self._followers.get(digest, ()):
            follower.put_nowait(change)

    def _look_up_after(self, digest: str, delay_s: float) -> None:
        self._cancel(digest)
        loop = asyncio.get_running_loop()
        self._timers[digest] = loop.call_later(delay_s, self._look_up, digest)

    def _look_up(self, digest: str) -> None:
        loop = asyncio.get_running_loop()

        def ask() -> None:
            try:
                left_ms = self._expires_in_ms(digest)
            except Unavailable:
                left_ms = int(_RECONNECT_S * 1000)
            with suppress(RuntimeError):  # the loop may have closed meanwhile
                loop.call_soon_threadsafe(self._looked_up, digest, left_ms)

        if not self._closed.is_set():
            self._threads.submit(ask)

    def _looked_up(self, digest: str, left_ms: int | None) -> None:
        if digest not in self._followers or self._closed.is_set():
            return
        if left_ms is None:
            self._tell(digest, ENDED)
            return
        self._look_up_after(digest, min(left_ms / 1000 + _AFTER_EXPIRY_S, _LOOKUP_MAX_S))

    def _cancel(self, digest: str) -> None:
        timer = self._timers.pop(digest, None)
        if timer is not None:
            timer.cancel()

    def _listen(self) -> None:
        if self._listener is None:
            loop = asyncio.get_running_loop()
            self._listener = threading.Thread(
                target=self._run, args=(loop,), name="session-watch", daemon=True
            )
            self._listener.start()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen until closed, in a thread of its own."""
        while not self._closed.is_set():
            try:
                with suppress(Unavailable, RuntimeError), store_errors():
                    self._hear(loop)
            except Exception as error:  # noqa: BLE001 - nobody would hear of a silent listener
                log_bug(error)
            self._closed.wait(_RECONNECT_S)

    def _hear(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(CHANGES)
            # What was said while nobody listened: look everything up again.
            loop.call_soon_threadsafe(self._look_up_all)
            while not self._closed.is_set():
                message = channel.get_message(timeout=_LISTEN_S)
                if message is not None:
                    said = message["data"].decode(errors="replace")  # anybody may publish here
                    digest, _blank, change = said.partition(" ")
                    loop.call_soon_threadsafe(self._tell, digest, change)

    def _look_up_all(self) -> None:
        for digest in list(self._followers):
            self._look_up_after(digest, 0)
