"""The servers that tests stand on are real and start empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis
import sqlalchemy

if TYPE_CHECKING:
    from tests.support.stores import Store


@pytest.mark.parametrize("address", ["valkey_url", "redis_server_url"])
def test_store_is_real_and_empty(address: str, request: pytest.FixtureRequest) -> None:
    """Lua, expiry and cluster-style hash tags work as in production; nothing is left over."""
    with redis.Redis.from_url(request.getfixturevalue(address)) as client:
        assert client.dbsize() == 0
        assert client.eval("return redis.call('SET', KEYS[1], 'v', 'PX', 9000)", 1, "{a}") == b"OK"
        assert client.pttl("{a}") > 0


def test_durable_store_keeps_its_data_over_a_crash(durable_store: Store) -> None:
    """What was answered before SIGKILL is there after the restart."""
    with durable_store.client() as client:
        client.hset("{a}", mapping={"r": b"\x00kept"})
    durable_store.program.kill()
    assert not durable_store.is_ready()
    durable_store.start()
    assert durable_store.dump() == {b"{a}": b"r=\x00kept"}


def test_database_is_empty_and_takes_any_character(database_url: str) -> None:
    """Both kinds of database store four-byte characters."""
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []
        connection.exec_driver_sql("CREATE TABLE names (name VARCHAR(40))")
        connection.execute(sqlalchemy.text("INSERT INTO names VALUES (:n)"), {"n": "张三 🧥"})
        assert connection.exec_driver_sql("SELECT name FROM names").scalar() == "张三 🧥"
    engine.dispose()
