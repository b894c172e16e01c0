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


def test_the_slow_upstream_is_as_strict_as_the_fast_one() -> None:
    """A leaked cookie or a missing token is refused there too."""
    path, headers = slow_upstream.parse_head(
        b"GET /slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n\r\n"
    )
    assert path == b"/slow"
    assert not slow_upstream.is_refused(headers)
    assert slow_upstream.is_refused({**headers, b"cookie": b"session=s"})
    assert slow_upstream.is_refused({b"host": b"x"})
