"""Quotas that refill evenly, and what callers are told of them."""

from __future__ import annotations

import pytest

from bff.problems import Refused
from bff.proxy import rates
from bff.proxy.rates import Charge, Ledger, RateLimit, charge, require_quota

LIMIT = RateLimit("session", 3, 60)


def test_quota_passes_at_once_and_then_one_each_interval() -> None:
    """Three in 60 s: three now, one after 20 s, none before."""
    now, full_at, passed = 1000.0, 0.0, []
    for wait_s in (0, 0, 0, 0, 19.9, 0.2, 20):
        now += wait_s
        charged, full_at = charge(LIMIT, full_at, now)
        passed.append(charged.wait_s == 0)
    assert passed == [True, True, True, False, False, True, True]


def test_refused_request_costs_nothing() -> None:
    """Whoever keeps asking waits no longer for it."""
    full_at = 0.0
    for _ in range(3):
        _, full_at = charge(LIMIT, full_at, 1000)
    waits = []
    for _ in range(3):
        charged, full_at = charge(LIMIT, full_at, 1010)
        waits.append(charged.wait_s)
    assert waits == [10, 10, 10]


@pytest.mark.parametrize(("requests", "per_s"), [(1, 1), (7, 3), (600, 60), (1000, 1), (3, 86400)])
def test_exactly_the_quota_passes_at_once(requests: int, per_s: int) -> None:
    """Whatever the fractions."""
    limit, full_at, left = RateLimit("route", requests, per_s), 0.0, []
    while True:
        charged, full_at = charge(limit, full_at, 12345.678)
        if charged.wait_s:
            break
        left.append(charged.left)
    assert left == list(range(requests - 1, -1, -1))


def test_headers_tell_every_quota() -> None:
    """As the draft spells them: lists of strings with parameters."""
    charges = [Charge(LIMIT, 2, 19.2), Charge(RateLimit("address", 9, 10), 0, 9.9)]
    assert require_quota(charges) == [
        (b"ratelimit-policy", b'"session";q=3;w=60, "address";q=9;w=10'),
        (b"ratelimit", b'"session";r=2;t=20, "address";r=0;t=10'),
    ]


def test_refusal_says_when_to_come_back() -> None:
    """In whole seconds, of the quota that takes longest."""
    charges = [Charge(LIMIT, 0, 60, 19.2), Charge(RateLimit("address", 9, 10), 0, 10, 0.5)]
    with pytest.raises(Refused) as caught:
        require_quota(charges)
    assert caught.value.problem.status == 429
    assert caught.value.headers["Retry-After"] == "20"
    assert caught.value.headers["RateLimit"] == '"session";r=0;t=60, "address";r=0;t=10'
    assert caught.value.hint == "rate by session"


@pytest.mark.rule("S-117")
def test_callers_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with a whole quota are forgotten first, then the oldest."""
    monkeypatch.setattr(rates, "_CALLERS_MAX", 4)
    now = [0.0]
    ledger = Ledger(clock=lambda: now[0])
    for caller in "abcd":
        ledger.charge(LIMIT, caller)
    assert ledger.charge(LIMIT, "e").left == 2
    assert len(ledger._full_at) == 4
    assert ledger.charge(LIMIT, "d").left == 1
    now[0] = 61
    ledger.charge(LIMIT, "f")
    assert len(ledger._full_at) == 1
