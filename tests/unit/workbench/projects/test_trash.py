"""The trash: children follow, everything comes back, and at last it is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from click.testing import CliRunner

from tests.unit.workbench.projects.conftest import answered
from tests.unit.workbench.projects.test_uploads import begun
from workbench.cli import cli
from workbench.database import db
from workbench.factory import build_app
from workbench.kit.clock import utc_now
from workbench.notifications.model import Watch
from workbench.projects import upkeep
from workbench.projects.limits import Limits
from workbench.projects.model import (
    Comment,
    Content,
    Node,
    Project,
    Revision,
    SearchEntry,
    TrashEntry,
)
from workbench.projects.storage import storage_of
from workbench.projects.upkeep import Tidier, sweep

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.unit.workbench.projects.conftest import Office
    from workbench.settings import Settings


def throw_away(office: Office, node_id: str) -> None:
    """Let `max` put a node into the trash."""
    assert office["max"].call("DELETE", f"/nodes/{node_id}").status_code == 204


def trash(office: Office) -> list[str]:
    """Return the names in the trash, the newest first."""
    items = answered(office["rea"].get(f"/projects/{office.home['id']}/trash"))["items"]
    return [item["name"] for item in items]


def restored(office: Office, node_id: str) -> None:
    """Let `max` take a node back."""
    answered(office["max"].post(f"/nodes/{node_id}/restore"))


def test_what_is_in_a_folder_goes_and_comes_with_it(office: Office) -> None:
    """One entry that tells who, when and how much; nothing of it can be seen meanwhile."""
    office.document("before")
    folder = office.folder("folder")
    inside = office.document("inside", parent=folder["id"])
    office.document("behind")
    throw_away(office, folder["id"])
    assert office.tree() == ["before", "behind"]
    assert office["max"].get(f"/documents/{inside['id']}").status_code == 404
    entry = answered(office["rea"].get(f"/projects/{office.home['id']}/trash"))["items"][0]
    assert (entry["name"], entry["items"], entry["trashed_by"]["name"]) == ("folder", 1, "max")
    restored(office, folder["id"])
    assert office.tree() == ["before", "folder", " inside", "behind"]
    assert trash(office) == []


def test_what_was_thrown_away_first_stays_an_entry_of_its_own(office: Office) -> None:
    """It comes back to the nearest folder that is left, or to its own where that is there again."""
    outer = office.folder("outer")
    inner = office.folder("inner", outer["id"])
    node = office.document("node", parent=inner["id"])
    throw_away(office, node["id"])
    throw_away(office, inner["id"])
    assert trash(office) == ["inner", "node"]
    restored(office, node["id"])
    assert office.tree() == ["outer", " node"]
    throw_away(office, node["id"])
    throw_away(office, outer["id"])
    assert trash(office) == ["outer", "node", "inner"]
    restored(office, outer["id"])
    restored(office, inner["id"])
    restored(office, node["id"])
    assert office.tree() == ["outer", " inner", " node"]


def test_only_the_entry_itself_can_be_taken_back_or_erased(office: Office) -> None:
    """What went with its folder has no entry; what is live has none either."""
    folder = office.folder("folder")
    inside = office.document("inside", parent=folder["id"])
    assert office["lea"].call("DELETE", f"/trash/{folder['id']}").status_code == 404
    throw_away(office, folder["id"])
    assert office["max"].post(f"/nodes/{inside['id']}/restore").status_code == 404
    assert office["lea"].call("DELETE", f"/trash/{inside['id']}").status_code == 404
    assert office["max"].call("DELETE", f"/nodes/{folder['id']}").status_code == 404


def test_a_name_that_is_taken_by_now_gets_a_number(office: Office) -> None:
    """The other one keeps its name."""
    old = office.document("Plan.md")
    throw_away(office, old["id"])
    office.document("plan.md")
    restored(office, old["id"])
    assert sorted(office.tree()) == ["Plan (2).md", "plan.md"]


def test_nothing_is_put_into_a_folder_in_the_trash(office: Office) -> None:
    """Neither made there nor moved there."""
    folder = office.folder("folder")
    node = office.document("node")
    throw_away(office, folder["id"])
    path = f"/projects/{office.home['id']}/documents"
    body = {"title": "lost", "parent": folder["id"]}
    assert office["max"].post(path, body).status_code == 404
    change = {"parent": folder["id"]}
    answer = office["max"].call("PATCH", f"/nodes/{node['id']}", change, match='"v1"')
    assert answer.status_code == 404


def test_erased_is_gone_with_all_that_hung_on_it(office: Office) -> None:
    """Revisions, comments, what search saw; what was thrown away before stays."""
    folder = office.folder("folder")
    earlier = office.document("earlier", parent=folder["id"])
    throw_away(office, earlier["id"])
    node = office.document("node", body="text", parent=folder["id"])
    office["max"].made(f"/nodes/{node['id']}/comments", {"body": "hello"})
    throw_away(office, folder["id"])
    assert office["max"].call("DELETE", f"/trash/{folder['id']}").status_code == 403
    assert office["lea"].call("DELETE", f"/trash/{folder['id']}").status_code == 204
    assert trash(office) == ["earlier"]
    restored(office, earlier["id"])
    assert office.tree() == ["earlier"]
    with office.app.app_context():
        counts = [
            db.session.query(table).count()
            for table in (Node, Revision, Comment, SearchEntry, TrashEntry)
        ]
    assert counts == [1, 1, 0, 1, 0]


def test_retention_empties_the_trash(office: Office, settings: Settings) -> None:
    """What is older goes, what is younger stays; a deleted project goes as a whole."""
    old, young = office.document("old"), office.document("young")
    throw_away(office, old["id"])
    other = office["lea"].made(f"/teams/{office.team}/projects", {"name": "Other"})
    folder = office["lea"].made(f"/projects/{other['id']}/folders", {"name": "f"})
    body = {"title": "d", "parent": folder["id"]}
    office["lea"].made(f"/projects/{other['id']}/documents", body)
    assert office["lea"].call("DELETE", f"/projects/{other['id']}").status_code == 204
    limits, storage = Limits.of(settings), storage_of(settings)
    with office.app.app_context():
        assert sweep(storage, limits).entries == 0
        later = utc_now() + timedelta(seconds=limits.trash_retention_s + 1)
        throw_away(office, young["id"])
        db.session.query(TrashEntry).filter(TrashEntry.items == 0).update(
            {"trashed_at": later}, synchronize_session=False
        )
        first = db.session.query(TrashEntry).order_by(TrashEntry.pk).first()
        assert first is not None
        first.trashed_at = utc_now()
        db.session.commit()
        swept = sweep(storage, limits, now=lambda: later)
        assert (swept.entries, swept.projects) == (1, 1)
        assert sweep(storage, limits, now=lambda: later).entries == 0
    assert trash(office) == ["young"]
    assert office["lea"].post(f"/projects/{other['id']}/restore").status_code == 404


def test_a_project_erased_is_gone_at_once_with_all_it_held(office: Office) -> None:
    """Its tree, its trash, its uploads, its watches; the owner and the admins are told."""
    folder = office.folder("folder")
    office.document("in it", body="text", parent=folder["id"])
    throw_away(office, office.document("thrown away")["id"])
    begun(office, "half.bin", b"1234")
    home = f"/projects/{office.home['id']}"
    assert office["max"].call("PUT", f"/watches/project/{office.home['id']}").status_code == 204
    gone = f"/teams/{office.team}/projects/deleted/{office.home['id']}"
    assert office["lea"].call("DELETE", gone).status_code == 404  # it lives
    assert office["lea"].call("DELETE", home).status_code == 204
    elsewhere = office["lea"].made("/teams", {"name": "Elsewhere"})["id"]
    wrong = f"/teams/{elsewhere}/projects/deleted/{office.home['id']}"
    assert office["lea"].call("DELETE", wrong).status_code == 404
    assert office["lea"].call("DELETE", gone).status_code == 204
    for answer in (office["lea"].call("DELETE", gone), office["lea"].post(f"{home}/restore")):
        assert answer.status_code == 404
    path = f"/teams/{office.team}/projects/deleted"
    assert answered(office["abe"].get(path))["items"] == []
    with office.app.app_context():
        tables = (Project, Node, Revision, Content, TrashEntry, SearchEntry, Watch)
        assert [db.session.query(table).count() for table in tables] == [0] * len(tables)
    (told,) = [
        item
        for item in answered(office["abe"].get(f"/feed?team={office.team}"))["items"]
        if item["verb"] == "project.erased"
    ]
    assert (told["subject"]["title"], told["actor"]["id"]) == ("Home", office["lea"].id)
    verbs = {item["verb"] for item in answered(office["max"].get("/feed"))["items"]}
    assert "project.erased" not in verbs


def test_a_large_project_is_taken_apart_in_batches(
    office: Office, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders before what is in them, and nothing of it is seen in between."""
    monkeypatch.setattr(upkeep, "_NODES", 2)
    monkeypatch.setattr(upkeep, "_STEPS_AT_ONCE", 1)
    outer = office.folder("outer")
    inner = office.folder("inner", parent=outer["id"])
    for number in range(4):
        office.document(str(number), parent=inner["id"])
    gone = f"/teams/{office.team}/projects/deleted/{office.home['id']}"
    office["lea"].call("DELETE", f"/projects/{office.home['id']}")
    assert office["lea"].call("DELETE", gone).status_code == 204
    limits, storage = Limits.of(settings), storage_of(settings)
    with office.app.app_context():
        assert db.session.query(Node).count() == 4
        assert office["lea"].post(f"/projects/{office.home['id']}/restore").status_code == 404
        assert sweep(storage, limits).projects == 1
        assert (db.session.query(Node).count(), db.session.query(Project).count()) == (0, 0)


