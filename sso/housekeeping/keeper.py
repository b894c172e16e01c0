"""The thread that sees to it, in every process; the turn in the database says whose it is."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter

from httpkit import events
from httpkit.problems import Unavailable
from sso.clients.registration import MAX_ACCESS_TOKEN_S
from sso.storage.turns import SWEEP, take_turn

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from sso.clock import Clock
    from sso.housekeeping.sweeper import Sweeper
    from sso.keys.signing import SigningKeys
    from sso.settings import Housekeeping
    from sso.storage.engine import Storage

ROTATED: Final = "keys.rotated"
SWEPT: Final = "rows.swept"
_LOOK_S: Final = 30.0


class KeeperMetrics:
    """What the keeper did."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.swept = Counter(
            "sso_rows_swept", "Rows deleted because they were over.", ["table"], registry=registry
        )
        self.rotated = Counter(
            "sso_keys_rotated", "Signing keys made because one was old.", registry=registry
        )


class Keeper:
    """Looks whether something is due, and does it."""

    def __init__(
        self,
        settings: Housekeeping,
        storage: Storage,
        keys: SigningKeys,
        sweeper: Sweeper,
        metrics: KeeperMetrics,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._keys = keys
        self._sweeper = sweeper
        self._metrics = metrics
        self._clock = clock

    def start(self) -> threading.Thread:
        """Look every half minute, in a thread of its own, for the life of this process."""
        thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        thread.start()
        return thread

    def look(self) -> None:
        """Do what is due, where no other process does.

        Raises:
            Unavailable: the database did not answer; it is due still.
        """
        if older_than_s := self._settings.rotate_keys_after_s:
            kids = self._keys.rotate_old(older_than_s=older_than_s, keep_s=MAX_ACCESS_TOKEN_S)
            for kid in kids:
                self._metrics.rotated.inc()
                events.get_logger().info(ROTATED, kid=kid)
        if self._settings.sweep_every_s and self._is_our_turn_to_sweep():
            for table, count in self._sweeper.sweep().items():
                self._metrics.swept.labels(table).inc(count)
                events.get_logger().info(SWEPT, table=table, rows=count)

    def _is_our_turn_to_sweep(self) -> bool:
        every = timedelta(seconds=self._settings.sweep_every_s)
        return self._storage.write(lambda s: take_turn(s, SWEEP, self._clock(), every=every))

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self.look()
            except Unavailable:
                pass  # it is due still when the database is back
            except Exception as error:  # noqa: BLE001 - the outermost edge of this thread
                events.log_bug(error)
            pause.wait(_LOOK_S)
