"""Failures in a row, the pauses they earn, and the breaker over them."""

from __future__ import annotations

import pytest

from bff.problems import Unavailable
from bff.proxy.addresses import Tolerance
from bff.proxy.health import Breaker, Health


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


def paused(health: Health) -> bool:
    """Return whether its pause runs, seen anew."""
    return health.is_paused


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    """Three failures in a row, then 10 s, at most 30 s."""
    return Health(Tolerance(3, 10, 30), clock=clock)


def test_only_failures_in_a_row_count(health: Health) -> None:
    """One good reply ends the row."""
    assert [health.fail(), health.fail()] == [False, False]
    health.succeed()
    assert [health.fail(), health.fail(), health.fail()] == [False, False, True]


def test_nothing_is_earned_where_everything_is_borne(clock: Clock) -> None:
    """A tolerance of 0 switches it off."""
    health = Health(Tolerance(0, 10, 30), clock=clock)
    assert not any(health.fail() for _ in range(100))


def test_pauses_grow_up_to_a_bound(health: Health, clock: Clock) -> None:
    """Each further one is twice as long; one failure earns it."""
    took = []
    for _ in range(4):
        took.append(health.pause())
        assert paused(health)
        assert not health.fail()  # of a call that was under way
        clock.now_s += took[-1]
        assert not paused(health)
        assert health.fail()
    assert took == [10, 20, 30, 30]


def test_pauses_are_short_again_after_health(health: Health, clock: Clock) -> None:
    """As long in health as the last pause took, and the past is forgotten."""
    health.pause()
    assert health.pause() == 20
    clock.now_s += 20
    assert health.succeed()
    assert not health.succeed()
    clock.now_s += 21
    assert health.pause() == 10


def test_breaker_lets_one_call_see(health: Health, clock: Clock) -> None:
    """In its pause nobody, then one at a time."""
    breaker = Breaker(health)
    health.pause()
    assert breaker.is_open
    with pytest.raises(Unavailable) as caught:
        breaker.enter()
    assert (caught.value.problem.code, caught.value.retry_after_s) == ("upstream_unavailable", 10)
    clock.now_s += 10
    assert breaker.enter()
    with pytest.raises(Unavailable):
        breaker.enter()
    breaker.leave()
    assert breaker.enter()
    breaker.leave()
    health.succeed()
    assert not Breaker(health).is_open
