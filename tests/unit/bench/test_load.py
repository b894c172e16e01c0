"""What counts as an answer."""

from __future__ import annotations

import pytest

from bench import load, upstream

_GOOD = load.Volley(
    requests=1000, bytes=400_000, duration_us=2_000_000, bad_status=0, broken=0,
    p50_us=900, p99_us=3000,
)  # fmt: skip


def test_round_divides_processor_time_by_answers() -> None:
    """0.1 s for 1,000 answers are 100 µs each."""
    one = load.judge(_GOOD, 0.1, asked=1000, body_bytes=200)
    assert one.cpu_us == pytest.approx(100.0)
    assert (one.per_second, one.bad) == (500.0, 0)


def test_answers_that_the_upstream_never_gave_are_bad() -> None:
    """A proxy that answers by itself, or redirects to a login, has no figure."""
    assert load.judge(_GOOD, 0.1, asked=990, body_bytes=200).bad == 10


def test_bodies_cut_short_are_bad() -> None:
    """Fewer bytes than whole bodies means that some were cut."""
    assert load.judge(_GOOD, 0.1, asked=1000, body_bytes=401).bad == 1


def test_no_answer_at_all_is_bad() -> None:
    """A subject that is down costs nothing and must not look cheap."""
    silent = load.Volley(0, 0, 2_000_000, 0, 0, 0, 0)
    one = load.judge(silent, 0.0, asked=0, body_bytes=200)
    assert (one.cpu_us, one.bad) == (0.0, 1)


def test_volley_is_found_among_the_words_of_wrk() -> None:
    """The tool prints its own summary around our line."""
    output = (
        "Running 2s test\n"
        'FIGURES {"requests":2,"bytes":3,"duration_us":4,"bad_status":5,"broken":6,'
        '"p50_us":7,"p99_us":8}\nLatency 1ms\n'
    )
    assert load.parse_volley(output) == load.Volley(2, 3, 4, 5, 6, 7, 8)


def test_silence_of_wrk_is_an_error() -> None:
    """No figures are not zeros."""
    with pytest.raises(ValueError, match="no figures"):
        load.parse_volley("unable to connect")


def test_stub_status_gives_the_requests() -> None:
    """The third number is requests; the first two are connections."""
    page = "Active connections: 1 \nserver accepts handled requests\n 4 4 1234 \nReading: 0\n"
    assert upstream.parse_stub_status(page) == 1234
