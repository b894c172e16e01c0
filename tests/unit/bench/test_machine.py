"""Who gets which core."""

from __future__ import annotations

import pytest

from bench import machine, slow_upstream


@pytest.mark.parametrize(
    ("usable", "workers", "ours", "others"),
    [
        ({0, 1}, 1, (0,), (1,)),
        ({2, 5, 7}, 2, (2, 5), (7,)),
        ({3}, 1, (3,), (3,)),
        ({0, 1}, 2, (0, 1), (0, 1)),
    ],
)
def test_cores_are_split(
    usable: set[int], workers: int, ours: tuple[int, ...], others: tuple[int, ...]
) -> None:
    """The subject alone on its cores wherever there are enough."""
    assert machine.split_cores(usable, workers) == (ours, others)


def test_the_slow_upstream_reads_a_head() -> None:
    """Names in lower case, values without their blanks."""
    path, headers = slow_upstream.parse_head(b"PUT /sink HTTP/1.1\r\nContent-Length:  12\r\n\r\n")
    assert (path, headers) == (b"/sink", {b"content-length": b"12"})
