"""An SSO over real parts for each test: Valkey, and SQLite or MariaDB."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.unit.sso.house import House

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mariadb import MariaDb
    from tests.support.stores import Store


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, valkey: Store) -> Path:
    """A migrated SQLite file with keys and one account, to be copied."""
    file = tmp_path_factory.mktemp("sso") / "sso.sqlite3"
    house = House(f"sqlite:///{file}", valkey.url)
    house.close()
    return file


@pytest.fixture
def house(tmp_path: Path, valkey_url: str, furnished: Path) -> House:
    """An SSO over SQLite."""
    file = shutil.copy(furnished, tmp_path / "sso.sqlite3")
    return House(f"sqlite:///{file}", valkey_url, fresh=False)


@pytest.fixture(params=["sqlite", "mariadb"])
def either_house(request: pytest.FixtureRequest, valkey_url: str) -> House:
    """An SSO over SQLite and over MariaDB in turn."""
    if request.param == "sqlite":
        prepared: House = request.getfixturevalue("house")
        return prepared
    server: MariaDb = request.getfixturevalue("mariadb")
    return House(server.fresh_database(), valkey_url)
