"""Migrations run when something changed, and only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from launcher import migrations
from launcher.folder import Folder
from launcher.plan import read_plan
from launcher.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class _Recorder:
    """Stands in for a command: makes the database, as the real one does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []

    def __call__(self, arguments: Sequence[str], environ: Mapping[str, str]) -> _Recorder:
        """Note the command."""
        del environ
        self.asked.append(" ".join(arguments))
        (self.root / "var" / f"{arguments[0]}.sqlite3").touch()
        return self

    def finish(self, signals: Signals) -> str:
        """Be done."""
        del signals
        return ""


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Recorder:
    """The commands that were run, over migration scripts that a test may change."""
    for party in ("sso", "workbench"):
        (tmp_path / party / "migrations").mkdir(parents=True)
        (tmp_path / party / "migrations" / "0001.py").write_text("one")
    recorder = _Recorder(tmp_path)
    monkeypatch.setattr(migrations, "ROOT", tmp_path)
    monkeypatch.setattr(migrations, "Command", recorder)
    return recorder


def _start(root: Path, environ: dict[str, str] | None = None) -> None:
    plan = read_plan(None, environ or {})
    with Folder(root / "var") as folder:
        migrations.migrate((plan.sso, plan.workbench), folder, lambda _: {}, Signals())


def test_an_unchanged_database_is_not_asked_again(recorder: _Recorder, tmp_path: Path) -> None:
    """The second start has nothing to migrate."""
    _start(tmp_path)
    _start(tmp_path)
    assert recorder.asked == ["sso migrate", "workbench migrate"]


def test_a_new_script_is_applied(recorder: _Recorder, tmp_path: Path) -> None:
    """A new version brings a script: that party's database is migrated."""
    _start(tmp_path)
    (tmp_path / "sso" / "migrations" / "0002.py").write_text("two")
    _start(tmp_path)
    assert recorder.asked[2:] == ["sso migrate"]


def test_another_file_is_migrated(recorder: _Recorder, tmp_path: Path) -> None:
    """A backup in the place of the database may be older."""
    _start(tmp_path)
    backup = tmp_path / "backup"
    backup.touch()
    backup.replace(tmp_path / "var" / "workbench.sqlite3")
    _start(tmp_path)
    assert recorder.asked[2:] == ["workbench migrate"]


def test_an_operators_own_database_is_always_asked(recorder: _Recorder, tmp_path: Path) -> None:
    """What is not ours may have been changed by others."""
    environ = {"SSO_DATABASE_URL": "mysql+pymysql://u@h/d"}
    _start(tmp_path, environ)
    _start(tmp_path, environ)
    assert recorder.asked == ["sso migrate", "workbench migrate", "sso migrate"]
