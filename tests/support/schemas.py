"""Migrated databases for tests, without migrating for each of them.

SQLite: one migrated file is copied. MariaDB: one migrated database is emptied; what the migrations
themselves put into it is put back.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_VERSION = "alembic_version"


class Schemas:
    """Databases with the schema that *migrate* makes, one kind at a time."""

    def __init__(self, folder: Path, migrate: Callable[[str], None]) -> None:
        """Keep SQLite's model in *folder*; *migrate* brings the database at an address up."""
        self._model = folder / "model.sqlite3"
        self._migrate = migrate
        self._mariadb: str | None = None
        self._first_rows: dict[str, list[dict[str, Any]]] = {}

    def sqlite(self, folder: Path) -> str:
        """Return the address of a fresh database in *folder*."""
        if not self._model.exists():
            self._migrate(f"sqlite:///{self._model}")
        file = folder / "room.sqlite3"
        shutil.copyfile(self._model, file)
        return f"sqlite:///{file}"

    def mariadb(self, make_empty: Callable[[], str]) -> str:
        """Return the address of the one database, as empty as it was after its migration."""
        if self._mariadb is None:
            self._mariadb = make_empty()
            self._migrate(self._mariadb)
            self._with_tables(self._remember)
        else:
            self._with_tables(self._empty)
        return self._mariadb

    def _with_tables(
        self, work: Callable[[sa.Connection, list[sa.TableClause[Any]]], None]
    ) -> None:
        assert self._mariadb is not None
        engine = sa.create_engine(self._mariadb, poolclass=sa.NullPool)
        with engine.begin() as connection:
            names = set(sa.inspect(connection).get_table_names()) - {_VERSION}
            work(connection, [sa.table(name) for name in sorted(names)])

    def _remember(self, connection: sa.Connection, tables: list[sa.TableClause[Any]]) -> None:
        for table in tables:
            rows = connection.execute(sa.select(sa.text("*")).select_from(table)).mappings()
            self._first_rows[table.name] = [dict(row) for row in rows]

    def _empty(self, connection: sa.Connection, tables: list[sa.TableClause[Any]]) -> None:
        connection.execute(sa.text("SET foreign_key_checks = 0"))
        for table in tables:
            connection.execute(sa.delete(table))
            for row in self._first_rows[table.name]:
                columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in row]
                connection.execute(sa.insert(sa.table(table.name, *columns)), row)
