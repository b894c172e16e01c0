"""While Redis is silent the store says "unavailable", soon, and never "nobody"."""

from __future__ import annotations

import socket
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
import redis

from bff.problems import STORE_UNAVAILABLE, Unavailable
from bff.sessions.connect import connect, store_errors
from bff.sessions.model import Device, Ticket
from bff.sessions.store import Written
from tests.support.ports import free_port
from tests.unit.bff.sessions.conftest import Desk, record_of, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stores import Store

PROMISED_S = 1.0
TRIES = 20
OPERATIONS: dict[str, Callable[[Desk], object]] = {
    "create": lambda desk: desk.store.create(record_of(), tokens_of(), Device()),
    "load": lambda desk: desk.store.load(Ticket.new()),
    "load_tokens": lambda desk: desk.store.load_tokens(Ticket.new()),
    "replace_tokens": lambda desk: desk.store.replace_tokens(Ticket.new(), tokens_of()),
    "replace_record": lambda desk: desk.store.replace_record(Ticket.new(), record_of(), 1),
    "touch": lambda desk: desk.store.touch(Ticket.new()),
    "delete": lambda desk: desk.store.delete(Ticket.new(), record_of()),
    "delete_by_digest": lambda desk: desk.store.delete_by_digest("0" * 64),
    "expires_in_ms": lambda desk: desk.store.expires_in_ms("0" * 64),
    "sessions_of_subject": lambda desk: desk.store.sessions_of_subject("iss", "sub"),
    "ping": lambda desk: desk.store.ping(),
}


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def soonest_outage(act: Callable[[], object]) -> tuple[float, Unavailable]:
    """Return how soon *act* told its outage at best: a busy machine holds one try up, not each."""
    taken_s: list[float] = []
    while len(taken_s) < TRIES and min(taken_s, default=PROMISED_S) >= PROMISED_S:
        began = time.monotonic()
        with pytest.raises(Unavailable) as outage:
            act()
        taken_s.append(time.monotonic() - began)
    return min(taken_s), outage.value


@pytest.mark.rule("F-01", "F-02")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_redis_that_is_down_is_an_outage_within_a_second(operation: str) -> None:
    """Refused connections are told at once, by every operation (F-01, F-02)."""
    desk = Desk(f"redis://127.0.0.1:{free_port()}/0")
    took_s, outage = soonest_outage(lambda: OPERATIONS[operation](desk))
    assert took_s < PROMISED_S
    assert outage.problem is STORE_UNAVAILABLE
    assert outage.retry_after_s >= 1


@pytest.mark.rule("F-04")
@pytest.mark.parametrize("operation", ["create", "load", "touch", "delete"])
def test_a_redis_that_is_silent_is_an_outage_within_a_second(
    black_hole: str, operation: str
) -> None:
    """A black hole costs one bounded wait, not a thread (F-04)."""
    desk = Desk(black_hole)
    assert soonest_outage(lambda: OPERATIONS[operation](desk))[0] < PROMISED_S


@pytest.mark.rule("F-03")
def test_the_first_request_after_redis_returned_works(durable_store: Store) -> None:
    """Links that died with the old server are replaced without a failure (F-03)."""
    desk = Desk(durable_store.url)
    ticket = desk.sign_in()
    durable_store.program.kill()
    with pytest.raises(Unavailable):
        desk.store.load(ticket)
    durable_store.start()
    session = desk.store.load(ticket)
    assert session is not None
    assert session.record.sub == "ada"
    # Its scripts are new to the restarted server too.
    assert desk.store.replace_tokens(ticket, tokens_of(generation=2)) is Written.DONE


@pytest.mark.rule("F-08")
@pytest.mark.parametrize("server", ["valkey_url", "redis_server_url"])
def test_a_full_redis_serves_who_is_signed_in_and_signs_in_nobody(
    server: str, request: pytest.FixtureRequest
) -> None:
    """Out of memory under ``noeviction``: reads work, a new login is an outage (F-08)."""
    desk = Desk(request.getfixturevalue(server))
    ticket = desk.sign_in()
    desk.client.config_set("maxmemory", 1)
    try:
        assert desk.store.load(ticket) is not None
        with pytest.raises(Unavailable):
            desk.sign_in("bob")
        with pytest.raises(Unavailable):
            desk.store.replace_tokens(ticket, tokens_of(generation=2))
    finally:
        desk.client.config_set("maxmemory", 0)
    assert desk.store.replace_tokens(ticket, tokens_of(generation=2)) is Written.DONE


@pytest.mark.rule("F-05", "F-08")
@pytest.mark.parametrize(
    "reply",
    [
        "MISCONF Redis is configured to save snapshots",
        "NOREPLICAS Not enough good replicas to write.",
        "Command # 1 (HMGET session:{ab} r t v) of pipeline caused error: LOADING Redis is loading",
        "Error running script (call to f_0): @user_script:1: -READONLY You can't write",
        "Error running script (call to f_0): @user_script:1: -OOM command not allowed",
    ],
)
def test_a_server_that_cannot_serve_is_an_outage(reply: str) -> None:
    """Also where redis-py or an older Redis puts words before the error's name (F-05, F-08)."""
    with pytest.raises(Unavailable) as outage, store_errors():
        raise redis.exceptions.ResponseError(reply)
    assert outage.value.hint is not None
    assert "session" not in outage.value.hint


def test_an_error_reply_that_is_our_own_fault_stays_a_bug() -> None:
    """A wrong command is not an outage: hiding it as one would never get it mended."""
    with pytest.raises(redis.exceptions.ResponseError), store_errors():
        raise redis.exceptions.ResponseError("ERR wrong number of arguments")


@pytest.mark.rule("F-12")
def test_wrong_credentials_are_an_outage(valkey: Store, valkey_url: str) -> None:
    """NOAUTH signs nobody out (F-12)."""
    admin = valkey.client()
    admin.config_set("requirepass", "sesame")
    try:
        with pytest.raises(Unavailable):
            Desk(valkey_url).store.load(Ticket.new())
        with pytest.raises(Unavailable):
            Desk(valkey_url.replace("://", "://:wrong@")).store.load(Ticket.new())
        assert Desk(valkey_url.replace("://", "://:sesame@")).store.load(Ticket.new()) is None
    finally:
        admin.config_set("requirepass", "")
        admin.close()


def test_a_client_is_made_without_a_server() -> None:
    """A party starts while Redis is down; the first command finds out."""
    for url in ("redis://127.0.0.1:1/0", "unix:///nowhere/redis.sock"):
        client = connect(url)
        with pytest.raises(Unavailable), store_errors():
            client.ping()


def test_a_sentinel_url_names_hosts_service_and_database() -> None:
    """Every sentinel is asked; without one there is an outage and no guess at a host."""
    ports = free_port(), free_port()
    url = f"redis+sentinel://127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}/main/2"
    client = connect(url)
    pool = client.connection_pool
    assert pool.connection_kwargs["db"] == 2
    assert getattr(pool, "service_name", None) == "main"

    def ping() -> None:
        with store_errors():
            client.ping()

    assert soonest_outage(ping)[0] < PROMISED_S
    with suppress(redis.exceptions.RedisError):
        client.close()


def test_a_cluster_that_is_down_is_an_outage() -> None:
    """Never a fall back to a local single server."""
    client = connect(f"redis+cluster://127.0.0.1:{free_port()}")  # the party starts without it
    with pytest.raises(Unavailable), store_errors():
        client.ping()
