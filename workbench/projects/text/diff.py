"""The difference of two texts as data: a page draws it, nothing here is HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.projects.text.lines import Match, matches, split

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT_LINES = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference.

    Attributes:
        kind: `same`, `removed` or `added`.
        old: its number in the older text, from 1; None where it is not there.
        new: its number in the newer text.
    """

    kind: str
    old: int | None
    new: int | None
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the line as the API says it, without its end."""
        text = self.text.removesuffix("\n")
        return {"kind": self.kind, "old": self.old, "new": self.new, "text": text}


def difference(old: str, new: str) -> dict[str, Any]:
    """Return `{added, removed, hunks: [{lines}]}`: what leads from *old* to *new*.

    A hunk has at most three equal lines before and behind what changed.
    """
    lines = list(_lines(split(old), split(new)))
    changed = [index for index, line in enumerate(lines) if line.kind != "same"]
    return {
        "added": sum(line.kind == "added" for line in lines),
        "removed": sum(line.kind == "removed" for line in lines),
        "hunks": [
            {"lines": [line.as_json() for line in lines[start:end]]}
            for start, end in _windows(changed, len(lines))
        ],
    }


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    at = new_at = 0
    for match in [*matches(old, new), Match(len(old), len(new), 0)]:
        for number in range(at, match.old):
            yield Line("removed", number + 1, None, old[number])
        for number in range(new_at, match.new):
            yield Line("added", None, number + 1, new[number])
        for step in range(match.length):
            number = match.old + step
            yield Line("same", number + 1, match.new + step + 1, old[number])
        at, new_at = match.old + match.length, match.new + match.length


def _windows(changed: list[int], total: int) -> Iterator[tuple[int, int]]:
    start = end = None
    for index in changed:
        if end is None or start is None:
            start = max(0, index - CONTEXT_LINES)
        elif index - CONTEXT_LINES > end:
            yield start, end
            start = index - CONTEXT_LINES
        end = min(total, index + 1 + CONTEXT_LINES)
    if start is not None and end is not None:
        yield start, end
