"""Concurrent work under one key is done once and shared; different keys do not meet."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import pytest

from bff.tokens.single_flight import SingleFlight


def test_callers_share_the_flight_of_their_key() -> None:
    """Twenty callers, one call, one result."""
    flights: SingleFlight[int] = SingleFlight(threads=4, name="test")
    release, calls = threading.Event(), []

    def call() -> int:
        calls.append(1)
        assert release.wait(10)
        return 7

    futures = [flights.submit("key", call) for _n in range(20)]
    release.set()
    assert {future.result(10) for future in futures} == {7}
    assert len(calls) == 1
    flights.close()


def test_a_failure_is_shared_and_not_remembered() -> None:
    """The next caller tries anew."""
    flights: SingleFlight[int] = SingleFlight(threads=1, name="test")

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        flights.submit("key", fail).result(10)
    while flights._flying:
        pass
    assert flights.submit("key", lambda: 8).result(10) == 8
    flights.close()


def test_keys_fly_beside_each_other() -> None:
    """A slow call under one key holds up no other, as long as threads are left."""
    flights: SingleFlight[str] = SingleFlight(threads=2, name="test")
    release = threading.Event()
    slow = flights.submit("slow", lambda: str(release.wait(10)))
    assert flights.submit("quick", lambda: "quick").result(10) == "quick"
    release.set()
    assert slow.result(10) == "True"
    flights.close()


def test_a_herd_of_keys_queues_for_the_threads() -> None:
    """Never more calls at once than threads, and all of them come to their turn."""
    flights: SingleFlight[int] = SingleFlight(threads=3, name="test")
    lock, flying, most = threading.Lock(), [0], [0]
    together = threading.Barrier(3)

    def call(number: int) -> int:
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0])
        together.wait(10)
        with lock:
            flying[0] -= 1
        return number

    futures = [flights.submit(f"key-{n}", lambda n=n: call(n)) for n in range(30)]  # type: ignore[misc]
    assert [future.result(10) for future in futures] == list(range(30))
    assert most == [3]
    flights.close()


def test_closing_lets_what_flies_land() -> None:
    """A refresh under way is finished; what only queued is called off."""
    flights: SingleFlight[str] = SingleFlight(threads=1, name="test")
    began, release = threading.Event(), threading.Event()

    def call() -> str:
        began.set()
        return str(release.wait(10))

    flying = flights.submit("flying", call)
    queued = flights.submit("queued", lambda: "never")
    assert began.wait(10)
    closer = threading.Thread(target=flights.close)
    closer.start()
    while not queued.cancelled():
        pass
    release.set()
    closer.join(10)
    assert flying.result(10) == "True"
    with pytest.raises(CancelledError):
        queued.result(10)
