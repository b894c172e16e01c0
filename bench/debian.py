"""Debian's packages: installed where we may, asked for in words where we may not."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from bench.stage import CannotRun, run_or_refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUND = {"nginx": "nginx", "wrk": "wrk", "redis-server": "redis-server"}
"""Program → the package that has it: what no figure can be measured without."""


def require_programs(packages: dict[str, str]) -> None:
    """Return when every program in *packages* is there, installed now if need be.

    Raises:
        CannotRun: one is missing and we may not install it.
    """
    missing = [package for program, package in packages.items() if find(program) is None]
    if missing:
        install(missing)


def find(program: str) -> str | None:
    """Return the path of *program*; servers live where a person's PATH may not look."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def path_of(program: str) -> str:
    """Return where *program* is, or its bare name, whose start then fails in the system's words."""
    return find(program) or program


def install(packages: Sequence[str]) -> None:
    """Install *packages*.

    Raises:
        CannotRun: not root, no apt, or it failed.
    """
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotRun(f"please install {' '.join(packages)}; only root may")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run_or_refuse(["apt-get", "update", "-q"], env=env)
    run_or_refuse(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], env=env)
