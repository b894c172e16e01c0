"""The week's digest: by person, by week, in the reader's zone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from tests.support.queries import counted
from workbench.database import db
from workbench.statuses import digest as digests
from workbench.statuses.model import Status

if TYPE_CHECKING:
    from tests.unit.workbench.conftest import Someone
    from tests.unit.workbench.crew import Crew


def posted(by: Someone, crew: Crew, at: str, **more: str) -> None:
    """Let *by* have posted at the instant *at*."""
    post = by.made(f"/teams/{crew.id}/statuses", {"title": at} | more)
    with crew.app.app_context():
        made = datetime.fromisoformat(at)
        db.session.execute(update(Status).where(Status.id == post["id"]).values(created_at=made))
        db.session.commit()


def digest(crew: Crew, query: str = "?week=2026-W47") -> dict[str, Any]:
    """Return the digest as the owner is shown it."""
    answer = crew.owner.get(f"/teams/{crew.id}/digest{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return dict(answer.json)


def test_a_week_by_person(crew: Crew) -> None:
    """Posts of the week under their authors, oldest first; who was silent is named last."""
    ann, _ = crew.member("ann"), crew.member("bob")
    gone = crew.member("gone")
    posted(ann, crew, "2026-11-16T00:00:00", done="登录", problems="慢", next="快")
    posted(gone, crew, "2026-11-18T12:00:00")
    posted(ann, crew, "2026-11-22T23:59:59", done="more")
    posted(ann, crew, "2026-11-15T23:59:59")
    posted(ann, crew, "2026-11-23T00:00:00")
    crew.drop(gone)
    found = digest(crew)
    assert (found["week"], found["from"], found["to"]) == ("2026-W47", "2026-11-16", "2026-11-22")
    by = {report["person"]["name"]: report["posts"] for report in found["reports"]}
    assert list(by) == ["ann", "gone"]
    assert [post["done"] for post in by["ann"]] == ["登录", "more"]
    assert (by["ann"][0]["problems"], by["ann"][0]["next"]) == ("慢", "快")
    assert [person["name"] for person in found["silent"]] == ["bob", "olga"]
    assert found["cut"] is False


def test_a_week_begins_where_the_reader_is(crew: Crew) -> None:
    """Sunday 18:00 UTC is Monday in Shanghai."""
    posted(crew.owner, crew, "2026-11-15T18:00:00")
    assert digest(crew)["reports"] == []
    assert len(digest(crew, "?week=2026-W47&zone=Asia/Shanghai")["reports"]) == 1


def test_this_week_is_the_default(crew: Crew) -> None:
    """Without a week the current one is meant."""
    crew.owner.made(f"/teams/{crew.id}/statuses", {"title": "now"})
    assert len(digest(crew, "")["reports"]) == 1


@pytest.mark.parametrize("week", ["2026", "2026-W54", "2026-W00", "2026-47", "9999-W52", "x"])
def test_a_wrong_week_is_named(crew: Crew, week: str) -> None:
    """400 says how a week is written."""
    assert crew.owner.get(f"/teams/{crew.id}/digest?week={week}").status_code == 400


def test_a_long_week_is_cut_and_says_so(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is never without end."""
    monkeypatch.setattr(digests, "POSTS_MAX", 2)
    for hour in range(3):
        posted(crew.owner, crew, f"2026-11-17T0{hour}:00:00")
    found = digest(crew)
    assert [post["title"] for post in found["reports"][0]["posts"]] == [
        "2026-11-17T00:00:00",
        "2026-11-17T01:00:00",
    ]
    assert found["cut"] is True


def test_the_digest_costs_the_same_however_many(crew: Crew) -> None:
    """Caller, place, posts, members, people, groups."""
    for number in range(5):
        posted(crew.member(f"m{number}"), crew, "2026-11-17T00:00:00")
    with crew.app.app_context():
        engine = db.engine
    with counted(engine) as statements:
        digest(crew)
    assert len(statements) <= 6
