"""An SSO over real parts for each test: Valkey, and SQLite or MariaDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.sso.house import House

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def house(tmp_path: Path, valkey_url: str) -> House:
    """An SSO over SQLite."""
    return House(f"sqlite:///{tmp_path / 'sso.sqlite3'}", valkey_url)


@pytest.fixture
def either_house(database_url: str, valkey_url: str) -> House:
    """An SSO over SQLite and over MariaDB in turn."""
    return House(database_url, valkey_url)
