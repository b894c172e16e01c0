"""Search by name that works for Chinese: an index of single characters and pairs.

`LIKE '%…%'` reads every row, and neither MariaDB's nor SQLite's word search finds a part of a name
without spaces. A name is short, so every character and every pair of neighbours of it gets a row;
a search looks its own pairs up.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Index, String, delete, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from workbench.database import Base, ExactText, db
from workbench.problems import BAD_REQUEST, Refused

if TYPE_CHECKING:
    from sqlalchemy import Select

_INDEXED_CHARS = 80
_GRAM_BYTES = 8  # two characters of UTF-8
_LOOKED_UP = 4
_SOUGHT_CHARS = 80


class NameGram(Base):
    """One character, or two neighbours, of the name of something.

    Attributes:
        kind: the letter of the thing's public ids.
        owner_pk: the thing.
    """

    __tablename__ = "name_grams"
    __table_args__ = (Index("ix_name_grams_owner", "kind", "owner_pk"),)

    kind: Mapped[str] = mapped_column(String(2), primary_key=True)
    gram: Mapped[str] = mapped_column(ExactText(_GRAM_BYTES), primary_key=True)
    owner_pk: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


def index_name(kind: str, pk: int, *names: str | None) -> None:
    """Make the thing *pk* of *kind* be found by *names*; part of the caller's transaction."""
    wanted: set[str] = set()
    for name in names:
        wanted |= _grams(fold(name or "")[:_INDEXED_CHARS])
    own = (NameGram.kind == kind, NameGram.owner_pk == pk)
    there = set(db.session.scalars(select(NameGram.gram).where(*own)))
    if gone := there - wanted:
        db.session.execute(delete(NameGram).where(*own, NameGram.gram.in_(gone)))
    db.session.add_all(
        NameGram(kind=kind, gram=gram, owner_pk=pk) for gram in sorted(wanted - there)
    )


def named_like(kind: str, sought: str) -> Select[int]:
    """Return the query of the pks whose name has every pair of neighbours of *sought*.

    For use in an `IN`. Almost always that is the names that contain *sought*.

    Raises:
        Refused: ``bad_request``: nothing to look for, or too much.
    """
    folded = fold(sought)
    if not 0 < len(folded) <= _SOUGHT_CHARS:
        raise Refused(BAD_REQUEST, detail=f"q: write 1 to {_SOUGHT_CHARS} characters")
    pairs = sorted(gram for gram in _grams(folded) if len(gram) > 1 or len(folded) == 1)
    # Rows of the first are walked in order of pk; the others are probed.
    query = select(NameGram.owner_pk).where(NameGram.kind == kind, NameGram.gram == pairs[0])
    for pair in pairs[1:_LOOKED_UP]:
        other = aliased(NameGram)
        query = query.where(
            select(other.owner_pk)
            .where(other.kind == kind, other.gram == pair, other.owner_pk == NameGram.owner_pk)
            .exists()
        )
    return query


def fold(name: str) -> str:
    """Return *name* as it is compared: without case, width or surrounding space."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def _grams(folded: str) -> set[str]:
    pairs = {folded[start : start + 2] for start in range(len(folded) - 1)}
    return {gram for gram in pairs | set(folded) if not gram.isspace()}