def test_what_comes_back_needs_room(office: Office, settings: Settings) -> None:
    """A project is not filled beyond its limit by way of the trash."""
    folder = office.folder("folder")
    office.document("inside", parent=folder["id"])
    throw_away(office, folder["id"])
    office.document("one")
    narrow = build_app(settings.model_copy(update={"project_nodes": 2}))
    refused = replace(office["max"], client=narrow.test_client()).post(
        f"/nodes/{folder['id']}/restore"
    )
    with narrow.app_context():
        db.engine.dispose()
    assert answered(refused, 409)["code"] == "limit_reached"
    assert trash(office) == ["folder"]
    restored(office, folder["id"])
    assert sorted(office.tree()) == [" inside", "folder", "one"]


def test_a_large_folder_goes_and_comes_in_batches(office: Office) -> None:
    """More than one statement can name."""
    size = 600
    folder = office.folder("folder")
    with office.app.app_context():
        parent = db.session.query(Node).one()
        db.session.add_all(
            Node(
                project_pk=parent.project_pk,
                parent_pk=parent.pk,
                kind="folder",
                name=str(number),
                order_key=f"{number:04}",
                created_by=1,
                updated_by=1,
            )
            for number in range(size)
        )
        db.session.commit()
    throw_away(office, folder["id"])
    assert office.tree() == []
    restored(office, folder["id"])
    assert len(office.tree()) == size + 1
    throw_away(office, folder["id"])
    assert office["lea"].call("DELETE", f"/trash/{folder['id']}").status_code == 204
    with office.app.app_context():
        assert db.session.query(Node).count() == db.session.query(Content).count() == 0


