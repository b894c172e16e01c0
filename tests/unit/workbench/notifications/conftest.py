"""A team whose members tell each other things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.workbench.crew import Crew, founded

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.unit.workbench.conftest import Someone


@pytest.fixture
def crew(api: FlaskClient, person: Callable[[str], Someone]) -> Crew:
    """A team that olga owns."""
    return founded(api.application, person)
