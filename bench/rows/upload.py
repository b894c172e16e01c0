"""Bodies of 1 MiB up: what does each cost, beside plain nginx?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import load
from bench.figures import ratios, spread
from bench.report import YARDSTICK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Contender, Run

_BYTES = 1 << 20
_TARGET = "sink"
"""The upstream's slow part reads the whole body and answers with its length."""


def measure(run: Run, contenders: Sequence[Contender]) -> dict[str, dict[str, float | str]]:
    """Return the processor time of each contender for a PUT of 1 MiB; they take turns."""
    rounds: dict[str, list[load.Round]] = {contender.peer.slug: [] for contender in contenders}
    for contender in contenders:
        load.shoot(contender.target, _TARGET, run.volley(seconds=1), upload_bytes=_BYTES)
    for number in range(run.plan.rounds):
        run.say(f"upload: round {number + 1} of {run.plan.rounds}")
        for contender in contenders:
            rounds[contender.peer.slug].append(_one_round(run, contender.target))
    unit = [one.cpu_us for one in rounds.get(YARDSTICK, [])]
    return {
        f"1 MiB up: {contender.peer.title}": _facts(rounds[contender.peer.slug], unit)
        for contender in contenders
    }


def _one_round(run: Run, target: load.Target) -> load.Round:
    asked_before = run.grounds.upstream.answered()
    cpu_before = target.cpu_s()
    volley = load.shoot(target, _TARGET, run.volley(), upload_bytes=_BYTES)
    cpu_spent = target.cpu_s() - cpu_before
    asked = run.grounds.upstream.answered() - asked_before - 1
    return load.judge(volley, cpu_spent, asked, len(str(_BYTES)))


def _facts(rounds: list[load.Round], unit: list[float]) -> dict[str, float | str]:
    facts: dict[str, float | str] = {
        "CPU µs/request": round(spread([one.cpu_us for one in rounds]).median),
        "requests/s": round(spread([one.per_second for one in rounds]).median),
        "bad": sum(one.bad for one in rounds),
    }
    if unit and min(unit) > 0:
        times = ratios([one.cpu_us for one in rounds], unit)
        facts["× nginx"] = round(spread(times).median, 2)
    return facts
