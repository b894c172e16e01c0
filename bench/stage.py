"""Start programs on chosen cores and be sure that they all stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench import procfs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
_STOP_WITHIN_S = 8.0
_LISTEN_WITHIN_S = 30.0
_POLL_S = 0.05
_INSTALL_WITHIN_S = 600


class CannotRun(Exception):  # noqa: N818 - a finding, not an error of ours
    """This part cannot run here; the message says why in words for the table."""


@dataclass(frozen=True)
class Program:
    """A running program of ours."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """The root of its process tree."""
        return self.popen.pid


@dataclass
class Stage:
    """Everything the benchmark started; leaving the ``with`` block stops it, last one first."""

    programs: list[Program] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        for program in reversed(self.programs):
            stop(program)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        cores: Sequence[int],
        folder: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> Program:
        """Start *command* on *cores*; its output goes to ``<folder>/<name>.log``.

        A session of its own keeps the terminal's Ctrl-C for the benchmark, which then stops it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{name}.log"
        pinned = [sys.executable, "-m", "bench.pinned", ",".join(map(str, cores)), *command]
        with log.open("wb") as output:
            popen = subprocess.Popen(
                pinned,
                cwd=cwd,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        program = Program(name, popen, log)
        self.programs.append(program)
        return program

    def stop(self, program: Program) -> None:
        """Stop one program before the end of the run."""
        stop(program)
        self.programs.remove(program)


def stop(program: Program) -> None:
    """Ask *program* to end, and end whatever of its tree is left after 8 s."""
    family = procfs.tree(program.pid)
    if program.popen.poll() is None:
        program.popen.terminate()
        try:
            program.popen.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            program.popen.kill()
            program.popen.wait()
    _kill_left_over(family)


def _kill_left_over(family: list[procfs.Stat]) -> None:
    for known in family:
        try:
            now = procfs.parse_stat(Path(f"/proc/{known.pid}/stat").read_text())
            # The same number may be another program by now: only the same birth is the same one.
            if now.started_at_ticks == known.started_at_ticks:
                os.kill(known.pid, signal.SIGKILL)
        except OSError:
            continue  # already gone


def free_port() -> int:
    """Return a loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_listening(program: Program, port: int) -> None:
    """Return once *port* accepts connections.

    Raises:
        CannotRun: the program ended, or 30 s passed; the message carries the end of its log.
    """
    give_up_at = time.monotonic() + _LISTEN_WITHIN_S
    while time.monotonic() < give_up_at:
        if program.popen.poll() is not None:
            raise CannotRun(f"{program.name} ended at once: {last_words(program)}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(_POLL_S)
        else:
            return
    raise CannotRun(f"{program.name} did not listen within {_LISTEN_WITHIN_S:.0f} s")


def last_words(program: Program) -> str:
    """Return the last line that *program* wrote."""
    lines = program.log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


def run_or_refuse(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run an installing command and return what it printed.

    Raises:
        CannotRun: it failed, or took longer than ten minutes.
    """
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, check=False,
            timeout=_INSTALL_WITHIN_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise CannotRun(f"{command[0]}: {failure}") from failure
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no words").splitlines()[-1]
        raise CannotRun(f"{Path(command[0]).name} failed: {said[:200]}")
    return done.stdout + done.stderr
