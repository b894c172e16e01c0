"""Names that people give to nodes: what is taken as it is, what is refused, what is the same.

A name is never a path and never becomes part of one; files lie in storage under keys of ours.
"""

from __future__ import annotations

import unicodedata

NAME_LENGTH = 200
_FORBIDDEN = frozenset("/\\")
# They turn the reading direction: `gpj.exe` can be made to look like `exe.jpg`.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_ZERO_WIDTH = frozenset("\u200b\u2060\ufeff\u00ad")


class NameInvalid(ValueError):  # noqa: N818 - an outcome
    """The name cannot be used; the message says why."""


def parse_name(value: str) -> str:
    """Return *value* as it is kept: composed (NFC), without blanks at its ends.

    Raises:
        NameInvalid: with the reason in words.
    """
    name = " ".join(unicodedata.normalize("NFC", value).split())
    if not name:
        raise NameInvalid("Write a name.")
    if len(name) > NAME_LENGTH:
        raise NameInvalid(f"Write at most {NAME_LENGTH} characters.")
    if name.strip(".") == "":
        raise NameInvalid("A name is more than dots.")
    for char in name:
        if char in _FORBIDDEN:
            raise NameInvalid(f"Leave out {char}")
        if char in _DIRECTION or char in _ZERO_WIDTH or unicodedata.category(char) in _INVISIBLE:
            raise NameInvalid(f"Leave out the invisible character U+{ord(char):04X}")
    return name


def name_key(name: str) -> str:
    """Return what two names share that a person would take for the same one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def next_free(name: str, taken: set[str]) -> str:
    """Return *name* with the first number that makes it another than all of *taken* (keys)."""
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > 10:  # noqa: PLR2004 - longer than any ending of a file
        stem, dot, ending = name, "", ""
    number = 2
    while True:
        tail = f" ({number}){dot}{ending}"
        candidate = f"{stem[: NAME_LENGTH - len(tail)]}{tail}"
        if name_key(candidate) not in taken:
            return candidate
        number += 1
