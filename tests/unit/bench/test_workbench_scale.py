"""The workbench asks its database the same number of questions however much is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.workbench_scale import Cost, asked, build, load, table
from workbench.database import db

if TYPE_CHECKING:
    from pathlib import Path

_DOCUMENTS = 1500
_A_PROJECT = 100
_SEARCH_STATEMENTS = 9


def costs(folder: Path, documents: int) -> dict[str, dict[str, Cost]]:
    """Return what each list and search costs the owner, and somebody of ten projects."""
    folder.mkdir()
    app, caller = build(f"sqlite:///{folder / 'room.sqlite3'}", folder)
    with app.app_context():
        people = load(documents, a_project=_A_PROJECT)
    found = {name: asked(app, caller, person, rounds=1) for name, person in people.items()}
    with app.app_context():
        db.engine.dispose()
    return found


def test_lists_and_searches_ask_the_same_however_much_there_is(tmp_path: Path) -> None:
    """Ten documents or fifteen hundred: as many statements for a list, a few for a search."""
    few, many = costs(tmp_path / "few", 10), costs(tmp_path / "many", _DOCUMENTS)
    for who in ("owner", "max"):
        for name, cost in many[who].items():
            if name.startswith("search"):
                assert cost.statements <= _SEARCH_STATEMENTS, (who, name)
            else:
                assert cost.statements == few[who][name].statements, (who, name)
    assert len(table(few["max"], many)) == len(few["max"]) + 1
