"""One page of a query: `limit` rows behind the cursor, and the cursor of the next page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.database import db
from workbench.paging import cursor_of

if TYPE_CHECKING:
    from sqlalchemy import Row, Select
    from sqlalchemy.orm import InstrumentedAttribute

    from workbench.paging import PageRequest


def cut(
    query: Select[*tuple[Any, ...]],
    order: InstrumentedAttribute[int],
    wanted: PageRequest,
    *,
    newest_first: bool = False,
) -> tuple[list[Row[*tuple[Any, ...]]], str | None]:
    """Return the rows of the page *wanted*, and the `after` of the next page or None.

    *order* is an indexed, unique column of the query, usually `pk`. One query, O(page).
    """
    if wanted.after:
        query = query.where(order < wanted.after if newest_first else order > wanted.after)
    ordered = query.order_by(order.desc() if newest_first else order)
    rows = db.session.execute(ordered.add_columns(order).limit(wanted.limit + 1)).all()
    page = list(rows[: wanted.limit])
    return page, cursor_of(int(page[-1][-1])) if len(rows) > wanted.limit else None
