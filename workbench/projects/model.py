"""The room's tables: projects and their people, the tree, what hangs on it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import MEDIUMTEXT
from sqlalchemy.orm import Mapped, mapped_column

from workbench.database import Base, ExactText
from workbench.kit.clock import utc_now
from workbench.kit.ids import ID_LENGTH, ids_of
from workbench.projects.names import NAME_LENGTH
from workbench.projects.order_keys import LENGTH_MAX

DESCRIPTION_LENGTH = 2000
NOTE_LENGTH = 200
COMMENT_LENGTH = 4000
MEDIA_TYPE_LENGTH = 120
DIGEST_LENGTH = 64
KEY_LENGTH = 32

Big = BigInteger().with_variant(Integer, "sqlite")
LongText = Text().with_variant(MEDIUMTEXT(), "mysql")
# Compared byte by byte, as SQLite does by itself.
FoldedText = Text().with_variant(MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql")
Tokens = Text().with_variant(MEDIUMTEXT(charset="ascii", collation="ascii_general_ci"), "mysql")


class Project(Base):
    """A team's project.

    Attributes:
        version: of name and description.
        deleted_at: when somebody deleted it; it is kept for the time of the trash.
        erased_at: when somebody deleted it for good: nobody sees it, and `upkeep` takes it apart.
    """

    __tablename__ = "projects"
    __table_args__ = (Index("ix_projects_team", "team_pk", "pk"),)

    pk: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("p"))
    team_pk: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH), default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime, index=True)
    deleted_by: Mapped[int | None] = mapped_column(BigInteger)
    erased_at: Mapped[datetime | None] = mapped_column(DateTime, index=True)


class ProjectMember(Base):
    """A person in a project; it counts only as long as they are in the team."""

    __tablename__ = "project_members"
    __table_args__ = (
        UniqueConstraint("project_pk", "user_pk", name="uq_project_members_person"),
        Index("ix_project_members_user", "user_pk", "project_pk"),
    )

    pk: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    project_pk: Mapped[int] = mapped_column(ForeignKey("projects.pk", ondelete="CASCADE"))
    user_pk: Mapped[int] = mapped_column(BigInteger)
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class Node(Base):
    """A folder, document or file: one row of the project's one tree.

    Attributes:
        parent_pk: the folder it is in; null at the top.
        place: digest of folder and name (as people would take it); null in the trash. Unique, so
            that no two writers can put the same name into one folder.
        order_key: its place among its siblings (`order_keys`).
        version: of name and place.
        trash_pk: the trash entry that it went with; null while it is live.
        revision: of a document's text.
        size_bytes: of the text (UTF-8) or of the file.
        content_pk: the file's bytes.
    """

    __tablename__ = "nodes"
    __table_args__ = (
        Index("ix_nodes_siblings", "project_pk", "trash_pk", "parent_pk", "order_key"),
        Index("ix_nodes_newest", "project_pk", "trash_pk", "pk"),
        Index("ix_nodes_parent", "parent_pk"),
        Index("ix_nodes_trash", "trash_pk"),
    )

    pk: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("n"))
    project_pk: Mapped[int] = mapped_column(ForeignKey("projects.pk", ondelete="CASCADE"))
    parent_pk: Mapped[int | None] = mapped_column(ForeignKey("nodes.pk"))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    place: Mapped[str | None] = mapped_column(String(DIGEST_LENGTH), unique=True)
    order_key: Mapped[str] = mapped_column(ExactText(LENGTH_MAX))
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    updated_by: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    trash_pk: Mapped[int | None] = mapped_column(BigInteger)
    revision: Mapped[int | None] = mapped_column(Integer)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    media_type: Mapped[str | None] = mapped_column(String(MEDIA_TYPE_LENGTH))
    content_pk: Mapped[int | None] = mapped_column(BigInteger)


class TrashEntry(Base):
    """One deletion: a node and all that was in it."""

    __tablename__ = "trash"
    __table_args__ = (
        Index("ix_trash_project", "project_pk", "pk"),
        Index("ix_trash_trashed_at", "trashed_at"),
    )

    pk: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    project_pk: Mapped[int] = mapped_column(ForeignKey("projects.pk", ondelete="CASCADE"))
    node_pk: Mapped[int] = mapped_column(BigInteger, unique=True)
    items: Mapped[int] = mapped_column(Integer)
    trashed_by: Mapped[int] = mapped_column(BigInteger)
    trashed_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class Revision(Base):
    """A document's text as somebody saved it.

    Attributes:
        restored_from: the number of the revision that this one brought back.
    """

    __tablename__ = "document_revisions"
    __table_args__ = (UniqueConstraint("node_pk", "number", name="uq_document_revisions_number"),)

    pk: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    node_pk: Mapped[int] = mapped_column(ForeignKey("nodes.pk", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    body: Mapped[str] = mapped_column(LongText)
    size_bytes: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH), default="")
    restored_from: Mapped[int | None] = mapped_column(Integer)
    author_pk: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class Content(Base):
    """The bytes of a file: an upload until all are there, then what the file's node points at.

    Attributes:
        id: the upload's public id.
        node_pk: the file; null while bytes are missing.
        received_bytes: how many bytes are there; always at a chunk's end.
        declared_type: what the client says it is.
        sha256: of all the bytes, where the client told; checked before there is a file.
        touched_at: when the last bytes came.
    """

    __tablename__ = "contents"
    __table_args__ = (
        Index("ix_contents_open", "node_pk", "touched_at"),
        Index("ix_contents_project", "project_pk"),
    )

    pk: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("up"))
    project_pk: Mapped[int] = mapped_column(ForeignKey("projects.pk", ondelete="CASCADE"))
    parent_pk: Mapped[int | None] = mapped_column(BigInteger)
    node_pk: Mapped[int | None] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    declared_type: Mapped[str] = mapped_column(String(MEDIA_TYPE_LENGTH))
    media_type: Mapped[str | None] = mapped_column(String(MEDIA_TYPE_LENGTH))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    chunk_bytes: Mapped[int] = mapped_column(Integer)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str | None] = mapped_column(String(DIGEST_LENGTH))
    created_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    touched_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class Part(Base):
    """One blob of a content; all but the last are `chunk_bytes` long."""

    __tablename__ = "content_parts"
    __table_args__ = (UniqueConstraint("content_pk", "number", name="uq_content_parts_number"),)

    pk: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    content_pk: Mapped[int] = mapped_column(ForeignKey("contents.pk", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    key: Mapped[str] = mapped_column(String(KEY_LENGTH), unique=True)
    size_bytes: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(DIGEST_LENGTH))


class DoomedBlob(Base):
    """A blob that nothing points at any more; deleted from storage after the commit."""

    __tablename__ = "doomed_blobs"

    pk: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(KEY_LENGTH), unique=True)


class Comment(Base):
    """A comment on a document or file, or a reply to one.

    Attributes:
        thread_pk: the comment that this one answers; null for the first of a thread.
        replies: how many live replies there are; a deleted comment stays as a stub above them.
    """

    __tablename__ = "comments"
    __table_args__ = (
        Index("ix_comments_node", "node_pk", "thread_pk", "pk"),
        Index("ix_comments_thread", "thread_pk", "pk"),
    )

    pk: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("cm"))
    node_pk: Mapped[int] = mapped_column(ForeignKey("nodes.pk", ondelete="CASCADE"))
    thread_pk: Mapped[int | None] = mapped_column(BigInteger)
    replies: Mapped[int] = mapped_column(Integer, default=0)
    body: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1)
    author_pk: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    edited_at: Mapped[datetime | None] = mapped_column(DateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime)
    deleted_by: Mapped[int | None] = mapped_column(BigInteger)


class SearchEntry(Base):
    """What a search sees of a node; `tokens` has a full-text index (see the migration)."""

    __tablename__ = "search_entries"

    node_pk: Mapped[int] = mapped_column(
        ForeignKey("nodes.pk", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    title: Mapped[str] = mapped_column(FoldedText)
    body: Mapped[str] = mapped_column(FoldedText)
    tokens: Mapped[str] = mapped_column(Tokens)
