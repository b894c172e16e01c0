"""Cloakroom with two workers: does a request still cost the same?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import load, procfs, sessions
from bench.figures import spread
from bench.peers.cloakroom import Cloakroom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Contender, Run

_WORKERS = 2
_PEOPLE = 50


def measure(run: Run, contenders: Sequence[Contender]) -> dict[str, dict[str, float | str]]:
    """Return the figures of two workers beside those of one, which took its turns before.

    Throughput on two cores can double only where load, Redis and upstream have cores besides.
    What holds on any machine is the cost: two workers whose request costs 1.1 times that of one
    answer 2 / 1.1 = 1.8 times as many.
    """
    alone = next((c for c in contenders if c.peer.slug == Cloakroom.slug), None)
    if alone is None or "small" not in alone.result.rounds:
        return {}
    place = run.place_for(f"{Cloakroom.slug}-workers", workers=_WORKERS)
    standing = Cloakroom().start(place)
    cookies = place.folder / "cookies"
    load.write_cookies(cookies, sessions.sign_in_many(standing, _PEOPLE))
    target = load.Target(place.port, standing.program.pid, cookies)
    load.shoot(target, "small", run.volley(seconds=1))
    rounds = [
        load.one_round(target, "small", run.volley(), run.grounds.upstream)
        for _ in range(run.plan.rounds)
    ]
    facts: dict[str, float | str] = {"memory MiB": procfs.memory_bytes(target.pid) >> 20}
    run.stage.stop(standing.program)
    one = spread([r.cpu_us for r in alone.result.rounds["small"]]).median
    two = spread([r.cpu_us for r in rounds]).median
    return {
        "two workers": {
            "CPU µs/request": round(two, 1),
            "as many times the cost with one worker": round(two / one, 2),
            "requests/s on the cores shared with the load": round(
                spread([r.per_second for r in rounds]).median
            ),
            "bad": sum(r.bad for r in rounds),
            **facts,
        }
    }
