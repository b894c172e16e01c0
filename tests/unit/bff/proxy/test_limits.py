"""Limits at the socket: how many connections, how many calls at once, how many in a while."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
import redis
from structlog.testing import capture_logs

from bff.asgi import Worker
from bff.parts import build_shared
from bff.proxy.client_address import party_of
from bff.proxy.edge_rules import EdgeLimits
from bff.proxy.edge_worker import room_for_connections
from bff.proxy.rate_store import SharedLedger, slow_ask
from bff.proxy.rates import Ledger, RateLimit
from bff.settings import Settings
from tests.support.served import COOKIE, Desk, Served, ask, request, route
from tests.support.wire import OK, Message, ScriptedUpstream, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve = Callable[..., Served]

ALIVE = b"GET /livez HTTP/1.1\r\nHost: app.example.com\r\n\r\n"


def code(message: Message) -> str:
    """Return the problem's code."""
    return str(json.loads(message.body)["code"])


@contextlib.contextmanager
def crowd(served: Served, count: int) -> Iterator[list[Wire]]:
    """Hold *count* connections that have been answered once."""
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(served.wire()) for _ in range(count)]
        for wire in wires:
            wire.send(request())
            assert wire.message().status == 401
        yield wires


@pytest.mark.rule("F-47")
def test_one_connection_too_many_is_503_and_livez_answers(serve: Serve) -> None:
    """Fast, with Retry-After; those who were there before go on; an end makes room."""
    served = serve(limits=EdgeLimits(connections=3, connections_per_address=9))
    with crowd(served, 3) as wires:
        refused = ask(served, request())
        assert (refused.status, code(refused)) == (503, "too_many_connections")
        assert int(refused.header("retry-after") or 0) > 0
        assert ask(served, ALIVE).status == 404  # whatever the application says
        wires[0].send(request())
        assert wires[0].message().status == 401
    while ask(served, request()).status == 503:
        pass
    assert "too_many_connections" in served.counted


@pytest.mark.rule("F-47")
def test_of_far_too_many_connections_the_newest_is_heard(serve: Serve) -> None:
    """What hears a 503 needs a file, too: those who wait longest and say nothing are cut."""
    served = serve(limits=EdgeLimits(connections=1, connections_per_address=1000))
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(served.wire()) for _ in range(75)]
        assert ask(served, ALIVE).status == 404
        wires[-1].send(ALIVE)
        assert wires[-1].message().status == 404
        wires[0].send(request())
        assert wires[0].message().status == 401
    assert served.counted.count("too_many_connections") >= 10


def test_one_address_cannot_take_every_connection(serve: Serve) -> None:
    """429; another address, and our own proxies, come through."""
    limits = EdgeLimits(connections_per_address=2)
    served = serve(limits=limits)
    with crowd(served, 2):
        refused = ask(served, request())
        assert (refused.status, code(refused)) == (429, "too_many_from_address")
    assert "too_many_from_address" in served.counted
    trusting = serve(limits=limits, trusted=(ip_network("127.0.0.0/8"),))
    with crowd(trusting, 4):
        assert ask(trusting, request()).status == 401


@pytest.mark.parametrize(
    ("peer", "party"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("x:y", "x:y"),
    ],
)
def test_ipv6_network_counts_as_one_address(peer: str, party: str) -> None:
    """Whoever has one address of it has them all."""
    assert party_of(peer) == party


def test_room_leaves_files_for_upstreams_and_ourselves() -> None:
    """Without a setting, connections end before files do."""
    assert room_for_connections() >= 16


def held(upstream: ScriptedUpstream) -> tuple[threading.Semaphore, threading.Event]:
    """Let calls of *upstream* wait; return what counts their arrival, and what lets them go."""
    arrived, go = threading.Semaphore(0), threading.Event()

    def serve(wire: Wire) -> None:
        while True:
            upstream.take(wire)
            arrived.release()
            go.wait(10)
            wire.send(OK)

    upstream.serve = serve
    return arrived, go


def test_calls_at_once_along_a_route_are_bounded(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """One too many is 503 at once; a place that is left is taken again."""
    arrived, go = held(upstream)
    served = serve(concurrent_requests=2)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(served.wire()) for _ in range(2)]
        for wire in wires:
            wire.send(request(ticket=desk.sign_in()))
            assert arrived.acquire(timeout=10)
        refused = ask(served, request(ticket=desk.sign_in()))
        assert (refused.status, code(refused)) == (503, "route_busy")
        assert int(refused.header("retry-after") or 0) > 0
        go.set()
        assert [wire.message().status for wire in wires] == [200, 200]
    assert ask(served, request(ticket=desk.sign_in())).status == 200


