"""``python -m bench``: measure, print a table, keep the figures."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bench import chart, report, run
from bench.peers.catalogue import all_peers
from bench.rows import all_rows
from bench.stage import ROOT, CannotRun, Stage
from bench.upstream import SIZES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.peers.base import Peer
    from bench.report import Result
    from bench.rows import Row

CHART = ROOT / "docs" / "benchmark.svg"
_PEOPLE = 500
_CONNECTIONS = 32


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code: 0, 1 when nothing could be measured."""
    options = _options(arguments)
    known = {peer.slug: peer for peer in all_peers()}
    wanted = options.only.split(",") if options.only else list(known)
    rows = [row for row in options.rows.split(",") if row]
    for what, asked, there in (
        ("peer", wanted, known),
        ("body", options.bodies.split(","), SIZES),
        ("row", rows, all_rows()),
    ):
        if unknown := [name for name in asked if name not in there]:
            text = f"no such {what}: {', '.join(unknown)}; there are {', '.join(there)}"
            print(text, file=sys.stderr)
            return 2
    signal.signal(signal.SIGTERM, _stop_on_sigterm)
    started_at = dt.datetime.now(dt.UTC)
    folder = (options.var / f"{started_at:%Y%m%d-%H%M%S}").resolve()
    try:
        with Stage() as stage:
            whole = run.prepare(_plan(options), stage, folder, options.var / "packages", _say)
            whole.result.machine["measured_at"] = f"{started_at:%Y-%m-%dT%H:%M:%SZ}"
            stopped = _measure(whole, [known[slug] for slug in wanted], rows)
    except CannotRun as reason:
        print(f"The benchmark cannot run here: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped before anything was measured.", file=sys.stderr)
        return 130
    _publish(whole.result, folder, write_chart=options.chart and not stopped)
    return 130 if stopped else 0


def _plan(options: argparse.Namespace) -> run.Plan:
    return run.Plan(
        rounds=options.rounds,
        seconds=options.seconds,
        connections=_CONNECTIONS,
        people=options.people,
        bodies=tuple(options.bodies.split(",")),
    )


def _measure(whole: run.Run, peers: Sequence[Peer], rows: Sequence[str]) -> bool:
    """Measure into the result of *whole*; return whether Ctrl-C or SIGTERM cut it short."""
    contenders = run.admit(whole, peers)
    if not contenders:
        raise CannotRun("no peer could be started")
    try:
        run.alternate(whole, contenders)
        for name, measure in all_rows().items():
            if name in rows:
                _say(f"measuring {name}")
                _measure_row(whole, name, measure, contenders)
    except KeyboardInterrupt:
        _say("\nStopped; what was measured until now follows.")
        return True
    return False


def _measure_row(
    whole: run.Run, name: str, measure: Row, contenders: Sequence[run.Contender]
) -> None:
    try:
        whole.result.rows |= measure(whole, contenders)
    except CannotRun as reason:
        whole.result.rows[name] = {"not measured here": str(reason)}


def _publish(result: Result, folder: Path, *, write_chart: bool) -> None:
    for body in SIZES:
        if report.lines(result, body):
            print(f"\n{body} body, {SIZES[body]:,} bytes\n{report.table(result, body)}")
    for name, facts in result.rows.items():
        print(f"\n{name}\n" + "\n".join(f"  {what}: {value}" for what, value in facts.items()))
    print("", *report.absences(result), sep="\n")
    figures = folder.with_suffix(".json")
    report.write_json(result, figures)
    print(f"Every figure, with machine and versions: {figures}")
    if write_chart:
        CHART.parent.mkdir(exist_ok=True)
        CHART.write_text(_chart(result))
        print(f"Chart: {CHART}")


def _chart(result: Result) -> str:
    facts = result.machine
    caption = (
        f"One core of {facts['processor']}, Python {facts['python']}; "
        f"{facts['measured_at'][:10]}. Shorter is better; × is plain nginx."
    )
    return chart.draw(
        [line for line in report.lines(result, "small") if line.bad == 0],
        title="Processor time for one proxied, signed-in API call (200-byte answer)",
        caption=caption,
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each peer (5)")
    parser.add_argument("--seconds", type=int, default=2, help="seconds of one turn (2)")
    parser.add_argument("--people", type=int, default=_PEOPLE, help="signed-in people (500)")
    parser.add_argument("--bodies", default=",".join(SIZES), help="of small,medium,large")
    parser.add_argument("--only", default="", help="peers to measure, by their short names")
    parser.add_argument("--rows", default=",".join(all_rows()), help="further measurements")
    parser.add_argument("--chart", action="store_true", help="also write docs/benchmark.svg")
    var = Path(os.environ.get("CLOAKROOM_VAR", ROOT / "var")) / "bench"
    parser.add_argument("--var", type=Path, default=var, help="where figures and packages go")
    return parser.parse_args(arguments)


def _say(words: str) -> None:
    if words:
        print(time.strftime("%X"), words, file=sys.stderr, flush=True)


def _stop_on_sigterm(*_signal: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
