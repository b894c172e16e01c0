"""Inboxes, watches, and who wants the daily e-mail.

Revision: 0006, after 0005.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TABLE: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("pk", _BIG, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_pk", sa.BigInteger, nullable=False),
        sa.Column("event_pk", sa.BigInteger, nullable=False),
        sa.Column("channel", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("read_at", sa.DateTime),
        sa.PrimaryKeyConstraint("pk", name="pk_notifications"),
        sa.UniqueConstraint("id", name="uq_notifications_id"),
        sa.UniqueConstraint("user_pk", "event_pk", name="uq_notifications_user_event"),
        **_TABLE,
    )
    op.create_index("ix_notifications_unread", "notifications", ["user_pk", "read_at", "event_pk"])
    op.create_index("ix_notifications_event", "notifications", ["event_pk"])
    op.create_table(
        "watches",
        sa.Column("pk", _BIG, autoincrement=True),
        sa.Column("user_pk", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_watches"),
        sa.UniqueConstraint("user_pk", "kind", "subject_id", name="uq_watches_user_subject"),
        **_TABLE,
    )
    op.create_index("ix_watches_subject", "watches", ["kind", "subject_id", "user_pk"])
    op.create_table(
        "mail_digests",
        sa.Column("user_pk", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Boolean, nullable=False),
        sa.Column("told_until", sa.BigInteger, nullable=False),
        sa.Column("claimed_at", sa.DateTime),
        sa.PrimaryKeyConstraint("user_pk", name="pk_mail_digests"),
        **_TABLE,
    )

    op.create_index("ix_users_username", "users", ["username"])  # for mentions


def downgrade() -> None:
    op.drop_index("ix_users_username", "users")
    op.drop_table("mail_digests")
    op.drop_table("watches")
    op.drop_table("notifications")
