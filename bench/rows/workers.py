"""Cloakroom with two workers in turns with one: as many answers twice, at what cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import load, procfs, sessions
from bench.figures import ratios, spread
from bench.peers.cloakroom import Cloakroom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.peers.base import Standing
    from bench.run import Contender, Run

_PEOPLE = 50
_COUNTS = (1, 2)


def measure(run: Run, contenders: Sequence[Contender]) -> dict[str, dict[str, float | str]]:
    """Return what two workers do beside one, both on every core, round by round in turns.

    Answers a second can double only where load, Redis and upstream have cores besides. What holds
    on any machine is the cost: two workers whose request costs 1.1 times that of one answer
    2 / 1.1 = 1.8 times as many.
    """
    if not any(contender.peer.slug == Cloakroom.slug for contender in contenders):
        return {}
    targets = {}
    standings: list[Standing] = []
    for count in _COUNTS:
        place = run.place_for(f"{Cloakroom.slug}-workers-{count}", workers=count, everywhere=True)
        standings.append(standing := Cloakroom().start(place))
        cookies = place.folder / "cookies"
        load.write_cookies(cookies, sessions.sign_in_many(standing, _PEOPLE))
        targets[count] = load.Target(place.port, standing.program.pid, cookies)
        load.shoot(targets[count], "small", run.volley(seconds=1))
    rounds: dict[int, list[load.Round]] = {count: [] for count in _COUNTS}
    for _ in range(run.plan.rounds):
        for count, target in targets.items():
            one = load.one_round(target, "small", run.volley(), run.grounds.upstream)
            rounds[count].append(one)
    memory = procfs.memory_bytes(targets[2].pid) >> 20
    for standing in standings:
        run.stage.stop(standing.program)
    return {"two workers": {**_facts(rounds[1], rounds[2]), "memory MiB": memory}}


def _facts(one: list[load.Round], two: list[load.Round]) -> dict[str, float | str]:
    cost = ratios([r.cpu_us for r in two], [r.cpu_us for r in one])
    answers = ratios([r.per_second for r in two], [r.per_second for r in one])
    return {
        "CPU µs/request": round(spread([r.cpu_us for r in two]).median, 1),
        "as many times the cost with one worker": round(spread(cost).median, 2),
        "requests/s on the cores shared with the load": round(
            spread([r.per_second for r in two]).median
        ),
        "as many times the requests/s of one worker": round(spread(answers).median, 2),
        "bad": sum(r.bad for r in (*one, *two)),
    }
