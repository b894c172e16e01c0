"""Migrations: forth to the models, back to nothing, step by step, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from sso.storage.migrate import _config, is_current, migrate, unmigrate
from sso.storage.models import Base

if TYPE_CHECKING:
    from tests.unit.sso.house import House


def test_the_schema_is_that_of_the_models(either_house: House) -> None:
    """No migration was forgotten; there is one newest of them."""
    with either_house.base.storage.engine.connect() as connection:
        # Types aside: MariaDB tells a short binary column as another type than it was made as.
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []
    assert len(ScriptDirectory.from_config(_config()).get_heads()) == 1


def test_each_step_goes_back_and_forth(either_house: House) -> None:
    """What a step made it takes away, and can make again."""
    storage = either_house.base.storage
    steps = [step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()]
    for revision in [*steps[1:], "base"]:
        unmigrate(storage, revision)
        assert not is_current(storage)
    assert set(inspect(storage.engine).get_table_names()) <= {"alembic_version"}
    for revision in reversed(steps):
        migrate(storage, revision)
    assert is_current(storage)
