"""Databases brought up to date before anything needs them; not asked again while nothing changed.

A look at a database costs a whole Python with SQLAlchemy in it. For the embedded files we remember
which migrations the file at hand has seen; an operator's own database is asked at every start.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from launcher.commands import ROOT, Command
from launcher.folder import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from launcher.folder import Folder
    from launcher.plan import Party
    from launcher.signals import Signals

_SEEN = ("run", "migrated.json")


def migrate(
    parties: Iterable[Party],
    folder: Folder,
    environ_of: Callable[[Party], Mapping[str, str]],
    signals: Signals,
) -> None:
    """Bring the databases of *parties* up to date, all at once.

    Raises:
        CannotStart: a database cannot be had or migrated.
        StopAsked: somebody asked to stop.
    """
    seen = folder.read_json(*_SEEN)
    waiting = [party for party in parties if not _is_up_to_date(party, folder, seen)]
    commands = [Command([party.name, "migrate"], environ_of(party)) for party in waiting]
    for command in commands:
        command.finish(signals)
    if waiting:
        seen |= {party.name: _state(party, folder) for party in waiting}
        write_private(folder.below(_SEEN[0]) / _SEEN[1], json.dumps(seen))


def _is_up_to_date(party: Party, folder: Folder, seen: Mapping[str, object]) -> bool:
    state = _state(party, folder)
    return state is not None and seen.get(party.name) == state


def _state(party: Party, folder: Folder) -> list[object] | None:
    """Return what tells one state from another; None for a database that is not ours to judge."""
    file = folder.path / f"{party.name}.sqlite3"
    if party.given("database_url") is not None or not file.exists():
        return None
    scripts = hashlib.sha256()
    for script in sorted((ROOT / party.name / "migrations").rglob("*.py")):
        scripts.update(script.read_bytes())
    # Another inode is another file: a backup, perhaps an older one, took its place.
    return [file.stat().st_ino, scripts.hexdigest()]
