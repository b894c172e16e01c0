"""The connections to one address: kept, found again, counted, given up.

Spec: RFC 9112 §9.3.1 (retrying requests), §9.6.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from bff.proxy.exchange import SWEEP_INTERVAL_S

if TYPE_CHECKING:
    from bff.proxy.addresses import Origin
    from bff.proxy.connection import UpstreamConnection
    from bff.proxy.health import Health

# A request that must not be repeated only takes a connection that was in use just now.
_FRESH_SWEEPS_MAX: Final = 2.0 / SWEEP_INTERVAL_S


class Pool:
    """One address of an upstream, as one worker knows it.

    Attributes:
        origin: as the settings name it.
        address: where that is: an IP address, or a unix socket's path.
        head_line_end: what follows the target in every request sent here.
        connections: open ones, idle ones included.
        connecting: how many are being opened.
        retired: DNS names it no longer; nothing is kept.
    """

    __slots__ = (
        "_idle", "_idle_max", "_idle_sweeps_max", "address", "connecting", "connections",
        "head_line_end", "health", "origin", "retired",
    )  # fmt: skip

    def __init__(
        self,
        origin: Origin,
        address: str,
        head_line_end: bytes,
        health: Health,
        *,
        idle_max: int,
        idle_s: float,
    ) -> None:
        """*idle_max* connections are kept for *idle_s* while nobody uses them."""
        self.origin = origin
        self.address = address
        self.head_line_end = head_line_end
        self.health = health
        self.connections: set[UpstreamConnection] = set()
        self.connecting = 0
        self.retired = False
        self._idle: list[UpstreamConnection] = []
        self._idle_max = idle_max
        self._idle_sweeps_max = idle_s / SWEEP_INTERVAL_S

    @property
    def outstanding(self) -> int:
        """How many calls are under way here."""
        return len(self.connections) - len(self._idle) + self.connecting

    @property
    def title(self) -> str:
        """The address as operators are told it."""
        if self.origin.scheme == "unix":
            return f"unix:{self.address}"
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.origin.port}"

    def take(self, *, replayable: bool) -> UpstreamConnection | None:
        """Return a kept connection that is worth a try, or None."""
        idle = self._idle
        while idle:
            # The one used last: it is the least likely to be closed by now.
            connection = idle.pop()
            if connection.closed:
                continue
            if connection.idle_sweeps <= (
                self._idle_sweeps_max if replayable else _FRESH_SWEEPS_MAX
            ):
                return connection
            idle.append(connection)
            return None
        return None

    # What a connection tells.

    def keep(self, connection: UpstreamConnection) -> None:
        """Take *connection* back; another exchange may begin on it."""
        if self.retired or len(self._idle) >= self._idle_max:
            connection.abort()
        else:
            self._idle.append(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """Forget *connection*, which is closed."""
        self.connections.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)

    # What the transport asks for.

    def sweep(self) -> None:
        """Count a quarter of a second for every connection."""
        for connection in tuple(self.connections):
            connection.sweep()
            if connection.idle_sweeps > self._idle_sweeps_max:
                connection.abort()

    def retire(self) -> None:
        """Drop what is idle; calls under way go on."""
        self.retired = True
        for connection in tuple(self._idle):
            connection.abort()

    def close(self) -> None:
        """Drop everything."""
        self.retired = True
        for connection in tuple(self.connections):
            connection.abort()
