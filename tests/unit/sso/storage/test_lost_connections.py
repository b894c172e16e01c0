"""Connections that the server closed: unseen where nothing was lost, never repeated after that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from pymysql.connections import MySQLResult
from pymysql.err import OperationalError as DriverError
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from httpkit.problems import Unavailable
from sso.storage.engine import Storage, open_storage, unhurried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from tests.support.mariadb import MariaDb


@pytest.fixture
def storage(mariadb: MariaDb) -> Iterator[Storage]:
    """A storage over MariaDB with one empty table."""
    opened = open_storage(Flask("storage"), mariadb.fresh_database(), connections=3)
    opened.write(lambda session: session.execute(text("CREATE TABLE notes (n INT)")))
    yield opened
    opened.engine.dispose()


def count(storage: Storage) -> int:
    """Return how many notes there are."""
    with storage.reading() as session:
        return int(session.scalar(text("SELECT COUNT(*) FROM notes")) or 0)


def note(session: Session) -> None:
    """Write one."""
    session.execute(text("INSERT INTO notes VALUES (1)"))


def own_id(session: Session) -> int:
    """Return the number under which the server knows the connection."""
    return int(session.scalar(text("SELECT CONNECTION_ID()")) or 0)


def kill(storage: Storage, number: int) -> None:
    """Let the server close a connection, as a restart or ``wait_timeout`` does."""
    with storage.engine.connect() as connection:
        connection.execute(text(f"KILL {number}"))


@pytest.mark.rule("F-17")
def test_a_connection_that_was_closed_while_idle_is_replaced_unseen(storage: Storage) -> None:
    """For reading and for writing; no answer is lost and none is doubled."""
    for act in (lambda: count(storage), lambda: storage.write(note)):
        with storage.reading() as session, storage.reading() as other:
            numbers = [own_id(session), own_id(other)]
        with storage.engine.connect() as last:
            mine = last.scalar(text("SELECT CONNECTION_ID()"))
            for number in {*numbers} - {mine}:
                last.execute(text(f"KILL {number}"))
        act()
    assert count(storage) == 1


@pytest.mark.rule("F-17")
def test_what_was_not_committed_is_written_again(storage: Storage) -> None:
    """The connection dies in the middle: nothing was changed, so the work runs once more."""
    runs: list[int] = []

    def work(session: Session) -> None:
        note(session)
        runs.append(own_id(session))
        if len(runs) == 1:
            kill(storage, runs[0])
        note(session)

    storage.write(work)
    assert len(runs) == 2
    assert count(storage) == 2


@pytest.mark.rule("F-18")
def test_a_lost_commit_is_never_repeated(storage: Storage) -> None:
    """Whether it took place nobody knows; the caller is told, and asks again in its own way."""
    runs: list[int] = []

    def work(session: Session) -> None:
        runs.append(own_id(session))
        note(session)
        event.listen(session, "before_commit", lambda _s: kill(storage, runs[0]), once=True)

    with pytest.raises(Unavailable):
        storage.write(work)
    assert len(runs) == 1
    assert count(storage) == 0


@pytest.mark.rule("F-16")
def test_a_deadlock_is_tried_again_three_times_in_all(storage: Storage) -> None:
    """The whole transaction; then somebody is told."""
    runs: list[int] = []

    def losing(session: Session, times: int) -> None:
        runs.append(1)
        note(session)
        if len(runs) <= times:
            raise OperationalError("x", {}, DriverError(1213, "Deadlock found"))

    storage.write(lambda session: losing(session, 2))
    assert (len(runs), count(storage)) == (3, 1)
    runs.clear()
    with pytest.raises(Unavailable):
        storage.write(lambda session: losing(session, 3))
    assert (len(runs), count(storage)) == (3, 1)


def test_a_migration_may_take_its_time(storage: Storage) -> None:
    """A large table is not altered within the seconds that a request has."""
    limit = text("SELECT @@max_statement_time")
    with storage.reading() as session:
        assert session.scalar(limit) == 6
    with unhurried(storage) as engine, engine.connect() as connection:
        assert connection.scalar(limit) == 0
        driver = connection.connection.dbapi_connection
        assert (driver._read_timeout, driver._write_timeout) == (None, None)  # type: ignore[union-attr]


def test_a_failure_of_ours_leaves_no_transaction_behind(storage: Storage) -> None:
    """What was written before it is gone, and the connection is as good as new."""

    def failing(session: Session) -> None:
        note(session)
        raise KeyError

    for _ in range(4):
        with pytest.raises(KeyError):
            storage.write(failing)
    assert count(storage) == 0
    storage.write(note)
    assert count(storage) == 1


def test_columns_are_known_again_and_never_mistaken(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers of other shapes on the same connection keep their own names and types."""
    parsed: list[int] = []
    ordinary = MySQLResult._get_descriptions  # type: ignore[attr-defined]

    def counting(result: Any) -> None:  # noqa: ANN401 - the driver's own
        parsed.append(result.field_count)
        ordinary(result)

    monkeypatch.setattr(MySQLResult, "_get_descriptions", counting)
    monkeypatch.setattr("sso.storage.driver._known", {})
    for _ in range(3):
        with storage.reading() as session:
            row = session.execute(text("SELECT 1 AS a, 'x' AS b, NOW(6) AS c, x'00ff' AS d")).one()
            other = session.execute(text("SELECT 'y' AS a, 2.5 AS b")).one()
            # As many columns as the one before, and the first of them the same.
            third = session.execute(text("SELECT 'y' AS a, 'z' AS b")).one()
        assert (row.a, row.b, row.d) == (1, "x", b"\x00\xff")
        assert row.c.year >= 2026
        assert (other.a, float(other.b)) == ("y", 2.5)
        assert tuple(third) == ("y", "z")
    assert sorted(parsed) == [2, 2, 4]


def test_an_answer_that_does_not_fit_the_buffer_is_read_all_the_same(storage: Storage) -> None:
    """Wide, long, or both; whether its columns are known or not."""
    names = ", ".join(f"{number} AS {'n' * 50}{number}" for number in range(300))
    for _ in range(3):
        with storage.reading() as session:
            wide = session.execute(text(f"SELECT {names}")).one()
            long_ = session.scalar(text("SELECT REPEAT('x', 100000)"))
        assert tuple(wide) == tuple(range(300))
        assert len(long_ or "") == 100_000
