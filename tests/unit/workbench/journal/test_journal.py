"""The journal: events stand or fall with their change, in the order of commits."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.queries import counted
from workbench.database import db
from workbench.journal import Channel, Event, Verb, reading, record
from workbench.journal.recording import attach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient


@pytest.fixture
def app(api: FlaskClient) -> Iterator[Flask]:
    """The application inside its context, with an empty journal."""
    with api.application.app_context():
        yield api.application


def note(title: str, *, team: int | None = 1, **more: object) -> Event:
    """Note that somebody posted *title*."""
    plain: dict[str, object] = {
        "actor": 7,
        "team": team,
        "subject_kind": "status",
        "subject_id": "s_1",
        "title": title,
    }
    return record(Verb.STATUS_POSTED, **(plain | more))  # type: ignore[arg-type]


def titles(*channels: Channel, **filters: int) -> list[str]:
    """Return the titles of the newest events of *channels*."""
    return [each.title for each in reading.newest(channels, **({"limit": 50} | filters))]


def test_an_event_stands_with_its_change(app: Flask) -> None:
    """Numbers are drawn at the commit, in the order in which the events were noted."""
    first, second = note("一"), note("二")
    assert reading.head() == 0
    db.session.commit()
    assert (first.pk, second.pk, reading.head()) == (1, 2, 2)
    assert titles(Channel.team(1)) == ["二", "一"]


def test_an_event_falls_with_its_change(app: Flask) -> None:
    """What is rolled back is not there, and does not come back with the next commit."""
    note("never")
    db.session.rollback()
    note("also never")
    db.session.remove()
    note("kept")
    db.session.commit()
    assert titles(Channel.team(1)) == ["kept"]
    assert reading.head() == 1


def test_a_savepoint_takes_only_its_own_events_along(app: Flask) -> None:
    """Rolling back to a savepoint forgets what was noted since, and nothing before."""
    note("before")
    savepoint = db.session.begin_nested()
    note("inside")
    savepoint.rollback()
    with db.session.begin_nested():
        note("stays")
    note("after")
    db.session.commit()
    assert titles(Channel.team(1)) == ["after", "stays", "before"]


def test_long_titles_are_cut_and_an_event_needs_readers(app: Flask) -> None:
    """A title never makes a change fail; an event for nobody is a mistake of ours."""
    note("长" * 500)
    db.session.commit()
    assert titles(Channel.team(1)) == ["长" * 200]
    with pytest.raises(ValueError, match="a team or a person"):
        note("x", team=None, actor=None)


def test_channels_keep_readers_apart(app: Flask) -> None:
    """Team, admins, project and person of one pk are four channels."""
    note("team")
    note("admins", admins_only=True)
    note("project", project=1)
    note("person", team=None, actor=1)
    db.session.commit()
    assert titles(Channel.team(1)) == ["team"]
    assert titles(Channel.team_admins(1)) == ["admins"]
    assert titles(Channel.project(1)) == ["project"]
    assert titles(Channel.person(1)) == ["person"]
    assert titles() == []
    assert [each.project_pk for each in reading.between(0, 9)] == [None, None, 1, None]


def test_pages_and_filters(app: Flask) -> None:
    """A page is cut by number; person and group narrow it."""
    for number in range(6):
        note(str(number), actor=number % 2, group=number % 3, team=number % 2 + 1)
    db.session.commit()
    both = (Channel.team(1), Channel.team(2))
    assert titles(*both, limit=4) == ["5", "4", "3", "2"]
    assert titles(*both, limit=4, before=3) == ["1", "0"]
    assert titles(*both, actor=1) == ["5", "3", "1"]
    assert titles(*both, group=1) == ["4", "1"]
    assert titles(Channel.team(1), group=1, actor=0) == ["4"]


def test_many_channels_are_one_list(app: Flask) -> None:
    """More channels than one statement holds are still merged by number."""
    for number in range(450):
        note(str(number), team=number + 1)
    db.session.commit()
    channels = [Channel.team(number + 1) for number in range(450)]
    assert titles(*channels, limit=3) == ["449", "448", "447"]


def test_attached_rows_carry_the_number(app: Flask) -> None:
    """A row of another room learns its event's number in the same transaction."""

    class Row:
        event_pk: int | None = None

    row = Row()
    added: list[object] = []
    noted = note("with a row")
    attach(noted, [row])
    with pytest.MonkeyPatch.context() as patch:
        session = db.session()
        plain_add = session.add

        def add(each: object) -> None:
            if isinstance(each, Row):
                added.append(each)
            else:
                plain_add(each)

        patch.setattr(session, "add", add)
        db.session.commit()
    assert (row.event_pk, added) == (noted.pk, [row])
    with pytest.raises(LookupError):
        attach(noted, [row])


def test_numbers_follow_the_order_of_commits(app: Flask) -> None:
    """A transaction that noted first and commits last has the higher number."""
    slow_has_noted, quick_has_committed = threading.Event(), threading.Event()

    def slow() -> int:
        with app.app_context():
            noted = note("slow")
            slow_has_noted.set()
            assert quick_has_committed.wait(30)
            db.session.commit()
            return noted.pk

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(slow)
        assert slow_has_noted.wait(30)
        quick = note("quick")
        db.session.commit()
        quick_has_committed.set()
        assert answer.result() > quick.pk


def test_a_reader_that_remembers_misses_nothing(app: Flask) -> None:
    """Eight writers and a reader that goes on from the last number: every event once, in order."""
    done = threading.Event()
    seen: list[int] = []

    def write(writer: int) -> None:
        with app.app_context():
            for number in range(6):
                note(f"{writer}-{number}", team=writer + 1)
                db.session.commit()

    def follow() -> None:
        with app.app_context():
            while True:
                last_round = done.is_set()
                latest = seen[-1] if seen else 0
                seen.extend(each.pk for each in reading.between(latest, 10**9))
                db.session.rollback()
                if last_round:
                    return

    with ThreadPoolExecutor(9) as pool:
        follower = pool.submit(follow)
        for writing in [pool.submit(write, writer) for writer in range(8)]:
            writing.result()
        done.set()
        follower.result()
    assert seen == list(range(1, 49))


def test_a_page_costs_two_statements(app: Flask) -> None:
    """Whatever the number of channels up to a statement's limit."""
    for number in range(30):
        note(str(number), team=number + 1)
    db.session.commit()
    with counted(db.engine) as statements:
        assert len(titles(*(Channel.team(number + 1) for number in range(30)))) == 30
    assert len(statements) == 2
