"""Back-channel logout, opaque access tokens, client assertions, introspection rights."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sso.storage.base import TABLE_OPTIONS, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "used_assertions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_assertions")),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_used_assertions_expires_at", "used_assertions", ["expires_at"])
    _logout_deliveries()
    _opaque_access_tokens()
    # Nothing is rebuilt: on SQLite that would drop the table, and with it every grant.
    op.add_column("clients", sa.Column("introspects", sa.JSON(), nullable=True))


def _logout_deliveries() -> None:
    op.create_table(
        "logout_deliveries",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.Column("sub", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("ended_at", Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.client_id"],
            name=op.f("fk_logout_deliveries_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logout_deliveries")),
        **TABLE_OPTIONS,
    )
    op.create_index(
        "ix_logout_deliveries_next_attempt_at", "logout_deliveries", ["next_attempt_at"]
    )


def _opaque_access_tokens() -> None:
    op.create_table(
        "opaque_access_tokens",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.client_id"],
            name=op.f("fk_opaque_access_tokens_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_opaque_access_tokens")),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_opaque_access_tokens_expires_at", "opaque_access_tokens", ["expires_at"])


def downgrade() -> None:
    op.drop_column("clients", "introspects")
    op.drop_table("opaque_access_tokens")
    op.drop_table("logout_deliveries")
    op.drop_table("used_assertions")
