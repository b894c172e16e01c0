"""Teams, their groups and members, applications and invitations.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("team_invitations", "team_applications", "team_members", "team_groups", "teams")


def _pk() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("pk", kind, primary_key=True, autoincrement=True)


def _to(
    name: str, table: str, *, null: bool = False, ondelete: str | None = None
) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(name, kind, sa.ForeignKey(f"{table}.pk", ondelete=ondelete), nullable=null)


def _id(table: str) -> tuple[sa.Column[str], sa.UniqueConstraint]:
    return sa.Column("id", sa.String(32), nullable=False), sa.UniqueConstraint(
        "id", name=f"uq_{table}_id"
    )


def upgrade() -> None:
    op.create_table(
        "teams",
        _pk(),
        *_id("teams"),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("archived_at", sa.DateTime),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_teams_directory", "teams", ["listed", "archived_at", "pk"])
    op.create_table(
        "team_groups",
        _pk(),
        *_id("team_groups"),
        _to("team_pk", "teams"),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("deleted_at", sa.DateTime),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_team_groups_team", "team_groups", ["team_pk", "position"])
    op.create_table(
        "team_members",
        _pk(),
        _to("team_pk", "teams"),
        _to("user_pk", "users"),
        sa.Column("role", sa.String(16), nullable=False),
        _to("group_pk", "team_groups", null=True),
        sa.Column("joined_at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("team_pk", "user_pk", name="uq_team_members_person"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_team_members_user", "team_members", ["user_pk", "team_pk"])
    op.create_index("ix_team_members_group", "team_members", ["group_pk"])
    _applications()
    _invitations()


def _applications() -> None:
    op.create_table(
        "team_applications",
        _pk(),
        *_id("team_applications"),
        _to("team_pk", "teams"),
        _to("user_pk", "users"),
        _to("group_pk", "team_groups", null=True, ondelete="SET NULL"),
        sa.Column("message", sa.String(500), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("open_mark", sa.Integer),
        sa.Column("reason", sa.String(500)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("decided_at", sa.DateTime),
        _to("decided_by", "users", null=True),
        sa.UniqueConstraint("team_pk", "user_pk", "open_mark", name="uq_team_applications_open"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_team_applications_state", "team_applications", ["team_pk", "state", "pk"])
    op.create_index("ix_team_applications_user", "team_applications", ["user_pk", "pk"])


def _invitations() -> None:
    op.create_table(
        "team_invitations",
        _pk(),
        *_id("team_invitations"),
        _to("team_pk", "teams"),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        _to("group_pk", "team_groups", null=True, ondelete="SET NULL"),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        _to("created_by", "users"),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("revoked_at", sa.DateTime),
        sa.UniqueConstraint("digest", name="uq_team_invitations_digest"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_team_invitations_team", "team_invitations", ["team_pk", "pk"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
