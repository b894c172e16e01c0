"""All children of one run: started together, kept alive, ended in order.

A child that dies is started again, each time after a longer pause. One that cannot live stops
everything: half a house that answers wrongly helps nobody.
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from launcher.child import Child, describe_exit
from launcher.words import CannotStart, complain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from launcher.signals import Signals

_TICK_S = 0.05
_WATCH_S = 1.0
_PROBE_S = 2.0
_SETTLED_S = 20.0
_PAUSES_S = (0.2, 1.0, 3.0, 8.0)


@dataclass(eq=False)
class _Setback:
    """How often a child died soon after its start, and when it is started again."""

    short_lives: int = 0
    again_at_s: float | None = None


class Crew:
    """The children of this run. Its ranks end one after the other, the last started first."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._ranks: list[tuple[list[Child], float]] = []
        self._setbacks: dict[Child, _Setback] = {}

    def start(self, children: Iterable[Child], *, end_within_s: float) -> None:
        """Start *children* as one rank that is given *end_within_s* to finish its work."""
        rank: list[Child] = []
        self._ranks.append((rank, end_within_s))
        for child in children:
            child.start()
            rank.append(child)
            self._setbacks[child] = _Setback()

    def wait_until(self, ready: Callable[[], str | None], within_s: float) -> None:
        """Return once *ready* returns None; meanwhile it returns what it still waits for.

        Raises:
            CannotStart: a child ended, or *within_s* passed.
            StopAsked: somebody asked to stop.
        """
        give_up_at = time.monotonic() + within_s
        while (missing := ready()) is not None:
            self._require_all_alive()
            if time.monotonic() > give_up_at:
                raise CannotStart(f"After {within_s:.0f} s {missing}.")
            self._signals.pause(_TICK_S)

    def watch(self) -> None:
        """Keep every child alive; never returns.

        Raises:
            CannotStart: a child cannot live.
            StopAsked: somebody asked to stop.
        """
        while True:
            for child, setback in self._setbacks.items():
                self._keep_alive(child, setback)
            self._signals.pause(self._next_tick_s())

    def stop(self) -> None:
        """End every rank in turn; what does not end in its time is ended by force.

        A second wish to stop ends everything at once.
        """
        asked = self._signals.asked
        for rank, within_s in reversed(self._ranks):
            deadline = time.monotonic() + within_s
            for child in rank:
                child.ask_to_end()
            while any(child.is_running for child in rank):
                if time.monotonic() > deadline or self._signals.asked > max(asked, 1):
                    break
                self._signals.wait(_TICK_S)
            for child in rank:
                child.end_now()
        self._ranks.clear()
        self._setbacks.clear()

    def _require_all_alive(self) -> None:
        for child in self._setbacks:
            if child.exit_status() is not None:
                raise CannotStart(obituary(child))

    def _keep_alive(self, child: Child, setback: _Setback) -> None:
        if child.exit_status() is None:
            return
        now = time.monotonic()
        if setback.again_at_s is None:
            lived_s = now - child.started_at_s
            setback.short_lives = setback.short_lives + 1 if lived_s < _SETTLED_S else 1
            if setback.short_lives > len(_PAUSES_S):
                raise CannotStart(obituary(child, "again and again"))
            pause_s = _PAUSES_S[setback.short_lives - 1]
            setback.again_at_s = now + pause_s
            complain(
                f"{capitalised(child.title)} {describe_exit(child.exit_status())}; "
                f"it is started again. Its log: {child.log}"
            )
        elif now >= setback.again_at_s:
            setback.again_at_s = None
            child.end_now()  # workers that a dead master left behind
            child.start()

    def _next_tick_s(self) -> float:
        due = [s.again_at_s for s in self._setbacks.values() if s.again_at_s is not None]
        return max(_TICK_S, min([_WATCH_S, *(at - time.monotonic() for at in due)]))


def unready(children: Sequence[Child]) -> str | None:
    """Return which of *children* is not ready yet and why, or None when all are."""
    for child in children:
        if child.ready_url and (reason := _probe(child.ready_url)):
            return f"{child.title} is not ready: {reason}. Its log: {child.log}"
    return None


def obituary(child: Child, how_often: str = "at once") -> str:
    """Return one sentence on a child that cannot live, with its own last words beneath."""
    last_words = child.last_words()
    said = "".join(f"\n  {line}" for line in last_words) or f" Its log: {child.log}"
    return f"{capitalised(child.title)} {describe_exit(child.exit_status())} {how_often}.{said}"


def capitalised(title: str) -> str:
    """Return *title* as the start of a sentence."""
    return title[:1].upper() + title[1:]


def _probe(url: str) -> str | None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port or 80, timeout=_PROBE_S)
    try:
        connection.request("GET", parts.path, headers={"Connection": "close"})
        answer = connection.getresponse()
        said = answer.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return "it does not answer"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else f"it says {said.strip()}"
