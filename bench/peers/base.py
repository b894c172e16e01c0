"""What a peer is given, what it gives back, and how its packages get onto the machine."""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.stage import Program, Stage, free_port, run_or_refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).resolve().parent
THREADS = 32
"""Threads of a thread-pooled peer: as many as the load has connections, so that none waits."""


@dataclass(frozen=True)
class Place:
    """Where a peer stands: everything it may use."""

    stage: Stage
    cores: tuple[int, ...]
    folder: Path
    """Configuration and logs of this run."""

    packages: Path
    """What it installs; kept from run to run."""

    redis_url: str
    """A database of its own."""

    upstream: str
    issuer: str
    port: int = field(default_factory=free_port)
    workers: int = 1

    @property
    def base_url(self) -> str:
        """The peer's public origin. ``localhost``, because the provider is ``127.0.0.1``:
        cookies know no ports.
        """  # noqa: D205 - one thought
        return f"http://localhost:{self.port}"


@dataclass(frozen=True)
class Standing:
    """A peer that is up."""

    program: Program
    port: int
    login_url: str | None
    """Where signing in begins; None when the peer needs nobody signed in."""

    note: str = ""


class Peer(Protocol):
    """A subject of the benchmark."""

    slug: str
    title: str

    def start(self, place: Place) -> Standing:
        """Install what is missing, start, and return once it listens.

        Raises:
            CannotRun: not possible on this machine; the message says why.
        """

    def versions(self, place: Place) -> dict[str, str]:
        """Return the versions that make its figures mean something."""


def python_with(place: Place, requirements: Path) -> Path:
    """Return the interpreter of a virtual environment that has *requirements*, made when needed.

    Raises:
        CannotRun: the packages could not be installed.
    """
    venv = place.packages / "venv"
    python = venv / "bin" / "python"
    stamp = place.packages / "installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(venv, ignore_errors=True)
    place.packages.mkdir(parents=True, exist_ok=True)
    run_or_refuse([sys.executable, "-m", "venv", str(venv)])
    run_or_refuse([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check",
                   "--no-deps", "-r", str(requirements)])  # fmt: skip
    stamp.write_text(wanted)
    return python


def pinned_versions(requirements: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the versions that *requirements* pins for *names*."""
    pins = dict(
        line.split("==", 1) for line in requirements.read_text().splitlines() if "==" in line
    )
    return {name: pins[name] for name in names}
