"""The result of a run: as JSON, and as a table in the terminal."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.figures import Spread, ratios, spread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.load import Round

YARDSTICK = "nginx"
"""The peer whose figure everything is divided by."""


@dataclass
class SubjectResult:
    """What one subject did."""

    slug: str
    title: str
    versions: dict[str, str] = field(default_factory=dict)
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    """Body name → rounds, in the order they ran."""

    memory_bytes: int = 0
    not_run: str = ""
    """Why there are no rounds."""

    note: str = ""


@dataclass
class Result:
    """A whole run."""

    machine: dict[str, str]
    settings: dict[str, int]
    subjects: list[SubjectResult] = field(default_factory=list)
    rows: dict[str, dict[str, float | str]] = field(default_factory=dict)
    """The measurements that are not a table of peers: streams, huge bodies, sign-ins."""


@dataclass(frozen=True)
class Line:
    """One subject at one body, condensed."""

    slug: str
    title: str
    cpu_us: Spread
    times_yardstick: float
    per_second: float
    p50_ms: float
    p99_ms: float
    memory_mib: float
    bad: int


def lines(result: Result, body: str) -> list[Line]:
    """Return a line for each subject that has rounds for *body*, cheapest first."""
    measured = [subject for subject in result.subjects if subject.rounds.get(body)]
    unit = next(([r.cpu_us for r in s.rounds[body]] for s in measured if s.slug == YARDSTICK), None)
    condensed = [_line(subject, body, unit) for subject in measured]
    return sorted(condensed, key=lambda line: line.cpu_us.median)


def _line(subject: SubjectResult, body: str, unit: list[float] | None) -> Line:
    rounds = subject.rounds[body]
    cpu = [one.cpu_us for one in rounds]
    comparable = unit is not None and len(unit) == len(cpu) and min(unit) > 0
    return Line(
        slug=subject.slug,
        title=subject.title,
        cpu_us=spread(cpu),
        times_yardstick=spread(ratios(cpu, unit)).median if comparable and unit else 0.0,
        per_second=spread([one.per_second for one in rounds]).median,
        p50_ms=spread([one.p50_us / 1000 for one in rounds]).median,
        p99_ms=spread([one.p99_us / 1000 for one in rounds]).median,
        memory_mib=subject.memory_bytes / (1 << 20),
        bad=sum(one.bad for one in rounds),
    )


_HEAD = ("", "CPU µs/request", "low–high", "× nginx", "req/s", "p50 ms", "p99 ms", "MiB", "bad")


def table(result: Result, body: str) -> str:
    """Return the terminal's table for *body*; a line with bad answers says so itself."""
    rows = [_HEAD, *(_cells(line) for line in lines(result, body))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(_aligned(row, widths) for row in rows)


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.title,
        f"{line.cpu_us.median:,.1f}",
        f"{line.cpu_us.low:,.1f}–{line.cpu_us.high:,.1f}",
        f"{line.times_yardstick:.2f}" if line.times_yardstick else "–",
        f"{line.per_second:,.0f}",
        f"{line.p50_ms:.2f}",
        f"{line.p99_ms:.2f}",
        f"{line.memory_mib:.0f}",
        str(line.bad) if line.bad == 0 else f"{line.bad} DOES NOT COUNT",
    )


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def absences(result: Result) -> list[str]:
    """Return a sentence for each subject that could not run."""
    return [f"{s.title}: not measured here: {s.not_run}" for s in result.subjects if s.not_run]


def write_json(result: Result, file: Path) -> None:
    """Write every figure of *result* to *file*."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(dataclasses.asdict(result), indent=1, ensure_ascii=False) + "\n")
