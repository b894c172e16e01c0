"""Posts from before there was a search are found as well.

Revision: 0012, after 0011. Can be stopped and begun anew.
"""

from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op

from workbench.kit.searching import fold, tokens_of

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BATCH = 200
_PARTS = ("title", "body", "done", "problems", "next")
_POSTS = sa.table("statuses", sa.column("pk"), *(sa.column(part) for part in _PARTS))
_FOUND = sa.table("status_search", sa.column("status_pk"), sa.column("words"), sa.column("tokens"))


def upgrade() -> None:
    connection, after = op.get_bind(), 0
    while rows := connection.execute(_missing(after)).all():
        op.bulk_insert(_FOUND, [_entry(row) for row in rows])
        if connection.dialect.name != "sqlite":
            # A full-text index is written when the transaction ends: not all of it at once.
            connection.exec_driver_sql("COMMIT")
        after = rows[-1].pk


def downgrade() -> None:
    """Leave them: what is found more does no harm."""


def _missing(after: int) -> sa.Select[Any]:
    found = sa.select(_FOUND.c.status_pk).where(_FOUND.c.status_pk == _POSTS.c.pk).exists()
    query = sa.select(_POSTS).where(_POSTS.c.pk > after, ~found)
    return query.order_by(_POSTS.c.pk).limit(_BATCH)


def _entry(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    words = fold("\n".join(part or "" for part in islice(row, 1, None)))
    return {"status_pk": row.pk, "words": words, "tokens": tokens_of("", words)}
