"""Log lines that could not be written: a full disk must not fail a request, nor go unseen."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable


class LostLines(Collector):
    """Counts them for the process, as its log is one; a registry may collect the count."""

    def __init__(self) -> None:
        """Begin at none."""
        self._lock = threading.Lock()
        self._total = 0

    def count(self, lines: int = 1) -> None:
        """Note that so many were lost."""
        with self._lock:
            self._total += lines

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Yield the count for Prometheus."""
        yield CounterMetricFamily(
            "log_lines_lost", "Log lines that could not be written.", value=self._total
        )


LOST_LINES: Final = LostLines()
