"""What lists cost over a full database, beside an empty one: statements, and time as a ratio.

`python -m bench.scale --events 1000000 --database-url mysql+pymysql://…` on an empty database.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from flask_migrate import upgrade
from sqlalchemy import event

from bench.scale_load import Size, load
from workbench.database import db
from workbench.demo.own_key import OwnKey
from workbench.factory import MIGRATIONS, build_app
from workbench.paging import cursor_of
from workbench.settings import Settings

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Connection

_ROUNDS = 15
_TALK = ("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")
# What is asked, by whom: person 1 sees little of what there is, person 2 all of one team.
QUESTIONS = {
    "feed, a member without projects": (1, "/feed"),
    "feed, a team's owner": (2, "/feed"),
    "feed, the oldest page": (2, "/feed?after={old}"),
    "feed, one person's": (2, "/feed?person={person}"),
    "feed, one group's": (2, "/feed?team={team}&group={group}"),
    "feed, one project's": (2, "/feed?project={project}"),
    "feed, 200 events": (2, "/feed?limit=200"),
    "inbox": (2, "/notifications"),
    "inbox, how many unread": (2, "/notifications/unread"),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one question: how many statements, the median of milliseconds, how many rows came."""

    statements: int
    ms: float
    items: int


class Scale:
    """A workbench over one database, asked by people who are in it."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._key = settings, OwnKey()
        self.app: Flask = build_app(settings, keys=self._key)
        self.names: dict[str, str] = {}

    def migrate(self) -> None:
        """Bring the database to the schema."""
        with self.app.app_context():
            upgrade(directory=str(MIGRATIONS))

    def fill(self, size: Size) -> None:
        """Load *size* into the database, and let it look at what it has."""
        with self.app.app_context():
            load(db.engine, size, issuer=self._settings.issuer)
            with db.engine.begin() as connection:
                tables = "events, notifications"
                if db.engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("ANALYZE")
                else:
                    connection.exec_driver_sql(f"ANALYZE TABLE {tables}").all()
                for name, table in (("team", "teams"), ("group", "team_groups")):
                    self.names[name] = _first_id(connection, table, 1)
                self.names["project"] = _first_id(connection, "projects", 1)
                self.names["person"] = _first_id(connection, "users", 3)
        # Near the end of the list, however long that is.
        self.names["old"] = cursor_of(min(5000, size.events))

    def cost(self, who: int, path: str, rounds: int = 1) -> Cost:
        """Return what *path* costs when person *who* asks."""
        headers = self._key.headers(
            self._settings, f"p{who}", name=f"P{who}", username=f"p{who}", email="p@example.com"
        )
        client, times, statements = self.app.test_client(), [], []

        def count(_c: object, _k: object, statement: str, *_: object) -> None:
            if not statement.startswith(_TALK):
                statements.append(statement)

        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", count)
        try:
            for _ in range(rounds):
                statements.clear()
                began = time.perf_counter()
                answer = client.get(path.format(**self.names), headers=headers)
                times.append((time.perf_counter() - began) * 1000)
                assert answer.status_code == 200, answer.text
        finally:
            event.remove(engine, "before_cursor_execute", count)
        items = len((answer.json or {}).get("items", ()))
        return Cost(len(statements), statistics.median(times), items)

    def close(self) -> None:
        """Give the connections back."""
        with self.app.app_context():
            db.engine.dispose()


def _first_id(connection: Connection, table: str, pk: int) -> str:
    found = connection.exec_driver_sql(f"SELECT id FROM {table} WHERE pk = {pk}")
    return str(found.scalar_one())


def main() -> None:
    """Load, measure, print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--database-url", required=True, help="An empty database.")
    parser.add_argument("--empty-url", required=True, help="Another one, which stays small.")
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    costs = []
    for url, events in ((wanted.empty_url, 200), (wanted.database_url, wanted.events)):
        scale = Scale(Settings(database_url=url))
        scale.migrate()
        began = time.perf_counter()
        scale.fill(Size(events))
        print(f"{events:,} events loaded in {time.perf_counter() - began:.0f} s")
        costs.append({name: scale.cost(*asked, _ROUNDS) for name, asked in QUESTIONS.items()})
        scale.close()
    print("\n| Asked | Statements | Small, ms | Full, ms | Ratio |\n|---|---|---|---|---|")
    for name in QUESTIONS:
        small, full = costs[0][name], costs[1][name]
        ratio = full.ms / small.ms
        print(f"| {name} | {full.statements} | {small.ms:.1f} | {full.ms:.1f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
