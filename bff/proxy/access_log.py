"""One line and two metrics a proxied request, at a cost that fits the hot path.

The lines have the form that `httpkit.events` gives every other event; they are written by hand
because a logging library costs more than the rest of the request. They leave in batches, whole
lines only, at the latest after a fifth of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Final

from bff.proxy.call import REPLY_ABORTED
from httpkit.events import HTTP_ANSWERED
from httpkit.log_loss import LOST_LINES

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.proxy.call import Call
    from httpkit.metrics import HttpMetrics

_FLUSH_AFTER_S: Final = 0.2
# A write of at most this many bytes reaches a pipe in one piece (POSIX PIPE_BUF), so that lines of
# several workers never mix.
_ATOMIC_BYTES: Final = 4096
_UNAVAILABLE_MIN: Final = 500


class AccessLog:
    """Writes lines and counts requests for one worker."""

    def __init__(
        self,
        metrics: HttpMetrics,
        *,
        party: str = "bff",
        enabled: bool = True,
        write: Callable[[bytes], object] | None = None,
    ) -> None:
        """Prepare.

        Args:
            metrics: the party's own; proxied routes appear in them beside the others.
            party: a field of every line.
            enabled: False counts without writing (``log_level`` above INFO).
            write: takes whole lines; standard error unless given.
        """
        self._metrics = metrics
        self._enabled = enabled
        self._write = write or _write_to_stderr
        self._head = f'{{"event":"{HTTP_ANSWERED}","party":{json.dumps(party)},"at":"'
        self._lines: list[bytes] = []
        self._bytes = 0
        self._flusher: asyncio.TimerHandle | None = None
        self._second = 0
        self._second_text = ""
        self._durations: dict[tuple[str, str, int], list[float]] = {}
        self._routes: dict[str, str] = {}

    def record(self, call: Call) -> None:
        """Note that *call* is over."""
        duration_s = time.perf_counter() - call.started_at
        key = (call.method, call.route, call.status)
        durations = self._durations.get(key)
        if durations is None:
            # Few: routes are configured, methods the parser's, and statuses three digits.
            durations = self._durations[key] = []
        durations.append(duration_s)
        if self._flusher is None:
            self._flusher = asyncio.get_running_loop().call_later(_FLUSH_AFTER_S, self.flush)
        if not self._enabled:
            return
        route = self._routes.get(call.route) or self._quote(call.route)
        line = (
            f'{self._head}{self._now()}","request_id":"{call.request_id}",'
            f'"method":"{call.method}","route":{route},"status":{call.status},'
            f'"duration_ms":{duration_s * 1000:.2f}'
        )
        if call.sid is not None:
            line = f'{line},"sid":"{call.sid}"'
        if call.upstream_status is not None:
            line = f'{line},"upstream_status":{call.upstream_status}'
        if call.problem is not None:
            line = f'{line},"level":"{_level(call)}","problem":"{call.problem}"'
            line = f'{line},"hint":{json.dumps(call.hint)}'
        else:
            line = f'{line},"level":"info"'
        self._append(f"{line}}}\n".encode())

    def flush(self) -> None:
        """Write what has gathered."""
        self._flusher = None
        lines, self._lines, self._bytes = self._lines, [], 0
        if lines:
            self._write(b"".join(lines))
        for (method, route, status), durations in self._durations.items():
            if durations:
                self._metrics.answered.labels(method, route, status).inc(len(durations))
                histogram = self._metrics.duration_s.labels(route)
                for duration_s in durations:
                    histogram.observe(duration_s)
                durations.clear()

    def close(self) -> None:
        """Write the last lines."""
        if self._flusher is not None:
            self._flusher.cancel()
        self.flush()

    def _append(self, line: bytes) -> None:
        if self._lines and self._bytes + len(line) > _ATOMIC_BYTES:
            lines, self._lines, self._bytes = self._lines, [], 0
            self._write(b"".join(lines))
        self._lines.append(line)
        self._bytes += len(line)

    def _now(self) -> str:
        """Return the instant as ISO 8601 in UTC; the seconds' text is made once a second."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second_text}.{int((now - second) * 1_000_000):06d}Z"

    def _quote(self, route: str) -> str:
        self._routes[route] = quoted = json.dumps(route)
        return quoted


def _level(call: Call) -> str:
    ours_to_mend = call.status >= _UNAVAILABLE_MIN or call.problem == REPLY_ABORTED
    return "warning" if ours_to_mend else "info"


def _write_to_stderr(lines: bytes) -> None:
    written = 0
    with contextlib.suppress(OSError, ValueError):  # a full disk must not fail requests
        written = os.write(sys.stderr.fileno(), lines)
    if written < len(lines):
        LOST_LINES.count(lines.count(b"\n", written))
