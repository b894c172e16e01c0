"""A port that is given is free for whoever asked, and one that is given back is closed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.wire import ScriptedUpstream, connect

_CHOSEN_BY_LINUX = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_ports_are_given_once_and_never_taken_by_the_kernel() -> None:
    """Nothing that chooses for itself meets one of them between our look and its use."""
    lowest = int(_CHOSEN_BY_LINUX.read_text().split()[0])
    given = [free_port() for _ in range(500)]
    assert len(set(given)) == len(given)
    assert max(given) < lowest


def test_nobody_answers_at_a_closed_upstream() -> None:
    """Not even the thread that waited for a connection when it closed."""
    before = threading.active_count()
    upstream = ScriptedUpstream()
    assert threading.active_count() > before
    upstream.close()
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        connect(upstream.port)
    upstream.close()
