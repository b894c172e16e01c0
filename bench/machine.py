"""What machine this is: without it a figure means nothing."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

_GIB = 1 << 30


def facts() -> dict[str, str]:
    """Return processor, memory, kernel and Python of this machine, in words."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory_gib": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / _GIB:.1f}",
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def split_cores(usable: set[int], workers: int = 1) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the subject's cores and everything else's.

    On a machine of one core they must share it; processor time still counts only the subject's.

    Raises:
        ValueError: no cores.
    """
    if not usable:
        raise ValueError("no cores")
    ordered = sorted(usable)
    if len(ordered) <= workers:
        return tuple(ordered), tuple(ordered)
    return tuple(ordered[:workers]), tuple(ordered[workers:])


def usable_cores() -> set[int]:
    """Return the cores this process may run on."""
    return os.sched_getaffinity(0)


def stand_aside(cores: tuple[int, ...]) -> None:
    """Move the benchmark's own process to *cores*, and allow it thousands of connections."""
    os.sched_setaffinity(0, cores)
    allow_many_files()


def allow_many_files() -> None:
    """Raise this process's limit of open files to what it may have; children inherit it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
