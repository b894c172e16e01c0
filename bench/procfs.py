"""What the kernel knows about a process tree: processor time and memory, from ``/proc``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_KIB = 1024


@dataclass(frozen=True)
class Stat:
    """One line of ``/proc/<pid>/stat``; ticks are the kernel's (usually 10 ms)."""

    pid: int
    name: str
    parent: int
    own_ticks: int
    reaped_ticks: int
    """Time of children that ended and were waited for: a recycled worker's work still counts."""

    started_at_ticks: int


def parse_stat(line: str) -> Stat:
    """Return the fields of *line* that the benchmark uses.

    The second field is a program's name in parentheses and may hold spaces and parentheses itself,
    so everything is counted from the last one. Spec: proc(5).

    Raises:
        ValueError: not such a line.
    """
    head, _, tail = line.rpartition(")")
    pid, _, name = head.partition(" (")
    fields = tail.split()
    if len(fields) < 20:
        raise ValueError("not a line of /proc/<pid>/stat")
    return Stat(
        pid=int(pid),
        name=name,
        parent=int(fields[1]),
        own_ticks=int(fields[11]) + int(fields[12]),
        reaped_ticks=int(fields[13]) + int(fields[14]),
        started_at_ticks=int(fields[19]),
    )


def descendants(root: int, stats: list[Stat]) -> list[Stat]:
    """Return *root* and everything below it, parents first."""
    children: dict[int, list[Stat]] = {}
    for stat in stats:
        children.setdefault(stat.parent, []).append(stat)
    found = [stat for stat in stats if stat.pid == root]
    for stat in found:  # grows while it is read: breadth first
        found.extend(children.get(stat.pid, ()))
    return found


def tree(root: int) -> list[Stat]:
    """Return the process *root* and its descendants as they are now; empty when it has ended."""
    return descendants(root, _all_stats())


def cpu_s(root: int) -> float:
    """Return the seconds of processor time that the tree of *root* has used so far."""
    return sum(stat.own_ticks + stat.reaped_ticks for stat in tree(root)) / _TICKS_PER_S


def memory_bytes(root: int) -> int:
    """Return the resident memory of the tree of *root*, shared pages counted once (PSS)."""
    return sum(_proportional_bytes(stat.pid) for stat in tree(root))


def parse_rollup(text: str) -> int:
    """Return the proportional set size in bytes from the text of ``smaps_rollup``."""
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * _KIB
    return 0


def _proportional_bytes(pid: int) -> int:
    try:
        return parse_rollup((_PROC / str(pid) / "smaps_rollup").read_text())
    except OSError:
        return 0  # it ended between two reads


def _all_stats() -> list[Stat]:
    stats = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                stats.append(parse_stat((entry / "stat").read_text()))
            except OSError:
                continue  # it ended between two reads
    return stats
