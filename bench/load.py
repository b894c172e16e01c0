"""The load: wrk, and one round of it against one subject."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import debian, procfs
from bench.stage import CannotRun
from bench.upstream import SIZES, Upstream

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCRIPT = Path(__file__).parent / "wrk" / "rotation.lua"
_MARK = "FIGURES "
_HANGS_AFTER_S = 15


@dataclass(frozen=True)
class Load:
    """How hard, from where and for how long."""

    seconds: int
    connections: int
    cores: tuple[int, ...]


@dataclass(frozen=True)
class Target:
    """A subject as the load generator sees it."""

    port: int
    pid: int
    cookies: Path
    """One ``Cookie`` header a line, one line a signed-in person."""

    beside: tuple[int, ...] = ()
    """Further process trees that have a part in each answer."""

    def cpu_s(self) -> float:
        """Return the processor time that everything behind it has used so far."""
        return sum(map(procfs.cpu_s, (self.pid, *self.beside)))


@dataclass(frozen=True)
class Volley:
    """What wrk counted. Times in µs."""

    requests: int
    bytes: int
    duration_us: int
    bad_status: int
    broken: int
    p50_us: int
    p99_us: int


SILENCE = Volley(0, 0, 0, 0, 1, 0, 0)
"""Nobody answered at all."""


@dataclass(frozen=True)
class Round:
    """One round of one subject."""

    cpu_us: float
    """Processor time of the subject's whole process tree, divided by the answers. The figure."""

    requests: int
    bad: int
    """Answers that were wrong or missing; the figure counts only when this is 0."""

    per_second: float
    p50_us: int
    p99_us: int


def parse_volley(output: str) -> Volley:
    """Return the figures that ``rotation.lua`` wrote among wrk's own output.

    Raises:
        ValueError: there are none.
    """
    for line in output.splitlines():
        if line.startswith(_MARK):
            return Volley(**json.loads(line.removeprefix(_MARK)))
    raise ValueError("wrk reported no figures")


def shoot(target: Target, body: str, load: Load, *, upload_bytes: int = 0) -> Volley:
    """Run wrk once against *target* for the body named *body*.

    With *upload_bytes* each call is a PUT of so many.

    Raises:
        CannotRun: wrk failed.
    """
    wrk = debian.path_of("wrk")
    authority = f"localhost:{target.port}"
    command = [
        "taskset", "-c", ",".join(map(str, load.cores)), wrk, "-t1", f"-c{load.connections}",
        f"-d{load.seconds}s", "--timeout", "20s", "-s", str(_SCRIPT),
        f"http://127.0.0.1:{target.port}",
    ]  # fmt: skip
    env = {"COOKIES": str(target.cookies), "TARGET": f"/api/{body}", "AUTHORITY": authority}
    env["UPLOAD_BYTES"] = str(upload_bytes)
    limit_s = load.seconds + _HANGS_AFTER_S
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return SILENCE  # wrk waits for ever for the first answer of all
    if done.returncode != 0:
        raise CannotRun(f"wrk failed: {done.stderr.strip()[:300]}")
    return parse_volley(done.stdout)


def one_round(target: Target, body: str, load: Load, upstream: Upstream) -> Round:
    """Measure *target* once.

    An answer is good when wrk saw 2xx, the upstream really was asked for it, and the body came
    whole. The up to 32 requests in flight at the end cost a little and are not counted.
    """
    asked_before = upstream.answered()
    cpu_before = target.cpu_s()
    volley = shoot(target, body, load)
    cpu_spent = target.cpu_s() - cpu_before
    asked = upstream.answered() - asked_before - 1  # less this question itself
    return judge(volley, cpu_spent, asked, SIZES[body])


def judge(volley: Volley, cpu_spent_s: float, asked: int, body_bytes: int) -> Round:
    """Return the round that *volley* and the counters around it make."""
    not_asked = max(0, volley.requests - asked)
    cut_short = int(volley.bytes < volley.requests * body_bytes)
    bad = volley.bad_status + volley.broken + not_asked + cut_short
    return Round(
        cpu_us=cpu_spent_s * 1e6 / volley.requests if volley.requests else 0.0,
        requests=volley.requests,
        bad=bad if volley.requests else max(bad, 1),
        per_second=volley.requests * 1e6 / volley.duration_us if volley.duration_us else 0.0,
        p50_us=volley.p50_us,
        p99_us=volley.p99_us,
    )


def write_cookies(file: Path, headers: Sequence[str]) -> None:
    """Write one ``Cookie`` header a line for the rotation."""
    file.write_text("".join(f"{header}\n" for header in headers))
