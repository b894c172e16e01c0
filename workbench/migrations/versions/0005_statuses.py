"""Posts with their comments and likes.

Revision: 0005, after 0004.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_LONG = sa.Text().with_variant(MEDIUMTEXT(), "mysql")
_TABLE: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    op.create_table(
        "statuses",
        sa.Column("pk", _BIG, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("team_pk", sa.BigInteger, nullable=False),
        sa.Column("group_pk", sa.BigInteger),
        sa.Column("author_pk", sa.BigInteger, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("body", _LONG, nullable=False),
        sa.Column("done", sa.Text),
        sa.Column("problems", sa.Text),
        sa.Column("next", sa.Text),
        sa.Column("likes", sa.Integer, nullable=False),
        sa.Column("comments", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("edited_at", sa.DateTime),
        sa.PrimaryKeyConstraint("pk", name="pk_statuses"),
        sa.UniqueConstraint("id", name="uq_statuses_id"),
        **_TABLE,
    )
    op.create_index("ix_statuses_team", "statuses", ["team_pk", "pk"])
    op.create_index("ix_statuses_group", "statuses", ["team_pk", "group_pk", "pk"])
    op.create_index("ix_statuses_author", "statuses", ["team_pk", "author_pk", "pk"])
    op.create_index("ix_statuses_created", "statuses", ["team_pk", "created_at", "pk"])
    _likes()
    _comments()


def _likes() -> None:
    op.create_table(
        "status_likes",
        sa.Column("status_pk", _BIG, autoincrement=False, nullable=False),
        sa.Column("user_pk", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("status_pk", "user_pk", name="pk_status_likes"),
        sa.ForeignKeyConstraint(
            ["status_pk"], ["statuses.pk"], name="fk_status_likes_status", ondelete="CASCADE"
        ),
        **_TABLE,
    )


def _comments() -> None:
    op.create_table(
        "status_comments",
        sa.Column("pk", _BIG, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("status_pk", _BIG, nullable=False),
        sa.Column("reply_to_pk", sa.BigInteger),
        sa.Column("author_pk", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("edited_at", sa.DateTime),
        sa.Column("deleted_at", sa.DateTime),
        sa.PrimaryKeyConstraint("pk", name="pk_status_comments"),
        sa.UniqueConstraint("id", name="uq_status_comments_id"),
        sa.ForeignKeyConstraint(
            ["status_pk"], ["statuses.pk"], name="fk_status_comments_status", ondelete="CASCADE"
        ),
        **_TABLE,
    )
    op.create_index("ix_status_comments_status", "status_comments", ["status_pk", "pk"])


def downgrade() -> None:
    op.drop_table("status_comments")
    op.drop_table("status_likes")
    op.drop_table("statuses")
