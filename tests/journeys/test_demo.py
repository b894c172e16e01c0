"""One command makes people and a team, and anybody may try them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.house import House, environ_of
from tests.support.programs import ROOT
from tests.support.visitor import Person, Visitor

if TYPE_CHECKING:
    from pathlib import Path


def _demo(house: House) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "demo"],
        env=environ_of(house),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_demo_people_sign_in_and_find_their_team(tmp_path: Path) -> None:
    """Not before there is a house; then beside it, while it runs."""
    house = House(tmp_path / "house")
    early = _demo(house)
    assert early.returncode == 1
    assert "start it with `python app.py` first" in early.stderr
    house.start()
    try:
        done = _demo(house)
        assert done.returncode == 0, done.stderr
        file = next((tmp_path / "house").rglob("demo.json"))
        assert file.stat().st_mode & 0o077 == 0
        accounts = json.loads(file.read_text("utf-8"))
        assert all(account["password"] in done.stdout for account in accounts)
        lin = accounts[0]
        visitor = Visitor(house.url, Person(lin["username"], lin["password"], lin["email"]))
        visitor.sign_in()
        [team] = visitor.api("/teams").json()["items"]
        assert len(visitor.api(f"/teams/{team['id']}/statuses").json()["items"]) > 5
    finally:
        house.program.stop()
