"""Three-way merge of lines: two people began from the same text and both changed it.

The result is a suggestion. Where only one of them changed a place, that change is taken; where
both did and not in the same way, the three versions stand side by side for a person to choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.projects.text.lines import matches, split

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Agreed:
    """Text that needs no decision."""

    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the segment as the API says it."""
        return {"text": self.text}


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place that both changed, each in their own way."""

    base: str
    mine: str
    theirs: str

    def as_json(self) -> dict[str, Any]:
        """Return the segment as the API says it."""
        return {"conflict": {"base": self.base, "mine": self.mine, "theirs": self.theirs}}


@dataclass(frozen=True, slots=True)
class Merge:
    """The suggestion, as segments from top to bottom."""

    segments: tuple[Agreed | Conflict, ...]

    @property
    def body(self) -> str | None:
        """The merged text, or None where somebody must choose."""
        texts = [segment.text for segment in self.segments if isinstance(segment, Agreed)]
        return "".join(texts) if len(texts) == len(self.segments) else None

    def as_json(self) -> dict[str, Any]:
        """Return `{clean, body, segments}` as the API says it."""
        body = self.body
        return {
            "clean": body is not None,
            "body": body,
            "segments": [segment.as_json() for segment in self.segments],
        }


def merge(base: str, mine: str, theirs: str) -> Merge:
    """Return how *mine* and *theirs*, both made from *base*, could become one text."""
    segments: list[Agreed | Conflict] = []
    for segment in _segments(split(base), split(mine), split(theirs)):
        last = segments[-1] if segments else None
        if isinstance(segment, Agreed) and isinstance(last, Agreed):
            segments[-1] = Agreed(last.text + segment.text)
        else:
            segments.append(segment)
    return Merge(tuple(segments))


def _segments(base: list[str], mine: list[str], theirs: list[str]) -> Iterator[Agreed | Conflict]:
    in_mine = _counterparts(base, mine)
    in_theirs = _counterparts(base, theirs)
    at = mine_at = theirs_at = 0
    for line in range(len(base)):
        if line not in in_mine or line not in in_theirs:
            continue
        yield from _judged(
            "".join(base[at:line]),
            "".join(mine[mine_at : in_mine[line]]),
            "".join(theirs[theirs_at : in_theirs[line]]),
        )
        yield Agreed(base[line])
        at, mine_at, theirs_at = line + 1, in_mine[line] + 1, in_theirs[line] + 1
    yield from _judged("".join(base[at:]), "".join(mine[mine_at:]), "".join(theirs[theirs_at:]))


def _counterparts(base: list[str], other: list[str]) -> dict[int, int]:
    return {
        match.old + step: match.new + step
        for match in matches(base, other)
        for step in range(match.length)
    }


def _judged(base: str, mine: str, theirs: str) -> Iterator[Agreed | Conflict]:
    if mine in (theirs, base):
        chosen = theirs
    elif theirs == base:
        chosen = mine
    else:
        yield Conflict(base, mine, theirs)
        return
    if chosen:
        yield Agreed(chosen)
