"""Letters and their links, invitations, turns at housekeeping, algorithms of a client's own."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from sso.storage.base import TABLE_OPTIONS, Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    _letters()
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=120), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_invitations_secret_digest")),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_invitations_expires_at", "invitations", ["expires_at"])
    turns = op.create_table(
        "turns",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_turns")),
        **TABLE_OPTIONS,
    )
    op.bulk_insert(turns, [{"name": name, "last_at": _LONG_AGO} for name in ("keys", "sweep")])
    # Nothing is rebuilt: on SQLite that would drop the table, and with it every grant.
    for column in ("access_token_alg", "id_token_alg"):
        op.add_column("clients", sa.Column(column, sa.String(length=8), nullable=True))


def _letters() -> None:
    op.create_table(
        "outgoing_letters",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(length=8192), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_letters")),
        **TABLE_OPTIONS,
    )
    for column in ("next_attempt_at", "expires_at"):
        op.create_index(f"ix_outgoing_letters_{column}", "outgoing_letters", [column])
    op.create_table(
        "mail_links",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("sub", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sub"], ["users.sub"], name=op.f("fk_mail_links_sub"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_mail_links")),
        **TABLE_OPTIONS,
    )
    for column in ("sub", "expires_at"):
        op.create_index(f"ix_mail_links_{column}", "mail_links", [column])


def downgrade() -> None:
    for column in ("id_token_alg", "access_token_alg"):
        op.drop_column("clients", column)
    for table in ("turns", "invitations", "mail_links", "outgoing_letters"):
        op.drop_table(table)
