"""A search reads what its reader may see, however much there is beside.

Revision: 0015, after 0014. Can be stopped and begun anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BATCH = 500
_POSTS = sa.table("statuses", sa.column("pk"), sa.column("team_pk", sa.BigInteger))
_FOUND = sa.table("status_search", sa.column("status_pk"), sa.column("tokens", sa.String))


def upgrade() -> None:
    connection = op.get_bind()
    team = sa.select(_POSTS.c.team_pk).where(_POSTS.c.pk == _FOUND.c.status_pk).scalar_subquery()
    token = sa.literal("tm") + sa.cast(team, sa.String(20)) + " "
    named = sa.update(_FOUND).values(tokens=token + _FOUND.c.tokens)
    last = connection.scalar(sa.select(sa.func.max(_FOUND.c.status_pk))) or 0
    for start in range(0, last, _BATCH):
        own = _FOUND.c.status_pk.between(start + 1, start + _BATCH)
        connection.execute(named.where(own, _FOUND.c.tokens.not_like("tm%")))
        if connection.dialect.name != "sqlite":
            # A full-text index is written when the transaction ends: not all of it at once.
            connection.exec_driver_sql("COMMIT")
    op.create_index("ix_nodes_newest", "nodes", ["project_pk", "trash_pk", "pk"])


def downgrade() -> None:
    """Leave the tokens: nobody asks for them."""
    op.drop_index("ix_nodes_newest", "nodes")