def test_the_house_tidies_up_beside_other_work(office: Office, settings: Settings) -> None:
    """Now and then, without a timer; and a silent storage is nobody's fault."""
    limits, storage = Limits.of(settings), storage_of(settings)
    times = iter([0.0, 0.0, 1.0, 700.0, 700.0])
    tidier = Tidier(storage, limits, clock=lambda: next(times))
    with office.app.app_context():
        throw_away(office, office.document("one")["id"])
        db.session.query(TrashEntry).update({"trashed_at": utc_now() - timedelta(days=31)})
        db.session.commit()
        tidier.now_and_then()
        assert trash(office) == []
        throw_away(office, office.document("two")["id"])
        db.session.query(TrashEntry).update({"trashed_at": utc_now() - timedelta(days=31)})
        db.session.commit()
        tidier.now_and_then()
        assert trash(office) == ["two"]
        tidier.now_and_then()
        assert trash(office) == []


def test_the_command_sweeps(office: Office, settings: Settings, tmp_path: Path) -> None:
    """As a timer would run it, beside the running house."""
    throw_away(office, office.document("old")["id"])
    config = tmp_path / "workbench.toml"
    config.write_text(
        f'database_url = "{settings.database_url}"\nfiles_url = "{settings.files_url}"\n'
        "trash_retention_s = 0\n"
    )
    with office.app.app_context():
        db.session.query(TrashEntry).update({"trashed_at": utc_now() - timedelta(minutes=1)})
        db.session.commit()
    done = CliRunner().invoke(cli, ["sweep", "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Gone for good: 1 from the trash, 0 projects")
    assert trash(office) == []
