"""Which address gets a call: in turn or by load, past those that fail, as DNS says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from bff.metrics import UpstreamMetrics
from bff.problems import Unavailable
from bff.proxy.addresses import Origin, Tolerance, Upstream
from bff.proxy.balancer import Balancer
from bff.proxy.pool import Pool
from bff.proxy.upstream_news import UpstreamNews

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bff.proxy.health import Health

REFUSED = "upstream_unreachable"


class Names:
    """A DNS that says what the test wants; nothing for a name is a failure."""

    def __init__(self, **known: list[str]) -> None:
        self.known = known
        self.asked = 0

    async def __call__(self, host: str, _port: int) -> list[str]:
        """Return the addresses of *host*."""
        self.asked += 1
        if host not in self.known:
            raise OSError("no such name")
        return self.known[host]


class World:
    """A balancer, its clock and its counters."""

    def __init__(
        self,
        *hosts: str,
        names: Names | None = None,
        round_robin: bool = False,
        breaking: int = 0,
    ) -> None:
        self.now_s = 0.0
        self.registry = CollectorRegistry()
        upstream = Upstream(
            "/api",
            tuple(Origin("http", host, 80) for host in hosts),
            round_robin=round_robin,
            ejection=Tolerance(2, 10, 40),
            breaking=Tolerance(breaking, 1, 4),
        )

        def make_pool(origin: Origin, address: str, health: Health) -> Pool:
            return Pool(origin, address, b"", health, idle_max=1, idle_s=1)

        self.balancer = Balancer(
            upstream,
            make_pool,
            UpstreamNews(UpstreamMetrics(self.registry)),
            resolve=names or Names(),
            clock=lambda: self.now_s,
        )

    def pool(self, address: str) -> Pool:
        """Return the pool of *address*."""
        return next(pool for pool in self.balancer.pools if pool.address == address)

    def chosen(self, count: int, tried: Sequence[Pool] = ()) -> set[str]:
        """Return the addresses of *count* choices."""
        pools = [self.balancer.choose(tried) for _ in range(count)]
        return {pool.address for pool in pools if pool is not None}

    def fail(self, address: str, times: int = 2) -> None:
        """Let *times* calls to *address* come to nothing."""
        for _ in range(times):
            self.balancer.failed(self.pool(address), REFUSED)

    async def renewed(self) -> list[str]:
        """Ask DNS if it is due; return the addresses after the answer."""
        await self.balancer.ready()
        if self.balancer._resolving is not None:
            await self.balancer._resolving
        return [pool.address for pool in self.balancer.pools]


def test_round_robin_goes_in_turn() -> None:
    """Each address as often as the others, whatever they have to do."""
    world = World("10.0.0.1", "10.0.0.2", "10.0.0.3", round_robin=True)
    world.pool("10.0.0.2").connecting = 9
    pools = [world.balancer.choose() for _ in range(9)]
    assert all(pools.count(pool) == 3 for pool in world.balancer.pools)


def test_least_outstanding_goes_where_there_is_least_to_do() -> None:
    """Calls under way count, wherever their connection stands."""
    world = World("10.0.0.1", "10.0.0.2", "10.0.0.3")
    world.pool("10.0.0.1").connecting = 2
    world.pool("10.0.0.3").connecting = 1
    assert world.chosen(5) == {"10.0.0.2"}
    world.pool("10.0.0.2").connecting = 1
    assert world.chosen(6) == {"10.0.0.2", "10.0.0.3"}


def test_failing_address_gets_no_calls_until_its_pause_is_over() -> None:
    """Ejected after two failures in a row, for longer each time, and told of."""
    world = World("10.0.0.1", "10.0.0.2")
    with capture_logs() as logs:
        world.fail("10.0.0.1")
        assert world.chosen(9) == {"10.0.0.2"}
        world.now_s = 10
        assert world.chosen(9) == {"10.0.0.1", "10.0.0.2"}
        world.fail("10.0.0.1", 1)
        world.now_s = 29
        assert world.chosen(9) == {"10.0.0.2"}
        world.now_s = 30
        world.balancer.answered(world.pool("10.0.0.1"))
    assert world.chosen(9) == {"10.0.0.1", "10.0.0.2"}
    assert not world.balancer.troubled
    assert [line["event"] for line in logs] == [
        "upstream.ejected", "upstream.ejected", "upstream.returned",
    ]  # fmt: skip
    labels = {"route": "/api", "address": "10.0.0.1:80", "failure": REFUSED}
    assert world.registry.get_sample_value("bff_upstream_failures_total", labels) == 3


def test_last_address_is_never_ejected() -> None:
    """Somebody must be asked; whether all of it is broken is the breaker's to judge."""
    world = World("10.0.0.1", "10.0.0.2")
    world.fail("10.0.0.1")
    world.fail("10.0.0.2", 9)
    assert world.chosen(9) == {"10.0.0.2"}
    alone = World("10.0.0.1")
    alone.fail("10.0.0.1", 9)
    assert alone.chosen(1) == {"10.0.0.1"}


