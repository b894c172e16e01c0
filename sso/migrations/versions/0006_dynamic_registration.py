"""Dynamic registration: tokens that allow it, and those that manage what was registered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sso.storage.base import TABLE_OPTIONS, Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "initial_access_tokens",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_initial_access_tokens")),
        **TABLE_OPTIONS,
    )
    # Nothing is rebuilt: on SQLite that would drop the table, and with it every grant.
    op.add_column(
        "clients", sa.Column("registration_token_digest", sa.String(length=64), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("clients", "registration_token_digest")
    op.drop_table("initial_access_tokens")
