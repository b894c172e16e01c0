"""Passwords that a guesser tries first: the well-known ones, rows of keys, and what is at hand.

Spec: NIST 800-63B §3.1.1.2; ASVS 6.2.4, 6.2.11.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_FILE = Path(__file__).resolve().parent / "common" / "passwords.txt"
_SHORTEST_WORD: Final = 4
# So many letters beside a name or a well-known word make it no longer a mere form of that.
_OWN_CHARS: Final = 4
_DECORATION = re.compile(r"^[\W\d_]+|[\W\d_]+$")


@cache
def _listed() -> frozenset[str]:
    """Return the list; read once a process (about a megabyte of memory)."""
    lines = _FILE.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def is_common(password: str, about: Iterable[str] = ()) -> bool:
    """Return whether *password* is well-known, a mere row, or made of words *about* its owner.

    *about* is the account's name, its address, the site's name: each alone, with digits and signs
    around it or spelt in other cases, is guessed before anything else.
    """
    folded = unicodedata.normalize("NFKC", password).casefold().strip()
    bare = _DECORATION.sub("", folded)
    if folded in _listed() or (bare in _listed() and len(folded) - len(bare) < _OWN_CHARS):
        return True
    return _is_row(folded) or _is_of(folded, about)


def _is_row(folded: str) -> bool:
    """Return whether each character follows its neighbour by the same step: aaaa, 1234, dcba."""
    steps = {ord(b) - ord(a) for a, b in pairwise(folded)}
    return len(steps) == 1 and steps <= {-1, 0, 1}


def _is_of(folded: str, about: Iterable[str]) -> bool:
    left = folded
    for word in sorted(_words(about), key=len, reverse=True):
        left = left.replace(word, "")
    if left == folded:
        return False
    return len(re.sub(r"[\W\d_]", "", left)) < _OWN_CHARS


def _words(about: Iterable[str]) -> set[str]:
    """Return the names as they are and without an address's host."""
    words = set()
    for name in about:
        folded = unicodedata.normalize("NFKC", name).casefold().strip()
        words |= {folded, folded.partition("@")[0]}
    return {word for word in words if len(word) >= _SHORTEST_WORD}
