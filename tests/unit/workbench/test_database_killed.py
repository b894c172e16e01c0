"""The database is killed in the middle of many concurrent writes, and comes back.

`KILL_WRITES` makes it longer (1000 is the full form).
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from flask_migrate import upgrade
from sqlalchemy import select

from tests.support.mariadb import MariaDb
from tests.unit.workbench.conftest import ALL_SCOPES, Someone, bearer
from workbench.database import db
from workbench.factory import MIGRATIONS, build_app
from workbench.journal import Event, Verb, reading
from workbench.settings import Settings
from workbench.teams.model import Member, Team

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from tests.unit.workbench.conftest import Issuer

WRITES = int(os.environ.get("KILL_WRITES", "120"))
WRITERS = 16
PATIENCE_S = 100


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MariaDb]:
    """A MariaDB of this test alone."""
    server = MariaDb(tmp_path / "mariadb")
    server.start()
    yield server
    server.program.stop()


@pytest.fixture
def app(server: MariaDb, issuer: Issuer) -> Iterator[Flask]:
    app = build_app(Settings(issuer=issuer.url, database_url=server.fresh_database()))
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
    yield app
    with app.app_context():
        db.engine.dispose()


class Writers:
    """People at buttons: each write is sent, under one key, until it is acknowledged."""

    def __init__(self, someone: Someone) -> None:
        self._someone = someone
        self._lock = threading.Lock()
        self.acknowledged: dict[str, str] = {}
        self.answers: Counter[int] = Counter()

    def write(self, number: int) -> None:
        """Found the team *number*; go on after every 503."""
        name = f"write {number}"
        give_up_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_at:
            answer = self._someone.post("/teams", {"name": name}, key=f"key-{number}")
            with self._lock:
                self.answers[answer.status_code] += 1
                if answer.status_code == 201 and answer.json is not None:
                    self.acknowledged[name] = answer.json["id"]
                    return
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) >= 1
            time.sleep(0.05)
        raise AssertionError(f"{name} was never acknowledged")

    def reach(self, count: int) -> None:
        """Return when *count* writes are acknowledged."""
        give_up_at = time.monotonic() + PATIENCE_S
        while len(self.acknowledged) < count:
            assert time.monotonic() < give_up_at
            time.sleep(0.005)


@pytest.mark.timeout(480)
def test_every_acknowledged_write_is_there_once(
    server: MariaDb, app: Flask, issuer: Issuer
) -> None:
    """With its event, its owner and the id that was told; nothing is there twice, nothing else."""
    token = issuer.token(sub="ann", name="ann", scope=ALL_SCOPES)
    writers = Writers(Someone(app.test_client(), bearer(token)))
    with ThreadPoolExecutor(WRITERS) as pool:
        written = [pool.submit(writers.write, number) for number in range(WRITES)]
        writers.reach(WRITES // 3)
        server.program.kill()
        server.start()
        for each in written:
            each.result()
    assert writers.answers[503] > 0
    with app.app_context():
        teams = sorted(db.session.execute(select(Team.name, Team.id)))
        events = db.session.scalars(
            select(Event.subject_id).where(Event.verb == Verb.TEAM_CREATED)
        ).all()
        owned = db.session.scalars(select(Team.id).join(Member, Member.team_pk == Team.pk)).all()
        assert len(teams) == WRITES
        assert [tuple(row) for row in teams] == sorted(writers.acknowledged.items())
        assert sorted(events) == sorted(owned) == sorted(writers.acknowledged.values())
        assert reading.head() == WRITES
