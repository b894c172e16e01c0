"""While the other side is known to be silent, callers hear so at once and one of them probes."""

from __future__ import annotations

import pytest

from bff.problems import PROVIDER_UNAVAILABLE, Unavailable
from bff.tokens.breaker import PAUSE_S, Breaker
from bff.tokens.wire import GrantRefused


class Line:
    """A breaker by a clock of our own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls = 0
        self.breaker = Breaker(clock=lambda: self.now)

    def call(self, failure: Exception | None = None) -> None:
        """Call through the breaker; the call itself fails with *failure*."""
        with self.breaker.attempt():
            self.calls += 1
            if failure is not None:
                raise failure

    def fail(self, retry_after_s: int = 1) -> None:
        """Let a call find the other side silent."""
        with pytest.raises(Unavailable):
            self.call(Unavailable(PROVIDER_UNAVAILABLE, retry_after_s=retry_after_s))


@pytest.fixture
def line() -> Line:
    return Line()


def test_in_its_pause_nobody_is_called(line: Line) -> None:
    """Every caller is told "not now" without a wait."""
    line.fail()
    for _caller in range(5):
        with pytest.raises(Unavailable, match="provider_unavailable"):
            line.call()
    assert line.calls == 1


def test_after_the_pause_it_is_tried_again(line: Line) -> None:
    """And when it answers, everybody calls."""
    line.fail()
    line.now += PAUSE_S
    line.call()
    line.call()
    assert line.calls == 3


@pytest.mark.rule("F-24")
def test_the_pause_is_what_the_other_side_asked_for(line: Line) -> None:
    """``Retry-After`` is honoured (F-24)."""
    line.fail(retry_after_s=30)
    line.now += 29
    with pytest.raises(Unavailable) as told:
        line.call()
    line.now += 1
    line.call()
    assert line.calls == 2
    assert told.value.retry_after_s >= 1


@pytest.mark.rule("F-24")
def test_callers_are_told_how_much_of_the_pause_is_left(line: Line) -> None:
    """Not to come back while nobody would be asked (F-24)."""
    line.fail(retry_after_s=30)
    line.now += 10
    with pytest.raises(Unavailable) as told:
        line.call()
    assert told.value.retry_after_s >= 20


def test_one_caller_probes_and_the_rest_are_told_at_once(line: Line) -> None:
    """A herd does not wait out a timeout each."""
    line.fail()
    line.now += PAUSE_S
    with line.breaker.attempt(), pytest.raises(Unavailable):
        line.call()
    line.call()


def test_a_failed_probe_begins_the_pause_anew(line: Line) -> None:
    """Until one succeeds."""
    line.fail()
    line.now += PAUSE_S
    line.fail()
    with pytest.raises(Unavailable):
        line.call()
    assert line.calls == 2


@pytest.mark.parametrize("failure", [GrantRefused("invalid_grant"), ValueError("a bug")])
def test_an_answer_is_no_silence(line: Line, failure: Exception) -> None:
    """A refusal, or a bug of ours, pauses nobody, and a probe that meets one frees the line."""
    with pytest.raises(type(failure)):
        line.call(failure)
    line.call()
    line.fail()
    line.now += PAUSE_S
    with pytest.raises(type(failure)):
        line.call(failure)
    line.call()
    assert line.calls == 5
