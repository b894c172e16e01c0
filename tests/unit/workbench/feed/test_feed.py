"""The feed's pages: what a person may see, cut and narrowed; over HTTP on both databases."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from tests.support.queries import counted
from tests.unit.workbench.crew import founded
from workbench.database import db
from workbench.journal import Event, Verb, record
from workbench.kit.clock import utc_now
from workbench.teams.model import Role, Team

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.workbench.conftest import Someone
    from tests.unit.workbench.crew import Crew


def post(by: Someone, crew: Crew, title: str, **more: object) -> dict[str, Any]:
    """Let *by* post *title*."""
    return by.made(f"/teams/{crew.id}/statuses", {"title": title} | more)


def page(by: Someone, query: str = "") -> dict[str, Any]:
    """Return a page of *by*'s feed."""
    answer = by.get(f"/feed{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return dict(answer.json)


def told(by: Someone, query: str = "") -> list[str]:
    """Return verbs and titles, newest first."""
    return [f"{item['verb']} {item['subject']['title']}" for item in page(by, query)["items"]]


def test_an_item_tells_who_did_what_where(crew: Crew) -> None:
    """People, team and group as documents embed them; the title as it was then."""
    ann = crew.member("ann", group="Design")
    status = post(ann, crew, "then", group=crew.groups["Design"])
    ann.call("PATCH", f"/statuses/{status['id']}", {"title": "now"}, match='"v1"')
    edited, posted, founded_ = page(crew.owner)["items"]
    assert posted["actor"]["id"] == ann.id
    assert posted["team"] == {"id": crew.id, "name": "olga's team"}
    assert posted["group"] == {"id": crew.groups["Design"], "name": "Design"}
    assert posted["project"] is None
    assert posted["subject"] == {"kind": "status", "id": status["id"], "title": "then"}
    assert edited["subject"]["title"] == "now"
    assert posted["at"].startswith(posted["day"])
    assert founded_["verb"] == "team.created"


def test_nobody_sees_a_foreign_teams_feed(crew: Crew, person: Callable[[str], Someone]) -> None:
    """The fault of old: a person without projects saw every item."""
    post(crew.owner, crew, "secret")
    stranger = person("stranger")
    assert told(stranger) == []
    assert stranger.get(f"/feed?team={crew.id}").status_code == 404
    assert told(stranger, f"?person={crew.owner.id}") == []
    ann = crew.member("ann")
    assert "status.posted secret" in told(ann)
    crew.drop(ann)
    assert told(ann) == []


def test_what_is_for_admins_is_for_admins(crew: Crew) -> None:
    """Applications and invitations are nobody else's to know of."""
    admin, member = crew.member("admin", Role.ADMIN), crew.member("member")
    with crew.app.app_context():
        team = db.session.query(Team).filter_by(id=crew.id).one()
        record(
            Verb.APPLICATION_SENT,
            actor=None,
            team=team.pk,
            subject_kind="application",
            subject_id="a_1",
            title="somebody",
            admins_only=True,
        )
        db.session.commit()
    assert "application.sent somebody" in told(crew.owner)
    assert "application.sent somebody" in told(admin)
    assert "application.sent somebody" not in told(member)


def test_filters_and_pages(crew: Crew, person: Callable[[str], Someone]) -> None:
    """By team, group and person; pages meet every event once."""
    other = founded(crew.app, person, "otto")
    ann = crew.member("ann", group="Design")
    other.member("ann")
    for number in range(4):
        post(ann if number % 2 else crew.owner, crew, f"here {number}")
    post(ann, other, "there")
    posts = [f"status.posted here {number}" for number in (3, 2, 1, 0)]
    assert told(ann)[:5] == ["status.posted there", *posts]
    assert told(ann, f"?team={crew.id}")[:4] == posts
    assert told(ann, f"?person={ann.id}") == ["status.posted there", posts[0], posts[2]]
    assert told(ann, f"?team={crew.id}&person={ann.id}") == [posts[0], posts[2]]
    in_design = f"?team={crew.id}&group={crew.groups['Design']}"
    assert told(ann, in_design) == [posts[0], posts[2]]
    first = page(ann, "?limit=3")
    assert len(first["items"]) == 3
    assert told(ann, f"?limit=3&after={first['next']}")[:2] == posts[2:]
    seen, query = [], "?limit=2"
    while query:
        found = page(ann, query)
        seen += [item["id"] for item in found["items"]]
        query = f"?limit=2&after={found['next']}" if found["next"] else ""
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("group=g_0123456789abcdef01234567", 400),
        ("team={team}&group=g_0123456789abcdef01234567", 404),
        ("team=t_0123456789abcdef01234567", 404),
        ("project=p_0123456789abcdef01234567", 404),
        ("team=%00", 404),
        ("zone=Nowhere", 400),
        ("limit=0", 400),
        ("after=x", 400),
    ],
)
def test_what_is_not_there_is_never_everything(crew: Crew, query: str, code: int) -> None:
    """A filter that names nothing the caller may see narrows to nothing, in words."""
    assert crew.owner.get(f"/feed?{query.format(team=crew.id)}").status_code == code


def test_days_are_the_readers(crew: Crew) -> None:
    """The same instant is another day in another zone."""
    with crew.app.app_context():
        db.session.execute(
            update(Event).values(created_at=datetime.fromisoformat("2026-11-21T18:00"))
        )
        db.session.commit()
    assert page(crew.owner)["items"][0]["day"] == "2026-11-21"
    assert page(crew.owner, "?zone=Asia/Shanghai")["items"][0]["day"] == "2026-11-22"


def test_deleted_things_and_people_who_left_stay_in_the_feed(crew: Crew) -> None:
    """What happened, happened; of a dissolved team nobody is told any more."""
    ann = crew.member("ann")
    status = post(ann, crew, "gone")
    ann.call("DELETE", f"/statuses/{status['id']}")
    crew.drop(ann)
    assert told(crew.owner)[:2] == ["status.deleted gone", "status.posted gone"]
    assert page(crew.owner)["items"][0]["actor"]["name"] == "ann"
    with crew.app.app_context():
        db.session.execute(update(Team).values(archived_at=utc_now()))
        db.session.commit()
    assert told(crew.owner) == []


def test_a_page_costs_the_same_however_much_there_is(crew: Crew) -> None:
    """Caller, teams, projects, numbers, events, and the names in them."""
    with crew.app.app_context():
        engine = db.engine

    def cost() -> int:
        with counted(engine) as statements:
            page(crew.owner)
        return len(statements)

    post(crew.member("a", group="Design"), crew, "first")
    few = cost()
    for number in range(8):
        post(crew.member(f"m{number}", group="Product"), crew, str(number))
    assert cost() == few <= 10
