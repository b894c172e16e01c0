"""Medians, ratios and percentiles."""

from __future__ import annotations

import pytest

from bench import figures


def test_spread_is_the_median_between_its_extremes() -> None:
    """One wild round moves the extremes and not the figure."""
    assert figures.spread([80.0, 75.0, 900.0]) == figures.Spread(80.0, 75.0, 900.0)


def test_spread_of_nothing_is_an_error() -> None:
    """An empty result is never a figure."""
    with pytest.raises(ValueError, match="no values"):
        figures.spread([])


def test_ratios_compare_round_with_round() -> None:
    """A machine that halves its speed between rounds changes no ratio."""
    assert figures.ratios([80.0, 160.0], [20.0, 40.0]) == [4.0, 4.0]


def test_ratios_refuse_rounds_that_do_not_pair() -> None:
    """A missing round is noticed and not dropped."""
    with pytest.raises(ValueError, match="zip"):
        figures.ratios([80.0, 160.0], [20.0])


@pytest.mark.parametrize(("share", "value"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)])
def test_percentile_is_the_nearest_rank(share: float, value: float) -> None:
    """The value itself, never one between two."""
    assert figures.percentile([float(n) for n in range(100, 0, -1)], share) == value
