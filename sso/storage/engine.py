"""One engine a process, and transactions that are whole or nothing."""

from __future__ import annotations

import select
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from pymysql import MySQLError
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from httpkit.problems import Unavailable
from sso.problems import TEMPORARILY_UNAVAILABLE
from sso.storage.driver import DescribedConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.pool import ConnectionPoolEntry

T = TypeVar("T")

_DEADLOCK = 1213
_ATTEMPTS = 3
# A connection that died long ago is noticed at once; one that dies of a slow server is no reason to
# ask it for the same again.
_STALE_WITHIN_S = 2.0
# Whatever class the driver gives them: no such table (not migrated), and a write to a full disk.
_NOT_NOW = frozenset({1146, 3, 20})
# This server takes no writes (any more), or is on its way out: another one may be behind the name.
_ELSEWHERE = frozenset({1290, 1836, 1053, 1927})
_USED_AT = "used_at"
# So long no router between here and the server forgets an idle connection.
_TRUSTED_S = 30.0
_MYSQL_OPTIONS: dict[str, Any] = {
    "max_overflow": 0,
    "pool_timeout": 3,
    "pool_recycle": 1_800,
    # Reading needs no transaction: `_teach_mysql` begins one where something is written, and no
    # round trip is spent on ending what never began.
    "skip_autocommit_rollback": True,
    "connect_args": {
        "autocommit": True,
        "connect_timeout": 1,
        "read_timeout": 8,
        "write_timeout": 8,
        "charset": "utf8mb4",
        # The server itself ends what takes too long, so that nothing of it goes on behind our back.
        # MySQL has no such limit for what writes.
        "init_command": (
            "SET SESSION innodb_lock_wait_timeout=5"
            "/*M!100100 , max_statement_time=6 *//*!50708 , max_execution_time=6000 */"
        ),
    },
}
# For what an operator waits for: a migration may alter a table of any size.
_UNHURRIED = {"read_timeout": None, "write_timeout": None, "init_command": None}
_SQLITE_OPTIONS: dict[str, Any] = {
    "max_overflow": 0,
    "pool_timeout": 3,
    "connect_args": {"timeout": 5},
}

db = SQLAlchemy()


