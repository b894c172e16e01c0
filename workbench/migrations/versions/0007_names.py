"""Search by name.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

from workbench.database import ExactText

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "name_grams",
        sa.Column("kind", sa.String(2), nullable=False),
        sa.Column("gram", ExactText(8), nullable=False),
        sa.Column("owner_pk", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("kind", "gram", "owner_pk", name="pk_name_grams"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_name_grams_owner", "name_grams", ["kind", "owner_pk"])


def downgrade() -> None:
    op.drop_table("name_grams")
