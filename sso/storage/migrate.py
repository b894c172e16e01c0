"""Bring a database to the schema that this code expects; two at once do it once."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from httpkit.problems import Unavailable
from sso.problems import TEMPORARILY_UNAVAILABLE
from sso.storage.engine import outages_named, unhurried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sso.storage.engine import Storage

_FOLDER = Path(__file__).resolve().parent.parent / "migrations"
_LOCK_WAIT_S = 60


def migrate(storage: Storage, target: str = "head") -> None:
    """Run every migration up to *target*; a second call finds nothing left to do.

    Raises:
        Unavailable: the database did not answer, or another migrator held it for a minute.
    """
    with _alone(storage) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, target)


def unmigrate(storage: Storage, target: str) -> None:
    """Run the migrations backwards down to *target* (a revision, or ``base``)."""
    with _alone(storage) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, target)


def is_current(storage: Storage) -> bool:
    """Return whether the database has the schema that this code expects.

    Raises:
        Unavailable: the database did not answer.
    """
    head = ScriptDirectory.from_config(_config()).get_current_head()
    with outages_named(), storage.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


@contextmanager
def _alone(storage: Storage) -> Iterator[Connection]:
    """Give a connection that no other migrator of this database has at the same time."""
    with outages_named(), unhurried(storage) as engine, engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # BEGIN IMMEDIATE is the lock, and SQLite's DDL is part of the transaction.
            with connection.begin():
                yield connection
            return
        # MariaDB commits at every DDL statement, so its own named lock stands guard.
        lock = {"name": f"sso.migrate.{storage.engine.url.database}"[:64], "wait": _LOCK_WAIT_S}
        if connection.scalar(text("SELECT GET_LOCK(:name, :wait)"), lock) != 1:
            raise Unavailable(TEMPORARILY_UNAVAILABLE, hint="another migration is running")
        try:
            yield connection
            connection.commit()
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), lock)
