"""Migrations: the same schema on both databases, and two starts at once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from tests.unit.workbench.users.test_metadata import chunk
from tests.unit.workbench.users.test_pictures import png
from workbench.database import db
from workbench.factory import MIGRATIONS, build_app
from workbench.settings import Settings
from workbench.statuses.model import SearchEntry
from workbench.users.model import Avatar, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.unit.workbench.conftest import Someone

_MIGRATE = "from workbench.cli import cli; cli(['migrate'])"


def test_models_and_migrations_agree(api: FlaskClient) -> None:
    """Autogenerate finds nothing to do."""
    with api.application.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_modelled})
        assert compare_metadata(context, db.metadata) == []


def _is_modelled(_thing: object, name: str | None, kind: str, *_: object) -> bool:
    """Full-text indexes are the migrations' own: no model can say what each database needs."""
    if kind == "table":
        return not (name or "").startswith(("search_tokens", "status_tokens"))
    return not (kind == "index" and (name or "").startswith("ft_"))


def test_every_migration_can_be_taken_back(api: FlaskClient) -> None:
    """Down to nothing and up again: the tables are there, and work."""
    with api.application.app_context():
        downgrade(directory=str(MIGRATIONS), revision="base")
        left = set(inspect(db.engine).get_table_names())
        assert left <= {"alembic_version", "sqlite_sequence"}
        upgrade(directory=str(MIGRATIONS))
    assert api.get("/readyz").status_code == 200


def test_what_was_there_before_is_brought_up_to_date(
    api: FlaskClient, person: Callable[[str], Someone]
) -> None:
    """Posts are found, usernames are known in any case, pictures tell nothing of their makers."""
    ann = person("Ann")
    team = ann.made("/teams", {"name": "t"})["id"]
    for title in ("旧的动态", "older"):
        ann.made(f"/teams/{team}/statuses", {"title": title, "done": "登录页"})
    sent = png()[:-12] + chunk(b"tEXt", b"GPS\0 31.2304N") + png()[-12:]
    with api.application.app_context():
        user = db.session.query(User).one()
        db.session.add(Avatar(user_pk=user.pk, media_type="image/png", content=sent))
        user.avatar = "0" * 64
        db.session.query(SearchEntry).filter(SearchEntry.status_pk == 1).delete()
        db.session.commit()
        downgrade(directory=str(MIGRATIONS), revision="0011")
        upgrade(directory=str(MIGRATIONS))
        user = db.session.query(User).one()
        assert (user.username, user.username_key) == ("Ann", "ann")
    address = f"/users/{ann.id}/avatar"
    shown = ann.get(address)
    assert shown.data == png()
    assert shown.get_etag()[0] == hashlib.sha256(png()).hexdigest()
    found = ann.get(f"/teams/{team}/statuses?q=旧的").json
    assert found is not None
    assert [item["title"] for item in found["items"]] == ["旧的动态"]
    both = ann.get(f"/teams/{team}/statuses?q=登录").json
    assert both is not None
    assert len(both["items"]) == 2


def test_two_migrations_at_once_make_one_schema(database_url: str) -> None:
    """Two nodes that start together both find a whole schema, and neither fails."""
    environ = {**os.environ, "WORKBENCH_DATABASE_URL": database_url}
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", _MIGRATE], env=environ, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for start in starts:
        _, said = start.communicate(timeout=150)
        assert start.returncode == 0, said
    app = build_app(Settings(database_url=database_url))
    assert app.test_client().get("/readyz").status_code == 200
    with app.app_context():
        db.engine.dispose()
