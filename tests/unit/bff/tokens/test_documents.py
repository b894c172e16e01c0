"""A published document is kept with its last good copy and asked for no more than needed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bff.problems import PROVIDER_UNAVAILABLE, Refused, Unavailable
from bff.tokens.documents import FORCED_INTERVAL_S, FRESH_S, Document
from bff.tokens.wire import ProviderFault


class Publisher:
    """Publishes numbers, or fails as told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.fetches = 0
        self.failure: Refused | Unavailable | None = None
        self.shown: list[int | None] = []
        self.document: Document[int] = Document(self._fetch, clock=lambda: self.now)

    def _fetch(self, last_good: int | None) -> int:
        self.fetches += 1
        self.shown.append(last_good)
        if self.failure is not None:
            raise self.failure
        return self.fetches


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


def outage() -> Unavailable:
    return Unavailable(PROVIDER_UNAVAILABLE, hint="ConnectTimeout")


def test_a_fresh_copy_is_not_asked_for_again(publisher: Publisher) -> None:
    """For ten minutes nobody is asked."""
    assert publisher.document.get() == 1
    publisher.now += FRESH_S - 1
    assert publisher.document.get() == 1
    assert publisher.fetches == 1


@pytest.mark.rule("F-34")
def test_an_old_copy_is_renewed_and_shown_to_the_fetch(publisher: Publisher) -> None:
    """So that a move to other hosts can be noticed (F-34)."""
    publisher.document.get()
    publisher.now += FRESH_S
    assert publisher.document.get() == 2
    assert publisher.shown == [None, 1]


@pytest.mark.rule("F-32", "F-33")
@pytest.mark.parametrize("failure", [outage(), ProviderFault("another issuer")])
def test_the_last_good_copy_outlives_its_publisher(
    publisher: Publisher, failure: Refused | Unavailable
) -> None:
    """Down or talking nonsense: what was good stays (F-32, F-33); the end of it is noticed."""
    publisher.document.get()
    publisher.failure = failure
    publisher.now += FRESH_S
    assert publisher.document.get() == 1
    assert publisher.document.get() == 1
    assert publisher.fetches == 2  # one try, then a pause
    publisher.failure = None
    publisher.now += 15
    assert publisher.document.get() == 3


def test_without_a_copy_the_failure_is_told_and_soon_tried_again(publisher: Publisher) -> None:
    """At most one try a second, whoever asks."""
    publisher.failure = outage()
    for _caller in range(5):
        with pytest.raises(Unavailable):
            publisher.document.get()
    assert publisher.fetches == 1
    publisher.failure = None
    publisher.now += 1
    assert publisher.document.get() == 2


def test_a_failure_that_is_told_twice_is_not_the_same_object(publisher: Publisher) -> None:
    """One visitor's answer is written onto the refusal: the next one must not get it."""
    publisher.failure = ProviderFault("another issuer")
    told = []
    for _visitor in range(3):
        with pytest.raises(ProviderFault) as refusal:
            publisher.document.get()
        told.append(refusal.value)
        refusal.value.headers = {"Set-Cookie": "of one visitor"}
    assert len({id(one) for one in told}) == 3
    with pytest.raises(ProviderFault) as refusal:
        publisher.document.get()
    assert refusal.value.headers == {}
    assert refusal.value.hint == "another issuer"


@pytest.mark.rule("B-43", "S-122")
def test_a_forced_renewal_happens_once_a_minute(publisher: Publisher) -> None:
    """Invented key ids do not make us call the provider (S-122)."""
    publisher.document.get()
    assert [publisher.document.get_newer() for _n in range(5)] == [2] * 5
    publisher.now += FORCED_INTERVAL_S - 1
    assert publisher.document.get_newer() == 2
    publisher.now += 1
    assert publisher.document.get_newer() == 3


def test_a_forced_renewal_that_fails_keeps_the_copy(publisher: Publisher) -> None:
    """Also during an outage of the publisher."""
    publisher.document.get()
    publisher.failure = outage()
    assert publisher.document.get_newer() == 1


def test_many_threads_cause_one_first_fetch() -> None:
    """The others wait for it; later nobody with a copy waits for who renews."""
    release, fetches = threading.Event(), []

    def fetch(_last: int | None) -> int:
        fetches.append(1)
        assert release.wait(10)
        return 7

    document = Document(fetch)
    with ThreadPoolExecutor(10) as threads:
        callers = [threads.submit(document.get) for _n in range(10)]
        release.set()
        assert {caller.result() for caller in callers} == {7}
    assert len(fetches) == 1


def test_nobody_with_a_copy_waits_for_its_renewal() -> None:
    """A slow publisher holds up one caller and no other."""
    now = [0.0]
    renewing, release = threading.Event(), threading.Event()

    def fetch(last: int | None) -> int:
        if last is not None:
            renewing.set()
            assert release.wait(10)
        return 1 if last is None else 2

    document = Document(fetch, clock=lambda: now[0])
    assert document.get() == 1
    now[0] += FRESH_S
    with ThreadPoolExecutor(1) as threads:
        renewal = threads.submit(document.get)
        assert renewing.wait(10)
        assert document.get() == 1
        release.set()
        assert renewal.result() == 2
