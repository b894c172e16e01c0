"""The tables `statuses`, `status_likes` and `status_comments`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, String, Text
from sqlalchemy.dialects.mysql import MEDIUMTEXT
from sqlalchemy.orm import Mapped, mapped_column

from workbench.database import Base
from workbench.kit.clock import utc_now
from workbench.kit.ids import ID_LENGTH, ids_of

TITLE_LENGTH = 200
BODY_LENGTH = 20_000
PART_LENGTH = 4000
COMMENT_LENGTH = 4000

_Big = BigInteger().with_variant(Integer, "sqlite")
_LongText = Text().with_variant(MEDIUMTEXT(), "mysql")
# Compared byte by byte, as SQLite does by itself.
_Folded = Text().with_variant(MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql")
_Tokens = Text().with_variant(MEDIUMTEXT(charset="ascii", collation="ascii_general_ci"), "mysql")


class Status(Base):
    """A post.

    Attributes:
        group_pk: the group that it is about, if any.
        done: what was done, Markdown.
        problems: what is in the way, Markdown.
        next: what comes next, Markdown.
        likes: how many people like it.
        comments: how many comments there are, deleted ones left out.
    """

    __tablename__ = "statuses"
    __table_args__ = (
        Index("ix_statuses_team", "team_pk", "pk"),
        Index("ix_statuses_group", "team_pk", "group_pk", "pk"),
        Index("ix_statuses_author", "team_pk", "author_pk", "pk"),
        Index("ix_statuses_created", "team_pk", "created_at", "pk"),
    )

    pk: Mapped[int] = mapped_column(_Big, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("s"))
    team_pk: Mapped[int] = mapped_column(BigInteger)
    group_pk: Mapped[int | None] = mapped_column(BigInteger)
    author_pk: Mapped[int] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    body: Mapped[str] = mapped_column(_LongText)
    done: Mapped[str | None] = mapped_column(Text)
    problems: Mapped[str | None] = mapped_column(Text)
    next: Mapped[str | None] = mapped_column(Text)
    likes: Mapped[int] = mapped_column(Integer, default=0)
    comments: Mapped[int] = mapped_column(Integer, default=0)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    edited_at: Mapped[datetime | None] = mapped_column(DateTime)


class Like(Base):
    """One person who likes one post."""

    __tablename__ = "status_likes"

    status_pk: Mapped[int] = mapped_column(
        ForeignKey("statuses.pk", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    user_pk: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class Comment(Base):
    """A comment on a post, or a reply to one; a deleted one stays as a stub without its words."""

    __tablename__ = "status_comments"
    __table_args__ = (Index("ix_status_comments_status", "status_pk", "pk"),)

    pk: Mapped[int] = mapped_column(_Big, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("sc"))
    status_pk: Mapped[int] = mapped_column(ForeignKey("statuses.pk", ondelete="CASCADE"))
    reply_to_pk: Mapped[int | None] = mapped_column(BigInteger)
    author_pk: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    edited_at: Mapped[datetime | None] = mapped_column(DateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime)


class SearchEntry(Base):
    """What a search sees of a post; `tokens` has a full-text index (see the migration)."""

    __tablename__ = "status_search"

    status_pk: Mapped[int] = mapped_column(
        ForeignKey("statuses.pk", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    words: Mapped[str] = mapped_column(_Folded)
    tokens: Mapped[str] = mapped_column(_Tokens)
