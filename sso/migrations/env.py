"""Run one step of the schema's history on the connection that the caller holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from alembic import context

from sso.storage.base import Instant
from sso.storage.models import Base

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext


def _render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:  # noqa: ANN401 - Alembic's signature
    if kind == "type" and isinstance(item, Instant):
        autogen.imports.add("from sso.storage.base import Instant")
        return "Instant()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=_render,
    render_as_batch=True,
    transaction_per_migration=False,
)
# No transaction of Alembic's: the caller's holds the lock that keeps a second migrator waiting.
context.run_migrations()
