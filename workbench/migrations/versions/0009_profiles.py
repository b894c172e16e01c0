"""Profiles and pictures of people.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMBLOB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COLUMNS = {
    "chosen_name": sa.String(200),
    "chosen_email": sa.String(320),
    "phone": sa.String(32),
    "bio": sa.String(1000),
    "locale": sa.String(16),
    "avatar": sa.String(64),
}


def upgrade() -> None:
    for name, kind in _COLUMNS.items():
        op.add_column("users", sa.Column(name, kind))
    op.add_column("users", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "avatars",
        sa.Column(
            "user_pk",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.ForeignKey("users.pk"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("media_type", sa.String(32), nullable=False),
        sa.Column("content", sa.LargeBinary().with_variant(MEDIUMBLOB(), "mysql"), nullable=False),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("avatars")
    for name in (*_COLUMNS, "version"):
        op.drop_column("users", name)
