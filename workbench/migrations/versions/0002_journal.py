"""The journal of what happened.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("pk", _BIG, autoincrement=False, nullable=False),
        sa.Column("channel", sa.BigInteger, nullable=False),
        sa.Column("team_pk", sa.BigInteger),
        sa.Column("actor_pk", sa.BigInteger),
        sa.Column("group_pk", sa.BigInteger),
        sa.Column("verb", sa.String(32), nullable=False),
        sa.Column("subject_kind", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.String(32), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("detail", sa.String(200)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_events"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_events_channel", "events", ["channel", "pk"])
    op.create_index("ix_events_actor", "events", ["actor_pk", "channel", "pk"])
    op.create_index("ix_events_group", "events", ["group_pk", "channel", "pk"])
    head = op.create_table(
        "journal_head",
        sa.Column("pk", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_journal_head"),
        mysql_engine="InnoDB",
    )
    op.bulk_insert(head, [{"pk": 1, "last": 0}])


def downgrade() -> None:
    op.drop_table("journal_head")
    op.drop_table("events")
