"""The measurements that are not a table of peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.run import Contender, Run

    Row = Callable[[Run, Sequence[Contender]], dict[str, dict[str, float | str]]]


def all_rows() -> dict[str, Row]:
    """Return the further measurements by name, in the order they run."""
    return {}
