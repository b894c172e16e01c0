"""Programs that a test starts: readiness, captured output, and an end that is certain.

Each is stopped by its process id: by the test, at the latest when pytest ends, and by the kernel
(``PR_SET_PDEATHSIG`` through ``setpriv``) should pytest itself be killed.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 150.0
STOP_WITHIN_S = 30.0
_POLL_S = 0.02

_running: dict[int, Program] = {}


class NotReadyError(Exception):
    """A program ended or stayed silent instead of getting ready; carries the end of its log."""


@dataclass(eq=False)
class Program:
    """One operating-system process and what it wrote.

    Start programs from pytest's main thread: the kernel ends them with the thread that made them.
    """

    name: str
    command: Sequence[str]
    log_path: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again after `stop` or `kill`; output is appended to the log."""
        tied = shutil.which("setpriv")
        prefix = [tied, "--pdeathsig", "TERM", "--"] if tied else []
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, *self.command],
                cwd=self.folder,
                env={**bare_environ(), **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its own group: a Ctrl-C at the terminal is pytest's to hand on, in order.
                process_group=0,
            )
        _running[id(self)] = self

    @property
    def pid(self) -> int:
        """The process id; the program must have been started."""
        if self.process is None:
            raise NotReadyError(f"{self.name} was never started")
        return self.process.pid

    def is_running(self) -> bool:
        """Tell whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def wait_until(self, ready: Callable[[], bool], within_s: float = READY_WITHIN_S) -> None:
        """Return when *ready* says so.

        Raises:
            NotReadyError: the process ended first, or *within_s* passed.
        """
        deadline = time.monotonic() + within_s
        while not ready():
            if not self.is_running():
                raise NotReadyError(f"{self.name} ended early:\n{self.log()[-4000:]}")
            if time.monotonic() > deadline:
                raise NotReadyError(f"{self.name} is not ready:\n{self.log()[-4000:]}")
            time.sleep(_POLL_S)

    def stop(self, *, within_s: float = STOP_WITHIN_S) -> int | None:
        """End it in good order (SIGTERM); kill what is left after *within_s*. Return its status."""
        return self._end(signal.SIGTERM, within_s)

    def kill(self) -> int | None:
        """End it at once and unprepared (SIGKILL), as a crash would."""
        return self._end(signal.SIGKILL, STOP_WITHIN_S)

    def pause(self) -> None:
        """Freeze it (SIGSTOP): it accepts connections and never answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Wake it after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def log(self) -> str:
        """Return everything that it wrote so far, both streams."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def _end(self, how: signal.Signals, within_s: float) -> int | None:
        process, _ = self.process, _running.pop(id(self), None)
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
            process.send_signal(how)
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # Children that outlived it (it was killed, or forgot them) share its group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.returncode


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether something accepts connections on *port*."""
    with socket.socket() as probe:
        probe.settimeout(20)
        return probe.connect_ex((host, port)) == 0


def answers(url: str, status: int = 200) -> bool:
    """Tell whether a GET of *url* is answered with *status*."""
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            return bool(response.status == status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code == status
    except OSError:
        return False


def running() -> Iterator[Program]:
    """Yield every program that was started and not yet stopped."""
    yield from list(_running.values())


def stop_all() -> None:
    """Stop whatever still runs; called when pytest ends, whatever the reason."""
    for program in running():
        program.stop(within_s=5)


def bare_environ() -> dict[str, str]:
    """Return our environment without the settings of a party that a developer may have set."""
    parties = ("BFF_", "SSO_", "WORKBENCH_", "CLOAKROOM_")
    return {name: value for name, value in os.environ.items() if not name.startswith(parties)}


atexit.register(stop_all)
