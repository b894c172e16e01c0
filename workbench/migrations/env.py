"""Runs the migrations on the party's own engine, one runner at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection, text

from workbench.database import WRITING

_LOCK = "cloakroom-workbench-migrate"
_LOCK_WAIT_S = 60


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hold a lock that other nodes wait for: two starts at once must not both create a table."""
    if connection.dialect.name == "sqlite":
        # Before the transaction begins, which takes the lock.
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA busy_timeout = {_LOCK_WAIT_S * 1000}")
        connection.execution_options(**{WRITING: True})
        connection.begin()
        yield
        return
    if connection.scalar(text(f"SELECT GET_LOCK('{_LOCK}', {_LOCK_WAIT_S})")) != 1:
        raise RuntimeError("another migration of this database is still running")
    try:
        yield
    finally:
        connection.scalar(text(f"SELECT RELEASE_LOCK('{_LOCK}')"))


def run() -> None:
    """Apply what is missing."""
    database = current_app.extensions["migrate"].db
    with database.engine.connect() as connection, _alone(connection):
        context.configure(connection=connection, target_metadata=database.metadata)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
