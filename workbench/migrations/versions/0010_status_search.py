"""What a search sees of posts.

Revision: 0010, after 0009.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_FOLDED = sa.Text().with_variant(MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql")
_TOKENS = sa.Text().with_variant(MEDIUMTEXT(charset="ascii", collation="ascii_general_ci"), "mysql")
_TABLE: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    op.create_table(
        "status_search",
        sa.Column("status_pk", _BIG, autoincrement=False, nullable=False),
        sa.Column("words", _FOLDED, nullable=False),
        sa.Column("tokens", _TOKENS, nullable=False),
        sa.PrimaryKeyConstraint("status_pk", name="pk_status_search"),
        sa.ForeignKeyConstraint(
            ["status_pk"], ["statuses.pk"], name="fk_status_search_status", ondelete="CASCADE"
        ),
        **_TABLE,
    )
    if op.get_bind().dialect.name != "sqlite":
        op.execute("CREATE FULLTEXT INDEX ft_status_search_tokens ON status_search (tokens)")
        return
    # An index of its own that holds no text; triggers keep it in step with the table.
    op.execute(
        "CREATE VIRTUAL TABLE status_tokens USING fts5("
        "tokens, content='status_search', content_rowid='status_pk', detail=none, "
        "tokenize='ascii')"
    )
    remove = (
        "INSERT INTO status_tokens (status_tokens, rowid, tokens) "
        "VALUES ('delete', old.status_pk, old.tokens);"
    )
    insert = "INSERT INTO status_tokens (rowid, tokens) VALUES (new.status_pk, new.tokens);"
    for name, when, does in (
        ("added", "INSERT", insert),
        ("removed", "DELETE", remove),
        ("changed", "UPDATE OF tokens", remove + insert),
    ):
        op.execute(
            f"CREATE TRIGGER status_search_{name} AFTER {when} ON status_search BEGIN {does} END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE status_tokens")
    op.drop_table("status_search")
