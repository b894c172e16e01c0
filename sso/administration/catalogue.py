"""Look at what there is: lists a page at a time, and one object whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, or_, select

from sso.accounts.users import compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from sso.administration.kinds import Kind, Record
    from sso.storage.engine import Storage

PAGE: Final = 50
_MAX_QUERY: Final = 254


@dataclass(frozen=True)
class Listing:
    """Some objects, and the id after which the next page begins; None at the end."""

    records: list[Record]
    after: str | None


class Catalogue:
    """Reads objects of any kind."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def page(self, kind: Kind, wanted: Mapping[str, str], *, limit: int = PAGE) -> Listing:
        """Return the objects that *wanted* selects: ``q``, ``after`` and the kind's filters."""
        key, order = kind.key, kind.order
        directions = (order.desc(), key.desc()) if kind.newest_first else (order, key)
        query = select(kind.model).order_by(*directions).limit(limit + 1)
        for name, column in kind.filters.items():
            if value := wanted.get(name):
                query = query.where(column == value)
        if text := wanted.get("q", "").strip()[:_MAX_QUERY]:
            query = query.where(_begins(kind, text))
        with self._storage.reading() as session:
            if after := wanted.get("after"):
                row = session.scalar(select(kind.model).where(key == after))
                if row is not None:
                    query = query.where(_beyond(kind, row))
            rows = list(session.scalars(query))
        more = len(rows) > limit
        records = [kind.record(row) for row in rows[:limit]]
        return Listing(records, records[-1]["id"] if more else None)

    def find(self, kind: Kind, id_: str) -> Record | None:
        """Return one object, or None where there is none of that id."""
        with self._storage.reading() as session:
            row = session.scalar(select(kind.model).where(kind.key == id_))
        return kind.record(row) if row is not None else None


def _begins(kind: Kind, text: str) -> ColumnElement[bool]:
    forms = {text, compared(text)}
    return or_(*(c.startswith(form, autoescape=True) for c in kind.search for form in forms))


def _beyond(kind: Kind, row: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a row of any model
    key, order = kind.key, kind.order
    at, id_ = getattr(row, order.key), getattr(row, key.key)
    if kind.newest_first:
        return or_(order < at, and_(order == at, key < id_))
    return or_(order > at, and_(order == at, key > id_))
