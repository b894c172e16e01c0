"""Byte strings near known ones: a seeded corpus, cut, joined, doubled and salted.

A corpus file holds one case a line, as Python writes bytes between the quotes.
"""

from __future__ import annotations

import codecs
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

CORPUS: Final = Path(__file__).resolve().parents[1] / "fuzz" / "corpus"
_EDITS_MAX: Final = 5


def corpus(name: str) -> list[bytes]:
    """Return the cases of the file *name*."""
    lines = (CORPUS / f"{name}.txt").read_text("ascii").splitlines()
    return [codecs.escape_decode(line.encode())[0] for line in lines if line]


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes], salt: Sequence[bytes]) -> bytes:
    """Draw one of *seeds* after some edits; *salt* is what likes to break this kind of thing."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, _EDITS_MAX))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 12)))
        match draw(st.sampled_from(["put", "put", "cut", "double", "swap", "byte", "join"])):
            case "put":
                data = data[:at] + draw(st.sampled_from(salt)) + data[at:]
            case "cut":
                data = data[:at] + data[end:]
            case "double":
                data = data[:end] + data[at:]
            case "swap":
                data = data[:at] + draw(st.sampled_from(salt)) + data[end:]
            case "byte":
                data = data[:at] + draw(st.binary(min_size=1, max_size=1)) + data[at + 1 :]
            case "join":
                data = data[:at] + draw(st.sampled_from(seeds))[at:]
    return data


def cuts(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Return *data* in the pieces that *places* (any numbers) make of it."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]
