"""Usernames are looked up without regard to case and width, on every database.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

from workbench.kit.names import fold

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_LENGTH = 200
_BATCH = 500
_USERS = sa.table("users", sa.column("pk"), sa.column("username"), sa.column("username_key"))


def upgrade() -> None:
    op.add_column("users", sa.Column("username_key", sa.String(_LENGTH)))
    connection, after = op.get_bind(), 0
    named = sa.select(_USERS.c.pk, _USERS.c.username).where(_USERS.c.username.is_not(None))
    change = (
        sa.update(_USERS)
        .where(_USERS.c.pk == sa.bindparam("of"))
        .values(username_key=sa.bindparam("key"))
    )
    while rows := connection.execute(
        named.where(_USERS.c.pk > after).order_by(_USERS.c.pk).limit(_BATCH)
    ).all():
        keys = [{"of": row.pk, "key": fold(row.username)[:_LENGTH]} for row in rows]
        connection.execute(change, keys)
        after = rows[-1].pk
    op.drop_index("ix_users_username", "users")
    op.create_index("ix_users_username_key", "users", ["username_key"])


def downgrade() -> None:
    op.drop_index("ix_users_username_key", "users")
    op.create_index("ix_users_username", "users", ["username"])
    op.drop_column("users", "username_key")
