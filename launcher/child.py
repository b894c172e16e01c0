"""One child process: started, watched, ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from launcher.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TAIL_BYTES = 65_536
_TAIL_LINES = 12


@dataclass(eq=False)
class Child:
    """A program that belongs to this run.

    Attributes:
        title: how a person would call it.
        ready_url: answers 200 when the program is able to work; None where it has no HTTP.
        environ: its whole environment; in no repr, for it may carry secrets.
    """

    title: str
    command: Sequence[str]
    log: Path
    environ: Mapping[str, str] = field(repr=False)
    ready_url: str | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at_s: float = 0.0
    _log_start: int = 0

    def start(self) -> None:
        """Start it; what it writes is appended to its log."""
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(
                guarded(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.environ),
                # Its own group: Ctrl-C reaches the launcher alone, who ends things in order.
                process_group=0,
            )
        self.started_at_s = time.monotonic()

    def exit_status(self) -> int | None:
        """Return how it ended (negative: by which signal), or None while it runs."""
        return self.process.poll() if self.process else None

    @property
    def is_running(self) -> bool:
        """Whether it was started and lives."""
        return self.process is not None and self.process.poll() is None

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        if self.process is not None and self.is_running:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)

    def end_now(self) -> None:
        """Send SIGKILL to it and to whatever it started."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def last_words(self) -> list[str]:
        """Return what it said in plain words since its start; log lines (JSON) are left out."""
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - _TAIL_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
            return [line for line in lines if line.strip() and not _is_json(line)][-_TAIL_LINES:]
        return []


def describe_exit(status: int | None) -> str:
    """Return *status* in words."""
    if status is None:
        return "still running"
    if status < 0:
        return f"ended by signal {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
