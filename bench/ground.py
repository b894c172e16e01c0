"""What all peers share: a Redis, the upstream and the provider, on the cores beside them."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import debian
from bench import upstream as strict_upstream
from bench.stage import Stage, free_port, wait_until_listening

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Ground:
    """Where the shared parts listen."""

    redis_port: int
    upstream: strict_upstream.Upstream
    issuer: str

    def redis_url(self, database: int) -> str:
        """Return the address of one of Redis's databases, so that peers do not meet."""
        return f"redis://127.0.0.1:{self.redis_port}/{database}"


def lay(stage: Stage, folder: Path, cores: Sequence[int]) -> Ground:
    """Start the shared parts on *cores*.

    Raises:
        CannotRun: a part is missing on this machine.
    """
    debian.require_programs(debian.GROUND)
    redis_port, provider_port, slow_port = free_port(), free_port(), free_port()
    redis = stage.start(
        "redis",
        [debian.path_of("redis-server"), "--port", str(redis_port), "--bind", "127.0.0.1",
         "--save", "", "--appendonly", "no", "--dir", str(folder), "--databases", "32"],
        cores=cores, folder=folder,
    )  # fmt: skip
    provider = stage.start(
        "provider", [sys.executable, "-m", "bench.provider", str(provider_port)],
        cores=cores, folder=folder,
    )  # fmt: skip
    slow = stage.start(
        "slow-upstream", [sys.executable, "-m", "bench.slow_upstream", str(slow_port)],
        cores=cores, folder=folder,
    )  # fmt: skip
    upstream = strict_upstream.start(stage, folder, cores, slow_port)
    wait_until_listening(redis, redis_port)
    wait_until_listening(provider, provider_port)
    wait_until_listening(slow, slow_port)
    return Ground(redis_port, upstream, f"http://127.0.0.1:{provider_port}")


def redis_version() -> str:
    """Return the version of the server that the benchmark uses."""
    said = subprocess.run(
        [debian.path_of("redis-server"), "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    match = re.search(r"v=([\d.]+)", said.stdout)
    return match.group(1) if match else "unknown"
