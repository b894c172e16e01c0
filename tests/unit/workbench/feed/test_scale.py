"""Many events: a page costs what it shows. The long form is `python -m bench.scale`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bench.scale import QUESTIONS, Scale
from bench.scale_load import Size
from workbench.database import db

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.settings import Settings

EVENTS = int(os.environ.get("CLOAKROOM_EVENTS", "10000"))
STATEMENTS_MOST = 12
# Each row of a page: an index entry in each of a dozen channels, and its way through the sorting.
ROWS_A_ROW = 40
ROWS_BESIDES = 500


@pytest.fixture
def scale(settings: Settings) -> Iterator[Scale]:
    """A workbench over many events."""
    scale = Scale(settings)
    scale.fill(Size(EVENTS, teams=1))
    yield scale
    scale.close()


def test_pages_cost_what_they_show(scale: Scale) -> None:
    """A fixed number of statements each; on MariaDB, where one can ask, few rows are touched."""
    for name, (who, path) in QUESTIONS.items():
        cost = scale.cost(who, path)
        assert cost.statements <= STATEMENTS_MOST, name
        assert cost.items == (200 if "200" in name else 50 if "how many" not in name else 0), name
        if is_mariadb(scale):
            most = ROWS_BESIDES + ROWS_A_ROW * max(cost.items, 50)
            assert rows_touched(scale, who, path) <= most < EVENTS, name


def is_mariadb(scale: Scale) -> bool:
    """Return whether rows can be counted."""
    with scale.app.app_context():
        return db.engine.dialect.name != "sqlite"


def rows_touched(scale: Scale, who: int, path: str) -> int:
    """Return how many rows and index entries the server read for one answer."""

    def read_so_far() -> int:
        with scale.app.app_context(), db.engine.connect() as connection:
            rows = connection.exec_driver_sql("SHOW GLOBAL STATUS LIKE 'Handler_read%%'").all()
            return sum(int(row[1]) for row in rows)

    first, before = read_so_far(), read_so_far()  # asking reads as well
    scale.cost(who, path)
    return read_so_far() - before - (before - first)
