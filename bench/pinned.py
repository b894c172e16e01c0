"""Become another program, held to some cores and to the benchmark's own life.

``python -m bench.pinned CORES PROGRAM ARGUMENTS…`` with CORES like ``0`` or ``0,1``. Setting this
before the program starts holds for every thread and child it will ever have.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Pin, ask for SIGTERM when the benchmark dies, and replace this process."""
    cores = {int(core) for core in sys.argv[1].split(",")}
    os.sched_setaffinity(0, cores)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
