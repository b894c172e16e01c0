"""A team to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.workbench.crew import Crew, founded
from workbench.feed import stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient

    from tests.unit.workbench.conftest import Someone
    from tests.unit.workbench.feed.reader import Reader


@pytest.fixture
def crew(api: FlaskClient, person: Callable[[str], Someone]) -> Crew:
    """A team that olga owns."""
    return founded(api.application, person)


@pytest.fixture
def readers(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Reader]]:
    """Open streams; whatever is put in here is closed, and the hub ended, before the database."""
    monkeypatch.setattr(stream, "PING_S", 0.05)
    found: list[Reader] = []
    yield found
    for reader in found:
        reader.close()
    crew.app.extensions["leaving"]()
    hub = crew.app.extensions["feed"]
    assert hub.wait_until_idle(30)
