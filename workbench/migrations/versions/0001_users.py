"""The directory of people.

Revision: 0001, after nothing.
"""

import sqlalchemy as sa
from alembic import op

from workbench.database import ExactText

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("issuer", ExactText(255), nullable=False),
        sa.Column("subject", ExactText(255), nullable=False),
        sa.Column("name", sa.String(200)),
        sa.Column("username", sa.String(200)),
        sa.Column("email", sa.String(320)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("checked_at", sa.DateTime),
        sa.PrimaryKeyConstraint("pk", name="pk_users"),
        sa.UniqueConstraint("id", name="uq_users_id"),
        sa.UniqueConstraint("issuer", "subject", name="uq_users_identity"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("users")
