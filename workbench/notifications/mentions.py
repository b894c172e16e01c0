"""`@username` in Markdown: who is meant.

Names are written in every script and not always followed by a space (`@小明你好`): a name ends
where it stops being one, or before any letter that is not ASCII; the longest one that somebody has
is meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.kit.names import fold
from workbench.users.people import people_called

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_MENTIONS_MAX = 20
_NAME_MAX = 64
_CODE = re.compile(r"(```|~~~).*?(?:\1|\Z)|`[^`\n]*`", re.DOTALL)
# Not behind a letter (an e-mail address), nor inside an address of the web.
_MENTION = re.compile(rf"(?<![\w@./-])@([\w][\w.\-]{{0,{_NAME_MAX - 1}}})")
_NOT_LAST = ".-"


def find(
    text: str,
    readers_among: Callable[[Collection[int]], Collection[int]],
    *,
    before: str = "",
) -> list[int]:
    """Return the pks of those whom *text* mentions and who may read it; code mentions nobody.

    Two queries where there is an `@` with a name that somebody has, none without an `@`.

    Args:
        text: Markdown.
        readers_among: of these pks, those who may see what *text* is part of.
        before: what it said until now: whom that named is not named anew.
    """
    named = set(_tokens(before))
    fresh = [token for token in _tokens(text) if token not in named][:_MENTIONS_MAX]
    written = [_candidates(token) for token in fresh]
    if not written:
        return []
    people = people_called({name for names in written for name in names})
    readers = readers_among([person.pk for person in people]) if people else ()
    pks_of: dict[str, list[int]] = {}
    for person in people:
        if person.pk in readers and person.username:
            pks_of.setdefault(fold(person.username), []).append(person.pk)
    meant: dict[int, None] = {}
    for names in written:
        known = next((key for name in names if (key := fold(name)) in pks_of), None)
        if known is not None:
            meant |= dict.fromkeys(pks_of[known])
    return list(meant)


def _tokens(text: str) -> list[str]:
    if "@" not in text:
        return []
    return list(dict.fromkeys(_MENTION.findall(_CODE.sub(" ", text))))


def _candidates(token: str) -> list[str]:
    """Return the names that *token* may stand for, the longest first."""
    ends = [len(token)]
    ends += [at for at in range(len(token) - 1, 0, -1) if not token[at].isascii()]
    names = [token[:end] for end in ends]
    return list(dict.fromkeys([*names, *(name.rstrip(_NOT_LAST) for name in names)]))
