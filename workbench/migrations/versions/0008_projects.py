"""Projects: people, tree, documents, files, comments, trash, search.

Revision: 0008, after 0007.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

from workbench.database import ExactText

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PK = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_LONG = sa.Text().with_variant(MEDIUMTEXT(), "mysql")
_FOLDED = sa.Text().with_variant(MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql")
_TOKENS = sa.Text().with_variant(MEDIUMTEXT(charset="ascii", collation="ascii_general_ci"), "mysql")
_TABLE: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    _projects()
    _tree()
    _what_trees_hold()
    _contents()
    _comments()
    _search()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_tokens")
    for table in (
        "search_entries",
        "comments",
        "doomed_blobs",
        "content_parts",
        "contents",
        "document_revisions",
        "trash",
        "nodes",
        "project_members",
        "projects",
    ):
        op.drop_table(table)


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("pk", _PK, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("team_pk", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.String(2000), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_by", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("deleted_at", sa.DateTime),
        sa.Column("deleted_by", sa.BigInteger),
        sa.PrimaryKeyConstraint("pk", name="pk_projects"),
        sa.UniqueConstraint("id", name="uq_projects_id"),
        **_TABLE,
    )
    op.create_index("ix_projects_team", "projects", ["team_pk", "pk"])
    op.create_index("ix_projects_deleted_at", "projects", ["deleted_at"])
    op.create_table(
        "project_members",
        sa.Column("pk", _PK, autoincrement=True),
        _of("project_pk", "projects"),
        sa.Column("user_pk", sa.BigInteger, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_project_members"),
        sa.UniqueConstraint("project_pk", "user_pk", name="uq_project_members_person"),
        **_TABLE,
    )
    op.create_index("ix_project_members_user", "project_members", ["user_pk", "project_pk"])


def _tree() -> None:
    op.create_table(
        "nodes",
        sa.Column("pk", _PK, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False),
        _of("project_pk", "projects"),
        sa.Column("parent_pk", _PK, sa.ForeignKey("nodes.pk")),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("place", sa.String(64)),
        sa.Column("order_key", ExactText(120), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_by", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_by", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.Column("trash_pk", sa.BigInteger),
        sa.Column("revision", sa.Integer),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("media_type", sa.String(120)),
        sa.Column("content_pk", sa.BigInteger),
        sa.PrimaryKeyConstraint("pk", name="pk_nodes"),
        sa.UniqueConstraint("id", name="uq_nodes_id"),
        sa.UniqueConstraint("place", name="uq_nodes_place"),
        **_TABLE,
    )
    op.create_index(
        "ix_nodes_siblings", "nodes", ["project_pk", "trash_pk", "parent_pk", "order_key"]
    )
    op.create_index("ix_nodes_parent", "nodes", ["parent_pk"])
    op.create_index("ix_nodes_trash", "nodes", ["trash_pk"])


def _what_trees_hold() -> None:
    op.create_table(
        "trash",
        sa.Column("pk", _PK, autoincrement=True),
        _of("project_pk", "projects"),
        sa.Column("node_pk", sa.BigInteger, nullable=False),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("trashed_by", sa.BigInteger, nullable=False),
        sa.Column("trashed_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_trash"),
        sa.UniqueConstraint("node_pk", name="uq_trash_node"),
        **_TABLE,
    )
    op.create_index("ix_trash_project", "trash", ["project_pk", "pk"])
    op.create_index("ix_trash_trashed_at", "trash", ["trashed_at"])
    op.create_table(
        "document_revisions",
        sa.Column("pk", _PK, autoincrement=True),
        _of("node_pk", "nodes"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("body", _LONG, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("restored_from", sa.Integer),
        sa.Column("author_pk", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_document_revisions"),
        sa.UniqueConstraint("node_pk", "number", name="uq_document_revisions_number"),
        **_TABLE,
    )


def _contents() -> None:
    op.create_table(
        "contents",
        sa.Column("pk", _PK, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False),
        _of("project_pk", "projects"),
        sa.Column("parent_pk", sa.BigInteger),
        sa.Column("node_pk", sa.BigInteger),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("declared_type", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(120)),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("chunk_bytes", sa.Integer, nullable=False),
        sa.Column("received_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("created_by", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("touched_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_contents"),
        sa.UniqueConstraint("id", name="uq_contents_id"),
        **_TABLE,
    )
    op.create_index("ix_contents_open", "contents", ["node_pk", "touched_at"])
    op.create_index("ix_contents_project", "contents", ["project_pk"])
    op.create_table(
        "content_parts",
        sa.Column("pk", _PK, autoincrement=True),
        _of("content_pk", "contents"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_content_parts"),
        sa.UniqueConstraint("content_pk", "number", name="uq_content_parts_number"),
        sa.UniqueConstraint("key", name="uq_content_parts_key"),
        **_TABLE,
    )
    op.create_table(
        "doomed_blobs",
        sa.Column("pk", _PK, autoincrement=True),
        sa.Column("key", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_doomed_blobs"),
        sa.UniqueConstraint("key", name="uq_doomed_blobs_key"),
        **_TABLE,
    )


def _comments() -> None:
    op.create_table(
        "comments",
        sa.Column("pk", _PK, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False),
        _of("node_pk", "nodes"),
        sa.Column("thread_pk", sa.BigInteger),
        sa.Column("replies", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("author_pk", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("edited_at", sa.DateTime),
        sa.Column("deleted_at", sa.DateTime),
        sa.Column("deleted_by", sa.BigInteger),
        sa.PrimaryKeyConstraint("pk", name="pk_comments"),
        sa.UniqueConstraint("id", name="uq_comments_id"),
        **_TABLE,
    )
    op.create_index("ix_comments_node", "comments", ["node_pk", "thread_pk", "pk"])
    op.create_index("ix_comments_thread", "comments", ["thread_pk", "pk"])


def _search() -> None:
    op.create_table(
        "search_entries",
        sa.Column("node_pk", _PK, sa.ForeignKey("nodes.pk", ondelete="CASCADE")),
        sa.Column("title", _FOLDED, nullable=False),
        sa.Column("body", _FOLDED, nullable=False),
        sa.Column("tokens", _TOKENS, nullable=False),
        sa.PrimaryKeyConstraint("node_pk", name="pk_search_entries"),
        **_TABLE,
    )
    if op.get_bind().dialect.name != "sqlite":
        op.execute("CREATE FULLTEXT INDEX ft_search_entries_tokens ON search_entries (tokens)")
        return
    # An index of its own that holds no text; triggers keep it in step with the table.
    op.execute(
        "CREATE VIRTUAL TABLE search_tokens USING fts5("
        "tokens, content='search_entries', content_rowid='node_pk', detail=none, "
        "tokenize='ascii')"
    )
    remove = (
        "INSERT INTO search_tokens (search_tokens, rowid, tokens) "
        "VALUES ('delete', old.node_pk, old.tokens);"
    )
    insert = "INSERT INTO search_tokens (rowid, tokens) VALUES (new.node_pk, new.tokens);"
    for name, when, does in (
        ("added", "INSERT", insert),
        ("removed", "DELETE", remove),
        ("changed", "UPDATE OF tokens", remove + insert),
    ):
        op.execute(
            f"CREATE TRIGGER search_entries_{name} AFTER {when} ON search_entries BEGIN {does} END"
        )


def _of(column: str, table: str) -> sa.Column[Any]:
    key = sa.ForeignKey(f"{table}.pk", ondelete="CASCADE")
    return sa.Column(column, _PK, key, nullable=False)
