"""The few statistics the benchmark needs, as pure functions."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Spread:
    """A median with the smallest and largest value beside it."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return median, smallest and largest of *values*.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("no values")
    return Spread(statistics.median(values), min(values), max(values))


def ratios(values: Sequence[float], yardstick: Sequence[float]) -> list[float]:
    """Return each of *values* over the yardstick's value of the same round.

    Dividing round by round, not median by median, takes the machine's drift out.
    """
    return [value / unit for value, unit in zip(values, yardstick, strict=True)]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that *share* (0 to 1) of *values* do not exceed (nearest rank).

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
