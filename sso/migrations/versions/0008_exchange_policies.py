"""Which client may exchange whose tokens for what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sso.storage.base import TABLE_OPTIONS, Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_policies",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.Column("subject_client_id", sa.String(length=36), nullable=False),
        sa.Column("from_audience", sa.String(length=2000), nullable=False),
        sa.Column("to_audience", sa.String(length=2000), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.client_id"],
            name=op.f("fk_exchange_policies_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["subject_client_id"],
            ["clients.client_id"],
            name=op.f("fk_exchange_policies_subject_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_policies")),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_exchange_policies_client_id", "exchange_policies", ["client_id"])


def downgrade() -> None:
    op.drop_table("exchange_policies")
