"""Second factors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sso.storage.base import TABLE_OPTIONS, Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "totp_factors",
        sa.Column("sub", sa.String(length=32), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(length=200), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        _of_user("totp_factors"),
        sa.PrimaryKeyConstraint("sub", name=op.f("pk_totp_factors")),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sub", sa.String(length=32), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        _of_user("recovery_codes"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_recovery_codes")),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_recovery_codes_sub", "recovery_codes", ["sub"])
    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("sub", sa.String(length=32), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=2048), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("device_bound", sa.Boolean(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("last_used_at", Instant(), nullable=True),
        _of_user("passkeys"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_passkeys_sub", "passkeys", ["sub"])


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["sub"], ["users.sub"], name=op.f(f"fk_{table}_sub"), ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_table("passkeys")
    op.drop_table("recovery_codes")
    op.drop_table("totp_factors")
