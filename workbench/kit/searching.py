"""What a search looks at: tokens that one full-text index of either database can hold.

Chinese has no blanks between words, and MariaDB has no n-gram parser. So the tokens are our own and
plain ASCII: two neighbouring characters of a script without blanks are one token (the last one of
a run stands alone, so that a single character is found as the beginning of a token), a word of
any other script is one. Databases only intersect them; that the words of a query stand in a
text as they were written is checked against the folded text itself.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKENS_MAX = 30_000
QUERY_LENGTH = 100
_QUERY_TOKENS_MAX = 16
_TOKEN_LENGTH = 60  # InnoDB takes words of up to 84 characters
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE = len(_DIGITS)
_WIDTH = 4  # 36⁴ is more than there are code points
# Higher than any code point is written: no word meets a token of characters.
_WORD = "ww"
_TITLE = "t"
_PROJECT, _TEAM = "pj", "tm"
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3100-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"([{_UNSPACED}]+)|((?:(?![{_UNSPACED}_])\w)+)")


@dataclass(frozen=True, slots=True)
class Query:
    """A query as an index is asked.

    Attributes:
        terms: folded; each must stand in the title or in the body as it is.
        whole: tokens that must be there.
        begun: beginnings of tokens that must be there.
    """

    terms: tuple[str, ...]
    whole: tuple[str, ...]
    begun: tuple[str, ...]

    def in_titles(self) -> Query:
        """Return the query that only titles answer."""
        whole, begun = (
            tuple(f"{_TITLE}{token}" for token in tokens) for tokens in (self.whole, self.begun)
        )
        return Query(self.terms, whole, begun)


class _Folding(dict[int, str]):
    """The folded form of each character, always one character for one."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = unicodedata.normalize("NFKC", char).casefold()
        if len(folded) != 1:
            folded = char.lower() if len(char.lower()) == 1 else char
        self[code] = folded
        return folded


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Return *text* without differences of case and width; every character keeps its place."""
    return text.translate(_FOLDING)


def tokens_of(title: str, body: str) -> str:
    """Return the tokens of a folded title and text, each once, as the index holds them.

    Those of the title are there a second time, marked, so that titles can be asked alone.
    """
    found: dict[str, None] = {}
    for token in _tokens(title):
        found |= {token: None, _TITLE + token: None}
    for token in _tokens(body):
        found[token] = None
        if len(found) >= TOKENS_MAX:
            break
    return " ".join(found)


def project_token(pk: int) -> str:
    """Return the token that every entry of the project *pk* has, and no text."""
    return f"{_PROJECT}{pk}"


def team_token(pk: int) -> str:
    """Return the token that every entry of the team *pk* has, and no text."""
    return f"{_TEAM}{pk}"


def parse_query(text: str) -> Query | None:
    """Return the query that *text* asks, or None where there is nothing to look for in it."""
    terms = tuple(dict.fromkeys(fold(unicodedata.normalize("NFC", text)).split()))
    whole: dict[str, None] = {}
    begun: dict[str, None] = {}
    for run, word in _RUN.findall(" ".join(terms)):
        if word:
            begun[_word(word)] = None
        elif len(run) == 1:
            begun[_char(run)] = None
        else:
            whole |= dict.fromkeys(_char(a) + _char(b) for a, b in pairwise(run))
    if not whole and not begun:
        return None
    return Query(terms, tuple(whole)[:_QUERY_TOKENS_MAX], tuple(begun)[:_QUERY_TOKENS_MAX])


def marked(text: str, terms: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return *text* as pieces `{text, hit}`; a page sets them off as it likes."""
    folded, pieces, at = fold(text), [], 0
    for start, end in _places(folded, terms):
        if start > at:
            pieces.append({"text": text[at:start], "hit": False})
        pieces.append({"text": text[start:end], "hit": True})
        at = end
    if at < len(text):
        pieces.append({"text": text[at:], "hit": False})
    return pieces


def _places(folded: str, terms: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Yield where any of *terms* stands, in order, none overlapping another."""
    longest_first = sorted(terms, key=len, reverse=True)
    for found in re.finditer("|".join(re.escape(term) for term in longest_first), folded):
        yield found.span()


def _tokens(text: str) -> Iterator[str]:
    for found in _RUN.finditer(text):
        run, word = found.groups()
        if word:
            yield _word(word)
        else:
            chars = [_char(char) for char in run]
            yield from (a + b for a, b in pairwise(chars))
            yield chars[-1]


def _word(word: str) -> str:
    if word.isascii():
        return (_WORD + word)[:_TOKEN_LENGTH]
    # The whole of each character, so that the beginning of a word is the beginning of its token.
    coded = [char if char.isascii() else f"zz{_char(char)}" for char in word]
    token = _WORD
    for code in coded:
        if len(token) + len(code) > _TOKEN_LENGTH:
            break
        token += code
    return token


@cache
def _char(char: str) -> str:
    value, written = ord(char), ""
    for _ in range(_WIDTH):
        value, digit = divmod(value, _BASE)
        written = _DIGITS[digit] + written
    return written
