"""What two texts have in common, line by line, in bounded time.

Lines that are there once on both sides anchor the comparison (patience diff); what lies between
two anchors is compared by Myers' algorithm as long as that stays cheap. A text made to be slow to
compare costs no more than a longer list of differences.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass

_STEPS_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Match:
    """`length` equal lines: from line `old` of one text and line `new` of the other (from 0)."""

    old: int
    new: int
    length: int


@dataclass(slots=True)
class _Budget:
    steps: int = _STEPS_MAX

    def spend(self) -> bool:
        """Return whether there was something left."""
        self.steps -= 1
        return self.steps >= 0


def split(text: str) -> list[str]:
    """Return the lines of *text* with their ends; joined they are *text* again."""
    parts = text.split("\n")
    lines = [f"{part}\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def matches(old: list[str], new: list[str]) -> list[Match]:
    """Return the runs of lines that *old* and *new* share, in order, none overlapping another."""
    pairs: list[tuple[int, int]] = []
    budget = _Budget()
    # A stack instead of recursion: a text of many thousand sections must not end in a stack error.
    open_ranges = [(0, len(old), 0, len(new))]
    while open_ranges:
        low, high, new_low, new_high = open_ranges.pop()
        while low < high and new_low < new_high and old[low] == new[new_low]:
            pairs.append((low, new_low))
            low, new_low = low + 1, new_low + 1
        while low < high and new_low < new_high and old[high - 1] == new[new_high - 1]:
            high, new_high = high - 1, new_high - 1
            pairs.append((high, new_high))
        if low == high or new_low == new_high:
            continue
        anchors = _anchors(old, new, low, high, new_low, new_high)
        if not anchors:
            pairs += _myers(old, new, (low, high, new_low, new_high), budget)
            continue
        for at, new_at in anchors:
            open_ranges.append((low, at, new_low, new_at))
            pairs.append((at, new_at))
            low, new_low = at + 1, new_at + 1
        open_ranges.append((low, high, new_low, new_high))
    return _runs(sorted(pairs))


def _anchors(
    old: list[str], new: list[str], low: int, high: int, new_low: int, new_high: int
) -> list[tuple[int, int]]:
    """Return the longest rising sequence of lines that are unique on both sides."""
    once = {line for line, count in Counter(old[low:high]).items() if count == 1}
    new_once = {line for line, count in Counter(new[new_low:new_high]).items() if count == 1}
    place = {new[at]: at for at in range(new_low, new_high) if new[at] in new_once}
    pairs = [
        (at, place[old[at]]) for at in range(low, high) if old[at] in once and old[at] in place
    ]
    return _longest_rise(pairs)


def _longest_rise(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest part of *pairs* in which both numbers rise."""
    tails: list[int] = []
    tail_at: list[int] = []
    before: list[int] = []
    for index, (_, new_at) in enumerate(pairs):
        length = bisect_left(tails, new_at)
        before.append(tail_at[length - 1] if length else -1)
        if length == len(tails):
            tails.append(new_at)
            tail_at.append(index)
        else:
            tails[length], tail_at[length] = new_at, index
    found: list[tuple[int, int]] = []
    index = tail_at[-1] if tail_at else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]


def _myers(
    old: list[str], new: list[str], within: tuple[int, int, int, int], budget: _Budget
) -> list[tuple[int, int]]:
    """Return equal lines of the two ranges by the shortest edit, or none beyond the budget."""
    low, high, new_low, new_high = within
    height, width = high - low, new_high - new_low
    furthest = {1: 0}
    trail: list[dict[int, int]] = []
    for edits in range(height + width + 1):
        trail.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            if not budget.spend():
                return []
            x = _step(furthest, diagonal, edits)
            while (
                x < height
                and x - diagonal < width
                and _same(old, new, low + x, new_low, x - diagonal)
            ):
                x += 1
                if not budget.spend():
                    return []
            furthest[diagonal] = x
            if x >= height and x - diagonal >= width:
                return [(low + a, new_low + b) for a, b in _walk_back(trail, height, width)]
    return []


def _same(old: list[str], new: list[str], at: int, new_low: int, y: int) -> bool:
    return y >= 0 and old[at] == new[new_low + y]


def _step(furthest: dict[int, int], diagonal: int, edits: int) -> int:
    """Return where diagonal starts after one more insertion or deletion."""
    down = diagonal == -edits or (
        diagonal != edits and furthest.get(diagonal - 1, -1) < furthest.get(diagonal + 1, -1)
    )
    return furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1


def _walk_back(trail: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    pairs = []
    for edits in range(len(trail) - 1, -1, -1):
        furthest, diagonal = trail[edits], x - y
        start = _step(furthest, diagonal, edits)
        start_y = start - diagonal
        while x > start and y > start_y:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        if edits:
            came_down = start == furthest.get(diagonal + 1) and (
                diagonal == -edits
                or (
                    diagonal != edits
                    and furthest.get(diagonal - 1, -1) < furthest.get(diagonal + 1, -1)
                )
            )
            x, y = (start, start_y - 1) if came_down else (start - 1, start_y)
    return pairs[::-1]


def _runs(pairs: list[tuple[int, int]]) -> list[Match]:
    runs: list[Match] = []
    for at, new_at in pairs:
        last = runs[-1] if runs else None
        if last and (at, new_at) == (last.old + last.length, last.new + last.length):
            runs[-1] = Match(last.old, last.new, last.length + 1)
        else:
            runs.append(Match(at, new_at, 1))
    return runs
