"""What a test leaves connected is closed by its owner, not found by the collector."""

from __future__ import annotations

import gc
import os
import warnings

import pytest
import redis


def leave(url: str) -> int:
    """Leave a link in a cycle of its frame and an error's traceback; return its socket's number."""
    client = redis.Redis.from_url(url)
    client.ping()
    with pytest.raises(redis.ResponseError) as error:
        client.execute_command("NO SUCH COMMAND")
    assert error
    sock = client.connection_pool._available_connections[0]._sock
    gc.collect()  # which now comes to the socket first: it is held from here, and the link is not
    return int(sock.fileno())


def test_a_link_in_a_cycle_is_closed_without_a_word(valkey_url: str) -> None:
    """Whichever of link and socket the collector comes to first."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        number = leave(valkey_url)
        gc.collect()
    assert [str(each.message) for each in said] == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