def test_calls_at_once_of_a_session_are_bounded(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """429 for this session; others are served."""
    arrived, go = held(upstream)
    served, ticket = serve(concurrent_per_session=1), desk.sign_in()
    with served.wire() as wire:
        wire.send(request(ticket=ticket))
        assert arrived.acquire(timeout=10)
        refused = ask(served, request(ticket=ticket))
        assert (refused.status, code(refused)) == (429, "too_many_requests")
        go.set()
        assert ask(served, request(ticket=desk.sign_in())).status == 200
        assert wire.message().status == 200
    assert ask(served, request(ticket=ticket)).status == 200


@pytest.mark.parametrize("rate_store", [False, True], ids=["worker", "redis"])
def test_rate_of_a_session_is_its_own(
    serve: Serve,
    desk: Desk,
    upstream: ScriptedUpstream,
    rate_store: bool,  # noqa: FBT001
) -> None:
    """Quota and what is left stand in every answer; beyond it 429, and nothing goes upstream."""
    served = serve(rate_limits=(RateLimit("session", 3, 3600),), rate_store=rate_store)
    ticket, other = desk.sign_in(), desk.sign_in()
    got = [ask(served, request(ticket=ticket)) for _ in range(4)]
    assert [one.status for one in got] == [200, 200, 200, 429]
    assert {one.header("ratelimit-policy") for one in got} == {'"session";q=3;w=3600'}
    states = [one.header("ratelimit") or "" for one in got]
    assert [state.partition(";t=")[0] for state in states] == [
        f'"session";r={left}' for left in (2, 1, 0, 0)
    ]
    assert code(got[3]) == "too_many_requests"
    assert 1190 <= int(got[3].header("retry-after") or 0) <= 1200
    assert ask(served, request(ticket=other)).status == 200
    assert len(upstream.requests) == 4


@pytest.mark.parametrize("rate_store", [False, True], ids=["worker", "redis"])
@pytest.mark.rule("S-082")
def test_rate_of_an_address_cannot_be_dodged(
    serve: Serve,
    desk: Desk,
    upstream: ScriptedUpstream,
    rate_store: bool,  # noqa: FBT001
) -> None:
    """Neither by sessions nor by headers: the address is that of the connection."""
    limit = (RateLimit("address", 2, 3600), RateLimit("route", 100, 60))
    served = serve(route("/open", upstream.url, "none", rate_limits=limit), rate_store=rate_store)
    headers = [f"X-Forwarded-For: 10.0.0.{n}" for n in range(4)]
    got = [ask(served, request("GET", "/open/x", one)) for one in headers]
    assert [one.status for one in got] == [200, 200, 429, 429]
    assert (got[0].header("ratelimit") or "").startswith('"address";r=1;t=1800, "route";r=99;t=1')
    assert len(upstream.requests) == 2


def test_workers_share_one_quota_in_redis(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Two gateways over one store count as one."""
    limits = (RateLimit("session", 4, 3600),)
    one, other = (serve(rate_limits=limits, rate_store=True) for _ in "12")
    ticket = desk.sign_in()
    statuses = [ask(each, request(ticket=ticket)).status for each in (one, other) * 3]
    assert statuses == [200] * 4 + [429] * 2


@pytest.mark.rule("S-116")
def test_strangers_leave_no_quota_in_redis(serve: Serve, desk: Desk) -> None:
    """A made-up ticket names no session, so that nothing is counted for it."""
    served = serve(rate_limits=(RateLimit("session", 4, 3600),), rate_store=True)
    for _ in range(6):
        made_up = f"Cookie: {COOKIE.name}={'A' * 43}"
        assert ask(served, request("GET", "/api/x", made_up)).status == 401
        assert ask(served, request()).status == 401
    assert list(desk.client.scan_iter("*")) == []


def test_quota_ends_with_its_time_in_redis(serve: Serve, desk: Desk) -> None:
    """Redis holds nothing for longer than the quota takes to be whole."""
    served = serve(rate_limits=(RateLimit("session", 10, 600),), rate_store=True)
    ask(served, request(ticket=desk.sign_in()))
    [key] = desk.client.scan_iter("rate:*")
    assert 0 < int(desk.client.pttl(key)) <= 60_000


def test_quota_is_asked_in_the_packet_of_the_session_read(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """Two limits and the session: one write, one reply."""
    ticket, packets = desk.sign_in(), list[bytes]()
    sealed = desk.client.hget(ticket.key, "t")
    assert isinstance(sealed, bytes)
    store = ScriptedUpstream()

    def answer(wire: Wire) -> None:
        while packet := wire.receive():
            packets.append(packet)
            said = {b"EVALSHA": b"*2\r\n:0\r\n:1000000\r\n", b"PTTL": b":600000\r\n"}
            said[b"HGET"] = b"$%d\r\n%b\r\n" % (len(sealed), sealed)
            wire.send(b"".join(said[word] for word in re.findall(b"EVALSHA|PTTL|HGET", packet)))

    store.serve = answer
    limits = (RateLimit("session", 9, 60), RateLimit("route", 9, 60))
    url = f"redis://127.0.0.1:{store.port}/0"
    served = serve(rate_limits=limits, rate_store=True, redis_url=url)
    for _ in range(3):
        assert ask(served, request(ticket=ticket)).status == 200
    assert [(one.count(b"EVALSHA"), one.count(b"HGET")) for one in packets[-2:]] == [(2, 1)] * 2
    served.stop()
    store.close()


def test_sentinel_and_cluster_are_asked_by_their_own_client(desk: Desk) -> None:
    """The long way round counts alike, the script's first use included."""

    async def story() -> list[float]:
        slowly = slow_ask(desk.client)

        async def ask_slowly(*words: str) -> object:
            return await asyncio.to_thread(slowly, *words)

        desk.client.script_flush()
        shared = SharedLedger(ask_slowly, Ledger())
        limit = RateLimit("address", 2, 3600)
        return [(await shared.charge(limit, "/api", "192.0.2.1")).wait_s for _ in range(3)]

    waits = asyncio.run(story())
    assert waits[:2] == [0, 0]
    assert 1790 < waits[2] <= 1800
    assert len(list(desk.client.scan_iter("rate:*"))) == 1


def test_limits_make_no_outage_of_their_own(serve: Serve, upstream: ScriptedUpstream) -> None:
    """Routes that need no session are served and counted here while Redis is away."""
    limits = (RateLimit("address", 2, 3600),)
    served = serve(
        route("/open", upstream.url, "none", rate_limits=limits),
        rate_store=True,
        redis_url="redis://127.0.0.1:1/0",
    )
    statuses = [ask(served, request("GET", "/open/x")).status for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_unlimited_route_says_nothing_of_quotas(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """And relays what its upstream says of its own."""
    reply = b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nRateLimit: "up";r=1;t=2\r\n\r\n'
    upstream.serve = lambda wire: (upstream.take(wire), wire.sock.send(reply), None)[2]
    got = ask(serve(), request(ticket=desk.sign_in()))
    assert got.all("ratelimit") == ['"up";r=1;t=2']
    assert got.header("ratelimit-policy") is None


def test_every_limit_is_a_setting(valkey_url: str) -> None:
    """What the settings say is what the edge holds browsers to."""
    said = {"target_bytes": 300, "connections": 7, "keep_alive_s": 5, "first_byte_s": 3}
    provider = {"name": "sso", "issuer": "http://127.0.0.1:9", "client_id": "c"}
    values: dict[str, Any] = {"secret_keys": ["k" * 32], "redis_url": valkey_url, "limits": said}
    values["providers"] = [{**provider, "client_secret": "s"}]
    worker = Worker(build_shared(Settings.model_validate(values)))
    limits = worker.edge_terms.limits
    assert {name: getattr(limits, name) for name in said} == said
    assert limits.head_bytes == EdgeLimits().head_bytes


def test_log_never_holds_what_redis_said() -> None:
    """A reply out of step may be anything; only an error's code is told."""

    async def story(*replies: object) -> None:
        left = list(replies)

        async def ask_it(*_words: str) -> object:
            return left.pop(0)

        for _ in replies:
            shared = SharedLedger(ask_it, Ledger())
            await shared.charge(RateLimit("route", 9, 60), "/api", "")

    errors = redis.ResponseError("OOM command not allowed with sealed-bytes")
    with capture_logs() as logs:
        asyncio.run(story(b"sealed-bytes", [b"sealed-bytes"], errors, None))
    assert [line["hint"] for line in logs] == [
        "an unusable reply", "an unusable reply", "OOM", "an unusable reply",
    ]  # fmt: skip
