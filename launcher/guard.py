"""Nothing is left running: a child learns of its parent's death from the kernel.

Even a launcher that is killed outright (SIGKILL runs no code of ours) takes its children along.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PR_SET_PDEATHSIG = 1
_FOLLOW = "CLOAKROOM_FOLLOW"
_FOLLOWS_PARENT = "CLOAKROOM_FOLLOWS_PARENT"

# Runs as its own small program between fork and exec, so that no Python runs in a forked copy of
# the launcher. The second look at the parent closes the gap before prctl took hold.
_WRAPPER = f"""
import ctypes, os, signal, sys
parent = int(sys.argv[1])
if sys.platform == "linux":
    ctypes.CDLL(None).prctl({_PR_SET_PDEATHSIG}, signal.SIGTERM)
if os.getppid() != parent:
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def guarded(command: Sequence[str]) -> list[str]:
    """Return *command* (its program by absolute path) as one that gets SIGTERM when we die."""
    return [sys.executable, "-I", "-S", "-c", _WRAPPER, str(os.getpid()), *command]


def follow_parent(environ: Mapping[str, str]) -> None:
    """Get SIGTERM when our parent dies, where `CLOAKROOM_FOLLOWS_PARENT` asks for it.

    `make run` does: it stands between the person and the launcher, and may be killed.
    """
    if environ.get(_FOLLOWS_PARENT) == "1":
        _get_sigterm_from(os.getppid())


def lead_workers() -> None:
    """Mark this process as one whose worker processes are to die with it."""
    os.environ[_FOLLOW] = str(os.getpid())


def follow_leader() -> None:
    """Die with the process that called `lead_workers`, when this one is a worker of it."""
    leader = os.environ.get(_FOLLOW)
    if leader is not None and int(leader) != os.getpid():
        _get_sigterm_from(int(leader))


def _get_sigterm_from(parent: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel knew
        os.kill(os.getpid(), signal.SIGTERM)
