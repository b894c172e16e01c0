"""Figures that a test measures and people quote; ``pytest -s`` shows them."""

from __future__ import annotations

import sys


def show(line: str) -> None:
    """Write *line* to standard output, which pytest keeps unless told to show it."""
    sys.stdout.write(f"{line}\n")
