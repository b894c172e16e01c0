"""The room's tables. A dissolved team keeps its rows: what was made in it is archived."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from workbench.database import Base
from workbench.kit.clock import utc_now
from workbench.kit.ids import ID_LENGTH, ids_of

NAME_LENGTH = 80
DESCRIPTION_LENGTH = 500
MESSAGE_LENGTH = 500
_DIGEST_LENGTH = 64
_KIND_LENGTH = 16
_PK = BigInteger().with_variant(Integer, "sqlite")


class Role(StrEnum):
    """What a member is in one team."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class State(StrEnum):
    """What became of an application. `CLOSED`: joined otherwise, or the team is no more."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class Team(Base):
    """A team.

    Attributes:
        listed: whether strangers find it in the directory and may apply.
        archived_at: when it was dissolved; nobody sees it from then on.
    """

    __tablename__ = "teams"
    __table_args__ = (Index("ix_teams_directory", "listed", "archived_at", "pk"),)

    pk: Mapped[int] = mapped_column(_PK, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("t"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH), default="")
    listed: Mapped[bool] = mapped_column(Boolean, default=True)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    archived_at: Mapped[datetime | None] = mapped_column(DateTime)


class Group(Base):
    """A part of a team, such as its front end.

    Attributes:
        position: their order in the team.
        deleted_at: set when it is no more; its name stays for what was done in it.
    """

    __tablename__ = "team_groups"
    __table_args__ = (Index("ix_team_groups_team", "team_pk", "position"),)

    pk: Mapped[int] = mapped_column(_PK, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("g"))
    team_pk: Mapped[int] = mapped_column(ForeignKey("teams.pk"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    position: Mapped[int] = mapped_column(Integer)
    version: Mapped[int] = mapped_column(Integer, default=1)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime)


class Member(Base):
    """Somebody in a team."""

    __tablename__ = "team_members"
    __table_args__ = (
        UniqueConstraint("team_pk", "user_pk", name="uq_team_members_person"),
        Index("ix_team_members_user", "user_pk", "team_pk"),
        Index("ix_team_members_group", "group_pk"),
    )

    pk: Mapped[int] = mapped_column(_PK, primary_key=True, autoincrement=True)
    team_pk: Mapped[int] = mapped_column(ForeignKey("teams.pk"))
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk"))
    role: Mapped[str] = mapped_column(String(_KIND_LENGTH))
    group_pk: Mapped[int | None] = mapped_column(ForeignKey("team_groups.pk"))
    joined_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class Application(Base):
    """Somebody's wish to join.

    Attributes:
        open_mark: 1 while open, then null: at most one open application a person and team.
        decided_by: who approved or refused it.
    """

    __tablename__ = "team_applications"
    __table_args__ = (
        UniqueConstraint("team_pk", "user_pk", "open_mark", name="uq_team_applications_open"),
        Index("ix_team_applications_state", "team_pk", "state", "pk"),
        Index("ix_team_applications_user", "user_pk", "pk"),
    )

    pk: Mapped[int] = mapped_column(_PK, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("a"))
    team_pk: Mapped[int] = mapped_column(ForeignKey("teams.pk"))
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk"))
    group_pk: Mapped[int | None] = mapped_column(ForeignKey("team_groups.pk", ondelete="SET NULL"))
    message: Mapped[str] = mapped_column(String(MESSAGE_LENGTH))
    state: Mapped[str] = mapped_column(String(_KIND_LENGTH), default=State.OPEN)
    open_mark: Mapped[int | None] = mapped_column(Integer, default=1)
    reason: Mapped[str | None] = mapped_column(String(MESSAGE_LENGTH))
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.pk"))


class Invitation(Base):
    """A link that lets people join; of its code only the digest is kept."""

    __tablename__ = "team_invitations"
    __table_args__ = (Index("ix_team_invitations_team", "team_pk", "pk"),)

    pk: Mapped[int] = mapped_column(_PK, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=ids_of("i"))
    team_pk: Mapped[int] = mapped_column(ForeignKey("teams.pk"))
    digest: Mapped[str] = mapped_column(String(_DIGEST_LENGTH), unique=True)
    role: Mapped[str] = mapped_column(String(_KIND_LENGTH))
    group_pk: Mapped[int | None] = mapped_column(ForeignKey("team_groups.pk", ondelete="SET NULL"))
    uses: Mapped[int] = mapped_column(Integer)
    used: Mapped[int] = mapped_column(Integer, default=0)
    created_by: Mapped[int] = mapped_column(ForeignKey("users.pk"))
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(DateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime)