def test_another_address_is_one_that_was_not_tried() -> None:
    """And rather one in its pause than none."""
    world = World("10.0.0.1", "10.0.0.2")
    one, two = world.balancer.pools
    assert world.balancer.choose([one]) is two
    assert world.balancer.choose([one, two]) is None
    world.fail("10.0.0.2")
    assert world.balancer.choose([one]) is two


def test_breaker_opens_and_closes_with_the_whole_upstream() -> None:
    """Whichever addresses failed; one good reply closes it."""
    world = World("10.0.0.1", "10.0.0.2", breaking=3)
    with capture_logs() as logs:
        world.fail("10.0.0.1", 1)
        world.fail("10.0.0.2", 1)
        assert not any("breaker" in line["event"] for line in logs)
        world.fail("10.0.0.1", 1)
        with pytest.raises(Unavailable):
            world.balancer.breaker.enter()
        world.balancer.answered(world.pool("10.0.0.2"))
    assert not world.balancer.breaker.is_open
    told = [line["event"] for line in logs if "breaker" in line["event"]]
    assert told == ["upstream.breaker_opened", "upstream.breaker_closed"]


@pytest.mark.rule("F-37")
def test_names_are_asked_anew_and_their_last_good_answer_holds() -> None:
    """All records of a name; no call waits but the first; a silent DNS changes nothing."""

    async def story() -> None:
        names = Names(api=["10.0.0.1", "fd00::1"])
        world = World("api", names=names)
        assert await world.renewed() == ["10.0.0.1", "fd00::1"]
        kept = world.pool("10.0.0.1")
        world.now_s = 29
        await world.renewed()
        assert names.asked == 1
        world.now_s = 30
        names.known["api"] = ["10.0.0.2", "10.0.0.1"]
        assert await world.renewed() == ["10.0.0.2", "10.0.0.1"]
        assert world.pool("10.0.0.1") is kept
        world.now_s = 60
        world.fail("10.0.0.2")
        ejected = {"route": "/api", "address": "10.0.0.2:80"}
        assert world.registry.get_sample_value("bff_upstream_ejected", ejected) == 1
        names.known["api"] = ["10.0.0.1"]
        assert await world.renewed() == ["10.0.0.1"]
        assert world.registry.get_sample_value("bff_upstream_ejected", ejected) is None
        world.now_s = 90
        names.known.clear()
        with capture_logs() as logs:
            assert await world.renewed() == ["10.0.0.1"]
        assert [line["event"] for line in logs] == ["upstream.not_resolved"]

    asyncio.run(story())


def test_name_that_never_was_is_unreachable_and_asked_again_at_once() -> None:
    """Whoever calls next asks again."""

    async def story() -> None:
        names = Names()
        world = World("api", names=names)
        for _ in range(2):
            with pytest.raises(Unavailable) as caught:
                await world.balancer.ready()
            assert caught.value.problem.code == REFUSED
        names.known["api"] = ["10.0.0.1"]
        await world.balancer.ready()
        assert world.chosen(1) == {"10.0.0.1"}

    asyncio.run(story())
