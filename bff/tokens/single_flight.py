"""Many callers, one call: concurrent work under one key is done once and shared.

The work runs on a bounded set of threads, so that a herd of different keys queues instead of
exhausting anything. Callers get the result itself, not the news that there is one.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs at most one call a key at a time in this process."""

    def __init__(self, *, threads: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._flying: dict[str, Future[T]] = {}

    def submit(self, key: str, call: Callable[[], T]) -> Future[T]:
        """Return the future of the call that flies under *key*, starting *call* if none does.

        An async caller must shield the future: cancelling it would cancel it for everybody.
        """
        with self._lock:
            flying = self._flying.get(key)
            if flying is not None:
                return flying
            future = self._executor.submit(call)
            self._flying[key] = future
        # After the lock: a call that is done already runs this at once, in this thread.
        future.add_done_callback(lambda _done: self._land(key))
        return future

    def close(self) -> None:
        """Let what flies finish and take nothing new."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _land(self, key: str) -> None:
        with self._lock:
            self._flying.pop(key, None)
