"""Redis behind Sentinel and as a cluster: addresses are read, and an outage is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis.exceptions import RedisError

from httpkit.problems import Unavailable
from sso.clock import utc_now
from sso.redis_connection import SCHEMES, open_redis
from sso.settings import Settings
from sso.throttle import Throttle, Throttled
from tests.support.ports import free_port
from tests.support.programs import Program
from tests.support.stores import Store, redis_binary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sentinel_url(redis_server: Store, tmp_path: Path) -> Iterator[str]:
    """A Sentinel that watches a Redis of Debian's."""
    redis_server.flush()
    port = free_port()
    config = tmp_path / "sentinel.conf"
    watched = f"sentinel monitor throttles 127.0.0.1 {redis_server.port} 1\n"
    config.write_text(f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\n{watched}")
    command = [redis_binary(), str(config), "--sentinel"]
    program = Program("sentinel", command, tmp_path / "sentinel.log", folder=tmp_path)
    program.start()
    url = f"redis+sentinel://127.0.0.1:{port}/throttles/1"

    def answers() -> bool:
        try:
            return bool(open_redis(url).ping())
        except RedisError:
            return False

    program.wait_until(answers)
    yield url
    program.stop()


def test_guesses_are_counted_behind_a_sentinel(sentinel_url: str, redis_server: Store) -> None:
    """In the database that the address names."""
    throttle = Throttle(open_redis(sentinel_url), utc_now)
    throttle.take("kind", "name", limit=1, window_s=60)
    with pytest.raises(Throttled):
        throttle.take("kind", "name", limit=1, window_s=60)
    throttle.give_back("kind", "name")
    throttle.take("kind", "name", limit=1, window_s=60)
    with redis_server.client() as client:
        assert client.dbsize() == 0
        assert client.execute_command("INFO", "keyspace").get("db1")


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1/0",
        "redis+sentinel://127.0.0.1:1,127.0.0.1:2/throttles/0",
        "redis+cluster://user:p%40ss@127.0.0.1:1,127.0.0.1:2",
    ],
)
def test_nobody_there_is_an_outage_at_once_and_again(url: str) -> None:
    """Nothing is asked when the client is made; each question ends as `Unavailable`."""
    throttle = Throttle(open_redis(url), utc_now)
    for _ in range(2):
        with pytest.raises(Unavailable):
            throttle.take("kind", "name", limit=1, window_s=60)
        with pytest.raises(Unavailable):
            throttle.ping()
        throttle.give_back("kind", "name")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_a_setting(scheme: str) -> None:
    """And nothing else is."""
    given = {"database_url": "sqlite:///x", "secret_keys": ["k" * 40]}
    assert Settings.model_validate({**given, "redis_url": f"{scheme}h/0"})
    with pytest.raises(ValueError, match="must start with one of"):
        Settings.model_validate({**given, "redis_url": "http://h"})
