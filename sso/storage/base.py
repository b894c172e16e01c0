"""The ground of every model: column types that mean the same on MariaDB, MySQL and SQLite."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from sqlalchemy import JSON, DateTime, MetaData, String, Table, Text, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, mapped_column

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

# Byte-wise comparison: MariaDB's default would find `Admin` under `admin` and `ádmin`.
TABLE_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant with microseconds; the column itself knows no zone."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of *dialect*."""
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base's signature
        """Return what is written."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base's signature
        """Return what was read."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The declarative base; every table is binary-collated InnoDB where it can be."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Instant(),
        list[str]: JSON(),
        dict[str, Any]: JSON(),
    }
    __table_args__ = TABLE_OPTIONS


def as_table(model: type[Base]) -> Table:
    """Return the table of *model*, for statements that load and keep no objects."""
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - no model here is of anything else
    return table


# 64 hexadecimal digits of SHA-256.
Digest = Annotated[str, mapped_column(String(64))]
# 32 hexadecimal digits: ids of our own (subjects, sessions, grants).
OwnId = Annotated[str, mapped_column(String(32))]
ClientId = Annotated[str, mapped_column(String(36))]
Name = Annotated[str, mapped_column(String(120))]
Words = Annotated[str, mapped_column(Text())]
Uri = Annotated[str, mapped_column(String(2000))]
