"""The database handle, and the edge where its outages become ours.

MariaDB and MySQL through PyMySQL; SQLite as the embedded default, where several processes may
share one file.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, String, event, text
from sqlalchemy.dialects.mysql import VARBINARY
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from httpkit.health import NotReady
from workbench.problems import STORAGE_UNAVAILABLE, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from sqlalchemy.engine import Dialect

_CONNECT_TIMEOUT_S = 3
_STATEMENT_TIMEOUT_S = 10
_BUSY_TIMEOUT_MS = 5000
# The execution option of a transaction that will write; see `workbench.kit.transactions`.
WRITING = "writing"


class Base(DeclarativeBase):
    """Parent of every table of the workbench."""


# A change answers with what it wrote; the next one begins with a rollback, which forgets it all.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


class ExactText(TypeDecorator[str]):
    """Text that is equal only to itself.

    A MySQL collation takes `Ann` for `ann` and `a` for `a` with a space behind; in a pair that
    names a person either would hand one person's entry to another.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        """Hold at most *length* bytes."""
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return bytes on MySQL and MariaDB; SQLite compares text exactly by itself."""
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(VARBINARY(self.length))
        return dialect.type_descriptor(String(self.length))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ANN401 - text or bytes, by backend
        """Return what the driver is given."""
        if value is None or dialect.name == "sqlite":
            return value
        return value.encode()

    def process_result_value(self, value: str | bytes | None, dialect: Dialect) -> str | None:
        """Return the text."""
        del dialect
        return value.decode() if isinstance(value, bytes) else value


def _engine_options(database_url: str, connections: int) -> dict[str, Any]:
    """Return pool and driver options for *database_url*: no wait without an end."""
    pool = {"pool_size": connections, "max_overflow": 0, "pool_timeout": _CONNECT_TIMEOUT_S}
    if make_url(database_url).get_backend_name() == "sqlite":
        return pool | {"connect_args": {"timeout": _BUSY_TIMEOUT_MS / 1000}}
    return pool | {
        "pool_pre_ping": True,
        "pool_recycle": 1800,
        # Each statement sees what is committed, so the loser of a race finds what the winner
        # wrote; and without gap locks two changes of different rows cannot deadlock.
        "isolation_level": "READ COMMITTED",
        "connect_args": {
            "charset": "utf8mb4",
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "read_timeout": _STATEMENT_TIMEOUT_S,
            "write_timeout": _STATEMENT_TIMEOUT_S,
        },
    }


@contextmanager
def outages_named() -> Iterator[None]:
    """Turn a database that gives no answer into `Unavailable`; everything else passes as it is.

    Raises:
        Unavailable: ``storage_unavailable``; the transaction was rolled back.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        start_over()
        raise Unavailable(STORAGE_UNAVAILABLE, hint=type(error).__name__) from error
    except DBAPIError as error:
        start_over()
        if not error.connection_invalidated:
            raise
        raise Unavailable(STORAGE_UNAVAILABLE, hint=type(error).__name__) from error


def start_over() -> None:
    """End the transaction at hand; where its connection was lost, which cannot be told, drop it."""
    try:
        db.session.rollback()
    except DBAPIError:
        db.session().invalidate()


def require_schema() -> None:
    """Pass when the database answers and its tables are there.

    Raises:
        NotReady: with the reason in words.
    """
    try:
        db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    except SQLAlchemyError:
        raise NotReady("the database does not answer, or `workbench migrate` has not run") from None
    finally:
        db.session.remove()


def install_database(app: Flask, database_url: str, *, connections: int = 16) -> None:
    """Bind *app* to *database_url*; nothing is connected to yet.

    *connections* at most are open at once: as many as there are threads to use them.
    """
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(database_url, connections)
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "connect", _tune_sqlite)
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "begin", _begin_sqlite)


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer may fail at once, whatever the busy timeout: a transaction that
    # will write takes the lock first.
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _tune_sqlite(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # we say BEGIN ourselves, above
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")  # readers and a writer side by side
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()
