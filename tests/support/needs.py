"""Names what this machine lacks, so that no test is left out in silence.

A test that cannot run here is skipped by `missing`. The end of the run lists every such test with
the reason, and with ``CI=true`` the run fails.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "needs "


def missing(what: str, remedy: str) -> NoReturn:
    """Leave the test at hand out because *what* is not here; *remedy* says how to get it."""
    pytest.skip(f"{PREFIX}{what}: {remedy}")


def program(name: str, *, package: str) -> str:
    """Return the path of *name*, a program of the Debian package *package*."""
    return shutil.which(name) or missing(name, f"apt-get install {package}")


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this run must be complete."""
    return environ.get("CI", "").lower() in {"1", "true", "yes"}
