"""Feed and inbox reach back so far, and no further; whoever reads on is told of the gap."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from click.testing import CliRunner

from tests.unit.workbench.notifications.test_inbox import ring, titles, unread
from workbench.cli import cli
from workbench.database import db
from workbench.feed.stream import FEED, INBOX, Position
from workbench.journal import Event, reading
from workbench.kit.clock import utc_now
from workbench.notifications import retention
from workbench.notifications.model import Notification

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.unit.workbench.crew import Crew
    from workbench.settings import Settings

DAY_S = 86_400


def aged(crew: Crew, title: str) -> None:
    """Let everything up to the post *title* have happened two days ago."""
    with crew.app.app_context():
        last = db.session.query(Event).filter_by(title=title).one().pk
        db.session.query(Event).filter(Event.pk <= last).update(
            {"created_at": utc_now() - timedelta(days=2)}
        )
        db.session.commit()


def feed(crew: Crew, query: str = "") -> list[str]:
    """Return the titles of the owner's feed."""
    page = crew.owner.get(f"/feed{query}").json
    assert page is not None
    return [item["subject"]["title"] for item in page["items"]]


def test_what_is_too_old_goes_with_all_that_was_told(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches, read or not; what is younger stays, and numbers go on."""
    monkeypatch.setattr(retention, "_BATCH", 2)
    ann = crew.member("ann")
    for title in ("one", "two", "three", "four"):
        ring(crew, title)
    aged(crew, "three")
    cursor = crew.owner.get("/feed?limit=2").json
    assert cursor is not None
    with crew.app.app_context():
        assert retention.forget_all(3 * DAY_S) == 0
        before = reading.head()
        assert retention.forget_all(DAY_S) == before - 1
        assert (db.session.query(Notification).count(), reading.head()) == (1, before)
    assert (titles(ann), unread(ann), feed(crew)) == (["four"], 1, ["four"])
    assert feed(crew, f"?after={cursor['next']}") == []
    ring(crew, "five")
    assert (titles(ann), feed(crew)) == (["five", "four"], ["five", "four"])


def test_whoever_missed_what_is_forgotten_reads_anew(crew: Crew) -> None:
    """Unless they were told of all of it before."""
    ann = crew.member("ann")
    for title in ("one", "two", "three"):
        ring(crew, title)
    aged(crew, "two")
    hub = crew.app.extensions["feed"]
    with crew.app.app_context():
        retention.forget_all(DAY_S)
        head = reading.head()
        me = db.session.query(Notification).one().user_pk
        for number, part, sent in (
            (head - 2, FEED, None),
            (head - 1, INBOX, None),  # the second half of it is missing
            (head - 1, FEED, 2),
            (head, INBOX, 1),
            (head, FEED, 0),
        ):
            missed = hub.missed(me, Position(number, part), head, with_inbox=True)
            assert (None if missed is None else len(missed)) == sent, (number, part)
        db.session.query(Event).update({"created_at": utc_now() - timedelta(days=2)})
        db.session.commit()
        retention.forget_all(DAY_S)
        assert hub.missed(me, Position(head - 1, FEED), head, with_inbox=True) is None
        assert hub.missed(me, Position(head, FEED), head, with_inbox=True) == []
    assert titles(ann) == []


def test_the_command_and_the_house_itself_forget(
    crew: Crew, settings: Settings, tmp_path: Path
) -> None:
    """A timer's `sweep` all at once; the running house a little, beside other work."""
    ring(crew, "one")
    aged(crew, "one")
    config = tmp_path / "workbench.toml"
    config.write_text(
        f'database_url = "{settings.database_url}"\nfiles_url = "{settings.files_url}"\n'
        f"feed_retention_s = {DAY_S}\n"
    )
    done = CliRunner().invoke(cli, ["sweep", "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert done.output.rstrip().endswith("2 events.")
    ring(crew, "two")
    with crew.app.app_context():
        db.session.query(Event).update({"created_at": utc_now() - timedelta(days=366)})
        db.session.commit()
    project = crew.owner.made(f"/teams/{crew.id}/projects", {"name": "p"})
    crew.owner.made(f"/projects/{project['id']}/uploads", {"name": "x", "size": 1})
    assert feed(crew) == ["p"]
