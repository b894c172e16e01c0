"""What the browsers' connections of one worker share: a buffer, a memory of heads, a timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from bff.proxy.head_memo import HeadMemo

if TYPE_CHECKING:
    import asyncio

    from uvicorn.server import ServerState

    from bff.proxy.edge import StrictHttpProtocol

_READ_BYTES: Final = 64 * 1024
_SWEEP_INTERVAL_S: Final = 1.0


class EdgeWorker:
    """One event loop's share of the edge."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # One buffer for all: the parser copies what it hands on, and no two reads overlap.
        self.buffer = memoryview(bytearray(_READ_BYTES))
        self.connections: set[StrictHttpProtocol] = set()
        self.heads = HeadMemo()
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Sweep once a second as long as there are connections."""
        if self._timer is None:
            self._timer = self._loop.call_later(_SWEEP_INTERVAL_S, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        self.heads.sweep()
        for connection in tuple(self.connections):
            connection.sweep()
        if self.connections:
            self.wake()


_workers: WeakKeyDictionary[ServerState, EdgeWorker] = WeakKeyDictionary()


def worker_of(server: ServerState, loop: asyncio.AbstractEventLoop) -> EdgeWorker:
    """Return what the connections of *server* share."""
    worker = _workers.get(server)
    if worker is None:
        worker = _workers[server] = EdgeWorker(loop)
    return worker