class Storage:
    """Reads and writes in transactions; an outage is `Unavailable`, never an empty answer."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(writing=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session over one snapshot; what it loads stays readable afterwards.

        Raises:
            Unavailable: the database did not answer.
        """
        with outages_named(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    def write(self, work: Callable[[Session], T]) -> T:
        """Return *work*'s result once it is committed; *work* may run again.

        So *work* touches nothing but the session. It runs again after a deadlock, and where the
        connection turned out to be dead before the commit was sent: then nothing was changed.
        Nothing is repeated after a lost commit: its outcome is unknown, and the caller's own retry
        finds it (A-27).

        Raises:
            Unavailable: the database did not answer, or stayed locked.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            started_at = time.monotonic()
            committing = False
            try:
                with (
                    outages_named(),
                    Session(self._writer, expire_on_commit=False) as session,
                    session.begin(),
                ):
                    result = work(session)
                    session.flush()
                    committing = True
            except Unavailable as outage:
                cause = outage.__cause__
                quick = time.monotonic() - started_at < _STALE_WITHIN_S
                stale = not committing and quick and _is_lost(cause)
                if attempt == _ATTEMPTS or not (stale or _is_deadlock(cause)):
                    raise
            else:
                return result
        raise AssertionError("unreachable: the last attempt returns or raises")

    def ping(self) -> None:
        """Return when the database answers.

        Raises:
            Unavailable: it does not.
        """
        with self.reading() as session:
            session.execute(text("SELECT 1"))


def open_storage(app: Flask, database_url: str, *, connections: int) -> Storage:
    """Bind *app* to the database and return its storage; nothing is asked of the server yet.

    *connections* at most are open at once: as many as there are threads to use them.
    """
    url = make_url(database_url)
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url
    options = _SQLITE_OPTIONS if sqlite else _MYSQL_OPTIONS
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {**options, "pool_size": connections}
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    if sqlite:
        _teach_sqlite(engine)
    else:
        _teach_mysql(engine)
        _watch_connections(engine)
    return Storage(engine)


@contextmanager
def unhurried(storage: Storage) -> Iterator[Engine]:
    """Give an engine for writing whose statements may take as long as they need."""
    if storage.engine.dialect.name == "sqlite":
        yield storage.engine.execution_options(writing=True)
        return
    options = {**_MYSQL_OPTIONS["connect_args"], **_UNHURRIED}
    engine = create_engine(
        storage.engine.url, poolclass=NullPool, skip_autocommit_rollback=True, connect_args=options
    )
    _teach_mysql(engine)
    _watch_connections(engine)
    try:
        yield engine.execution_options(writing=True)
    finally:
        engine.dispose()


@contextmanager
def outages_named() -> Iterator[None]:
    """Turn a database that cannot answer into `Unavailable`; faults of ours stay faults."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable(TEMPORARILY_UNAVAILABLE, hint="no database connection free") from error
    except OperationalError as error:
        raise Unavailable(TEMPORARILY_UNAVAILABLE, hint=_words(error)) from error
    except DBAPIError as error:
        if not (error.connection_invalidated or _code_of(error.orig) in _NOT_NOW):
            raise
        raise Unavailable(TEMPORARILY_UNAVAILABLE, hint=_words(error)) from error


def _words(error: DBAPIError) -> str:
    # The driver's own words without the statement: its parameters may be digests or names.
    return f"database: {type(error.orig).__name__} {str(error.orig)[:200]}"


def _is_lost(cause: BaseException | None) -> bool:
    return isinstance(cause, DBAPIError) and cause.connection_invalidated


def _is_deadlock(cause: BaseException | None) -> bool:
    return isinstance(cause, DBAPIError) and _code_of(cause.orig) == _DEADLOCK


def _code_of(error: BaseException | None) -> object:
    return error.args[0] if error is not None and error.args else None


def _teach_mysql(engine: Engine) -> None:
    """Let transactions begin where something is written; elsewhere each question is its own."""

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writing", False):
            connection.exec_driver_sql("BEGIN")

    @event.listens_for(engine, "rollback")
    def _rollback(connection: Connection) -> None:
        if connection.invalidated or not connection.get_execution_options().get("writing", False):
            return
        try:
            connection.connection.rollback()
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody must get this one again
            connection.invalidate(error)


def _watch_connections(engine: Engine) -> None:
    """Let the pool make connections as we want them, and let dead ones go unseen."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, _args: object, options: Any) -> Any:  # noqa: ANN401 - the driver's own
        return DescribedConnection(**options)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        with connection.cursor() as cursor:
            # Each statement sees what is committed, so the loser of a race finds what the winner
            # wrote; and without gap locks two refreshes of different tokens cannot deadlock.
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")

    @event.listens_for(engine, "handle_error")
    def _failed(context: ExceptionContext) -> None:
        # Drops every connection of before: after a failover each is to a server that was left.
        if _code_of(context.original_exception) in _ELSEWHERE:
            context.is_disconnect = True

    @event.listens_for(engine, "checkin")
    def _returned(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _taken(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:  # noqa: ANN401 - the driver's own
        idle_s = time.monotonic() - record.info.get(_USED_AT, time.monotonic())
        if _is_dead(connection, asking=idle_s > _TRUSTED_S):
            raise DisconnectionError("the server closed the connection")


def _is_dead(connection: Any, *, asking: bool) -> bool:  # noqa: ANN401 - the driver's own
    """Return whether the server has closed *connection*; *asking* costs a round trip.

    A server that goes or restarts closes the socket, and that is seen without a word to it. Only
    what sits between can forget a connection silently, after it was idle for long.
    """
    readable = select.poll()
    try:
        readable.register(connection._sock, select.POLLIN)  # noqa: SLF001 - PyMySQL has no word for it
        if readable.poll(0):
            return True
        if asking:
            connection.ping(reconnect=False)
    except (OSError, TypeError, ValueError, MySQLError):
        return True
    return False


def _teach_sqlite(engine: Engine) -> None:
    """Let readers and one writer, of any process, share the file without surprises."""

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        connection.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A reader that turns writer may fail at once, whatever the busy timeout: a transaction
        # that will write takes the lock first.
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
