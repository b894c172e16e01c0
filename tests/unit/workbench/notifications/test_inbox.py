"""The inbox: made with the change, shown while it may be seen, counted, read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from tests.support.queries import counted
from tests.unit.workbench.crew import pk_of
from workbench.database import db
from workbench.journal import Event, Verb, record
from workbench.notifications import watching
from workbench.notifications.model import Notification, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.workbench.conftest import Someone
    from tests.unit.workbench.crew import Crew


def ring(crew: Crew, title: str = "t", name: str = "ann") -> None:
    """Let the owner mention *name*."""
    body = {"title": title, "body": f"@{name}"}
    crew.owner.made(f"/teams/{crew.id}/statuses", body)


def inbox(someone: Someone, query: str = "") -> list[dict[str, Any]]:
    """Return what lies in *someone*'s inbox."""
    answer = someone.get(f"/notifications{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return list(answer.json["items"])


def titles(someone: Someone, query: str = "") -> list[str]:
    """Return its titles."""
    return [item["event"]["subject"]["title"] for item in inbox(someone, query)]


def unread(someone: Someone) -> int:
    """Return how many are unread."""
    answer = someone.get("/notifications/unread").json
    assert answer is not None
    return int(answer["unread"])


def noted(**more: Any) -> Event:  # noqa: ANN401 - as record()
    """Record an event of a project of team 1."""
    plain: dict[str, Any] = {
        "actor": 1,
        "team": 1,
        "subject_kind": "document",
        "subject_id": "n_1",
        "title": "t",
    }
    return record(Verb.DOCUMENT_EDITED, **(plain | more))


def rows() -> list[tuple[int, str]]:
    """Return who was told and why."""
    query = select(Notification.user_pk, Notification.reason).order_by(Notification.user_pk)
    return [(row[0], row[1]) for row in db.session.execute(query)]


def test_a_notification_carries_its_event(crew: Crew) -> None:
    """Why, what, when read; nobody else has it."""
    ann = crew.member("ann")
    ring(crew, "你好")
    [item] = inbox(ann)
    assert (item["reason"], item["read_at"]) == ("mention", None)
    assert (item["event"]["verb"], item["event"]["actor"]["name"]) == ("status.posted", "olga")
    assert inbox(crew.owner) == []


def test_reading_some_or_all_up_to_one(crew: Crew) -> None:
    """What came meanwhile stays unread; somebody else's ids change nothing."""
    ann, bob = crew.member("ann"), crew.member("bob")
    for title in "abc":
        ring(crew, title)
    ids = {item["event"]["subject"]["title"]: item["id"] for item in inbox(ann)}
    assert unread(ann) == 3
    assert ann.post("/notifications/read", {"ids": [ids["a"]]}).json == {"unread": 2}
    assert bob.post("/notifications/read", {"ids": [ids["b"]]}).json == {"unread": 0}
    assert bob.post("/notifications/read", {"up_to": ids["b"]}).status_code == 404
    ring(crew, "d")
    assert ann.post("/notifications/read", {"up_to": ids["c"]}).json == {"unread": 1}
    assert titles(ann, "?unread=true") == ["d"]
    assert titles(ann) == ["d", "c", "b", "a"]


@pytest.mark.parametrize(
    "body",
    [{}, {"ids": [], "up_to": "nt_0123456789abcdef01234567"}, {"ids": ["x"]}, {"up_to": 1}],
)
def test_reading_says_what(crew: Crew, body: dict[str, object]) -> None:
    """Either ids or up_to, well formed."""
    assert crew.owner.post("/notifications/read", body).status_code == 422


def test_what_may_not_be_seen_is_not_shown_or_counted(crew: Crew) -> None:
    """Who leaves the team loses sight of what its events tell."""
    ann = crew.member("ann")
    ring(crew)
    crew.drop(ann)
    assert (inbox(ann), unread(ann)) == ([], 0)


def test_pages_meet_everything_once(crew: Crew) -> None:
    """Newest first, cut by the event's number."""
    ann = crew.member("ann")
    for number in range(5):
        ring(crew, str(number))
    first = ann.get("/notifications?limit=3").json
    assert first is not None
    assert titles(ann, f"?limit=3&after={first['next']}") == ["1", "0"]


def test_each_is_told_once_for_the_first_reason(crew: Crew) -> None:
    """Mentioned, replied to and watching is told as mentioned; nobody of their own deed."""
    with crew.app.app_context():
        for pk in (1, 2, 3, 4):
            watching.watch(pk, "document", "n_1")
        told = {Reason.REPLY: [2, 3], Reason.MENTION: [1, 2]}
        watching.notify(noted(), told, watched=[("document", "n_1"), ("project", "p_1")])
        db.session.commit()
        assert rows() == [(2, "mention"), (3, "reply"), (4, "watch")]


def test_only_readers_are_told(crew: Crew) -> None:
    """A watcher who may no longer see the thing is left out."""
    with crew.app.app_context():
        for pk in (2, 3):
            watching.watch(pk, "document", "n_1")
        watching.notify(noted(), {}, watched=[("document", "n_1")], readers_among=lambda _: {3})
        db.session.commit()
        assert rows() == [(3, "watch")]


def test_one_change_tells_a_bounded_number(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thing that thousands watch stays quick to change."""
    monkeypatch.setattr(watching, "FAN_OUT_MAX", 3)
    with crew.app.app_context():
        for pk in range(2, 12):
            watching.watch(pk, "document", "n_1")
        watching.notify(noted(), {}, watched=[("document", "n_1")])
        db.session.commit()
        assert db.session.scalar(select(func.count()).select_from(Notification)) == 3


def test_it_falls_with_its_change(crew: Crew) -> None:
    """No change, no event, no notification."""
    with crew.app.app_context():
        watching.notify(noted(), {Reason.MENTION: [2]})
        db.session.rollback()
        noted()
        db.session.commit()
        assert rows() == []


def test_personally_told_sees_it_from_outside(crew: Crew, person: Callable[[str], Someone]) -> None:
    """An applicant is told of the refusal of a team that they cannot see."""
    ann = person("ann")
    with crew.app.app_context():
        event = record(
            Verb.APPLICATION_REFUSED,
            actor=None,
            team=1,
            subject_kind="application",
            subject_id="a_1",
            title="olga's team",
            admins_only=True,
        )
        watching.notify(event, {Reason.APPLICATION: [pk_of(ann)]}, personally=True)
        db.session.commit()
    assert titles(ann) == ["olga's team"]


def test_watching_is_idempotent_and_of_what_can_be_seen(crew: Crew) -> None:
    """A thing that is not there, or not for the caller, is 404; what goes away leaves the list."""
    path = "/watches/document/n_0123456789abcdef01234567"
    assert crew.owner.call("PUT", path).status_code == 404
    assert crew.owner.call("DELETE", path).status_code == 204
    assert crew.owner.call("PUT", "/watches/team/t_0123456789abcdef01234567").status_code == 404
    with crew.app.app_context():
        for _ in range(2):
            watching.watch(1, "document", "n_1")
        assert watching.is_watching(1, "document", "n_1")
        watching.forget("document", ["n_1"])
        assert not watching.is_watching(1, "document", "n_1")
        db.session.commit()


def test_mail_is_only_for_who_wants_it(crew: Crew) -> None:
    """Off until asked for; asked for twice is once."""
    path = "/notifications/preferences"
    assert crew.owner.get(path).json == {"daily_email": False}
    for wanted in (True, True, False):
        answer = crew.owner.call("PATCH", path, {"daily_email": wanted})
        assert answer.json == {"daily_email": wanted}
        assert crew.owner.get(path).json == {"daily_email": wanted}
    assert crew.owner.call("PATCH", path, {}).status_code == 422


def test_a_page_costs_the_same_however_long(crew: Crew) -> None:
    """Caller, teams, projects, rows, and the names in them."""
    ann = crew.member("ann")
    with crew.app.app_context():
        engine = db.engine

    def cost() -> int:
        with counted(engine) as statements:
            inbox(ann)
        return len(statements)

    ring(crew)
    few = cost()
    for _ in range(6):
        ring(crew)
    assert cost() == few <= 9
