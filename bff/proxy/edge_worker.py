"""What the browsers' connections of one worker share: a buffer, a memory of heads, a timer."""

from __future__ import annotations

import resource
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from bff.proxy.client_address import party_of
from bff.proxy.edge_rules import (
    TOO_MANY_CONNECTIONS,
    TOO_MANY_FROM_ADDRESS,
    EdgeLimits,
    Fault,
)
from bff.proxy.head_memo import HeadMemo
from httpkit import events
from httpkit.client_address import is_trusted

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from uvicorn.server import ServerState

    from bff.proxy.edge import StrictHttpProtocol
    from httpkit.client_address import Network

_READ_BYTES: Final = 64 * 1024
_SWEEP_INTERVAL_S: Final = 1.0
# Logs, Redis, the provider, worker threads' databases, listeners; and those who hear a 503.
_FILES_OF_OUR_OWN: Final = 192
_SPARE: Final = 64
_OF_LIMITS: Final = frozenset({414, 429, 431, 503})
_ROOM_MIN: Final = 16
_USUAL: Final = EdgeLimits()


def _count_nothing(_limit: str) -> None:
    """Count nothing."""


@dataclass(frozen=True, slots=True)
class EdgeTerms:
    """What the application says of the edge before it.

    Attributes:
        limits: on browsers.
        trusted: our own proxies, through whom many browsers come.
        count: told of each limit that stopped something.
    """

    limits: EdgeLimits = _USUAL
    trusted: Sequence[Network] = ()
    count: Callable[[str], None] = _count_nothing


class EdgeWorker:
    """One event loop's share of the edge."""

    def __init__(self, loop: asyncio.AbstractEventLoop, terms: EdgeTerms) -> None:
        # One buffer for all: the parser copies what it hands on, and no two reads overlap.
        self.buffer = memoryview(bytearray(_READ_BYTES))
        self.connections: set[StrictHttpProtocol] = set()
        self.terms = terms
        self._room = terms.limits.connections or room_for_connections()
        self._room_each = terms.limits.connections_per_address or max(1, self._room // 2)
        self._of_address: Counter[str] = Counter()
        self._too_many: dict[StrictHttpProtocol, None] = {}
        self.heads = HeadMemo()
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, connection: StrictHttpProtocol, peer: str) -> Fault | None:
        """Take a new connection; return what each of its requests but ``/livez`` is told, if any.

        Whether we live is answered however crowded it is: of those who are too many, the one that
        waited longest makes room for the newest.
        """
        self.connections.add(connection)
        self._of_address[party_of(peer)] += 1
        if len(self.connections) > self._room:
            self._too_many[connection] = None
            if len(self._too_many) > _SPARE:
                oldest = next(iter(self._too_many))
                del self._too_many[oldest]
                oldest.abort()
                self.terms.count(TOO_MANY_CONNECTIONS.code)
            return Fault(TOO_MANY_CONNECTIONS, "connections")
        crowd = self._of_address[party_of(peer)] > self._room_each
        if crowd and not is_trusted(peer, self.terms.trusted):
            return Fault(TOO_MANY_FROM_ADDRESS, "connections_per_address")
        return None

    def leave(self, connection: StrictHttpProtocol, peer: str) -> None:
        """Forget a connection that ended."""
        self.connections.discard(connection)
        self._too_many.pop(connection, None)
        party = party_of(peer)
        self._of_address[party] -= 1
        if not self._of_address[party]:
            del self._of_address[party]

    def note(self, fault: Fault) -> None:
        """Tell of a request that was refused at the socket."""
        problem = fault.problem
        events.get_logger().info(
            events.HTTP_REFUSED, problem=problem.code, hint=fault.hint, route="edge"
        )
        if problem.status in _OF_LIMITS:
            self.terms.count(problem.code)

    def cut(self, *, busy: bool) -> None:
        """Count a connection that took too long, unless it was only idle."""
        if busy:
            self.terms.count("slow")

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


def worker_of(
    server: ServerState, loop: asyncio.AbstractEventLoop, application: object
) -> EdgeWorker:
    """Return what the connections of *server* share; *application* may have `edge_terms`."""
    worker = _workers.get(server)
    if worker is None:
        terms = getattr(application, "edge_terms", None) or EdgeTerms()
        worker = _workers[server] = EdgeWorker(loop, terms)
    return worker


def room_for_connections() -> int:
    """Return how many browsers one worker has files for: each may need an upstream besides."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_ROOM_MIN, (allowed - _FILES_OF_OUR_OWN) // 2)
