"""Where a client hears by a frame that somebody signed out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing is rebuilt: on SQLite that would drop the table, and with it every grant.
    op.add_column(
        "clients", sa.Column("frontchannel_logout_uri", sa.String(length=2000), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("clients", "frontchannel_logout_uri")
