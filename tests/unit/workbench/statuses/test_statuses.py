"""Posts: made, read, filtered, changed, liked, commented on; over HTTP on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from tests.support.queries import counted
from workbench.database import db
from workbench.journal import Event
from workbench.kit.searching import parse_query
from workbench.notifications.model import Notification
from workbench.statuses import search
from workbench.statuses.model import Comment, Like, SearchEntry, Status

if TYPE_CHECKING:
    from tests.unit.workbench.conftest import Someone
    from tests.unit.workbench.crew import Crew


def posted(by: Someone, crew: Crew, **more: object) -> dict[str, Any]:
    """Return a post of *by*'s."""
    return by.made(f"/teams/{crew.id}/statuses", {"title": "周报"} | more)


def titles(by: Someone, crew: Crew, query: str = "") -> list[str]:
    """Return the titles that *by* is shown."""
    page = by.get(f"/teams/{crew.id}/statuses{query}")
    assert page.status_code == 200, page.text
    assert page.json is not None
    return [item["title"] for item in page.json["items"]]


def verbs(crew: Crew) -> list[str]:
    """Return what the journal holds of posts and comments, oldest first."""
    with crew.app.app_context():
        query = select(Event.verb).where(Event.subject_kind == "status").order_by(Event.pk)
        return list(db.session.scalars(query))


def told(crew: Crew) -> list[tuple[str, str]]:
    """Return whose inbox holds what: reason and verb, in the order of events."""
    with crew.app.app_context():
        query = select(Notification.reason, Event.verb).join(
            Event, Event.pk == Notification.event_pk
        )
        return [(row[0], row[1]) for row in db.session.execute(query.order_by(Event.pk))]


def test_a_post_is_what_was_posted(crew: Crew) -> None:
    """Markdown and the three parts come back as they were; the event stands with the post."""
    ann = crew.member("ann", group="Design")
    answer = ann.post(
        f"/teams/{crew.id}/statuses",
        {
            "title": " 第一周 ",
            "body": "# 标题\r\n正文",
            "done": "登录页",
            "group": crew.groups["Design"],
        },
    )
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"v1"'
    post = answer.json
    assert post is not None
    assert (post["title"], post["body"], post["done"]) == ("第一周", "# 标题\n正文", "登录页")
    assert (post["problems"], post["next"], post["edited_at"]) == (None, None, None)
    assert post["group"] == {"id": crew.groups["Design"], "name": "Design"}
    assert post["author"]["id"] == ann.id
    assert (post["likes"], post["liked"], post["comments"]) == (0, False, 0)
    assert crew.owner.get(answer.headers["Location"]).json == post
    assert verbs(crew) == ["status.posted"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": " "}, "title"),
        ({"title": "a" * 201}, "title"),
        ({"title": "a", "body": "x" * 20_001}, "body"),
        ({"title": "a", "done": 7}, "done"),
        ({"title": "a", "group": "g_0123456789abcdef01234567"}, "group"),
        ({"title": "a", "group": "design"}, "group"),
        ({"title": "a", "author": "me"}, "author"),
    ],
)
def test_a_wrong_field_is_named(crew: Crew, body: dict[str, object], field: str) -> None:
    """422 names the field; nothing is posted and nothing is told."""
    answer = crew.owner.post(f"/teams/{crew.id}/statuses", body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [fault["field"] for fault in answer.json["errors"]] == [field]
    assert verbs(crew) == []


def test_a_double_click_posts_once(crew: Crew) -> None:
    """Two creations under one key are one post with one event."""
    body, path = {"title": "once"}, f"/teams/{crew.id}/statuses"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: crew.owner.post(path, body, key="k"), range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers if answer.json}) == 1
    assert titles(crew.owner, crew) == ["once"]
    assert verbs(crew) == ["status.posted"]


def test_lists_are_cut_and_filtered(crew: Crew) -> None:
    """By group and author; pages meet every post once, newest first."""
    ann = crew.member("ann")
    for number in range(5):
        by, group = (ann, "Design") if number % 2 else (crew.owner, "Product")
        posted(by, crew, title=str(number), group=crew.groups[group])
    assert titles(ann, crew) == ["4", "3", "2", "1", "0"]
    assert titles(ann, crew, f"?author={ann.id}") == ["3", "1"]
    assert titles(ann, crew, f"?group={crew.groups['Product']}") == ["4", "2", "0"]
    assert titles(ann, crew, "?author=u_0123456789abcdef01234567") == []
    assert titles(ann, crew, "?group=nonsense") == []
    first = ann.get(f"/teams/{crew.id}/statuses?limit=3").json
    assert first is not None
    assert titles(ann, crew, f"?limit=3&after={first['next']}") == ["1", "0"]


def test_a_group_that_is_no_more_takes_no_posts(crew: Crew) -> None:
    """What was posted in it stays, can be edited and leave it, but not come back."""
    made = posted(crew.owner, crew, title="old", group=crew.groups["Design"])
    crew.owner.call("DELETE", f"/teams/{crew.id}/groups/{crew.groups['Design']}")
    body = {"title": "new", "group": crew.groups["Design"]}
    answer = crew.owner.post(f"/teams/{crew.id}/statuses", body)
    assert answer.json is not None
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "group")
    path = f"/statuses/{made['id']}"
    same = crew.owner.call("PATCH", path, body, match='"v1"')
    assert same.json is not None
    assert (same.status_code, same.json["group"]["name"]) == (200, "Design")
    assert crew.owner.call("PATCH", path, {"group": None}, match='"v2"').status_code == 200
    assert crew.owner.call("PATCH", path, body, match='"v3"').status_code == 422


def test_days_are_whole_and_of_the_readers_zone(crew: Crew) -> None:
    """`from` and `to` are days in `zone`; a post at 18:00 UTC is the next day's in Shanghai."""
    for day in (1, 2, 3):
        post = posted(crew.owner, crew, title=str(day))
        with crew.app.app_context():
            at = datetime(2026, 11, day, 18)  # noqa: DTZ001 - as instants are stored
            db.session.execute(update(Status).where(Status.id == post["id"]).values(created_at=at))
            db.session.commit()
    assert titles(crew.owner, crew, "?from=2026-11-02") == ["3", "2"]
    assert titles(crew.owner, crew, "?to=2026-11-02") == ["2", "1"]
    assert titles(crew.owner, crew, "?from=2026-11-02&to=2026-11-02") == ["2"]
    assert titles(crew.owner, crew, "?from=2026-11-02&to=2026-11-02&zone=Asia/Shanghai") == ["1"]
    assert titles(crew.owner, crew, "?from=2027-01-01") == []
    assert titles(crew.owner, crew, "?to=2025-01-01") == []


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "to=2026-13-01",
        "to=9999-12-31",
        "zone=Mars/Base",
        "zone=../etc",
        "from=2026-11-02&to=2026-11-01",
    ],
)
def test_a_wrong_filter_is_named(crew: Crew, query: str) -> None:
    """What cannot be read is 400, never a page of everything."""
    answer = crew.owner.get(f"/teams/{crew.id}/statuses?{query}")
    assert answer.status_code == 400


def test_an_edit_names_what_it_replaces(crew: Crew) -> None:
    """428 without If-Match, 412 for an older version; what is left out stays."""
    post = posted(crew.owner, crew, body="old", done="x", group=crew.groups["Design"])
    path = f"/statuses/{post['id']}"
    assert crew.owner.call("PATCH", path, {"body": "new"}).status_code == 428
    changed = crew.owner.call("PATCH", path, {"body": "new", "group": None}, match='"v1"')
    assert changed.status_code == 200
    assert changed.json is not None
    assert (changed.json["body"], changed.json["done"], changed.json["group"]) == ("new", "x", None)
    assert changed.json["edited_at"] is not None
    assert crew.owner.call("PATCH", path, {"body": "late"}, match='"v1"').status_code == 412
    assert verbs(crew) == ["status.posted", "status.edited"]


def test_likes_are_idempotent(crew: Crew) -> None:
    """Liking twice counts once, at once too; so does taking it back."""
    ann = crew.member("ann")
    path = f"/statuses/{posted(crew.owner, crew)['id']}"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ann.call("PUT", f"{path}/like"), range(4)))
    assert [answer.json for answer in answers] == [{"likes": 1, "liked": True}] * 4
    assert crew.owner.call("PUT", f"{path}/like").json == {"likes": 2, "liked": True}
    for _ in range(2):
        assert ann.call("DELETE", f"{path}/like").json == {"likes": 1, "liked": False}
    shown = ann.get(path).json
    assert shown is not None
    assert (shown["likes"], shown["liked"]) == (1, False)
    assert verbs(crew)[1:] == ["status.liked", "status.liked", "status.unliked"]


def test_comments_and_replies(crew: Crew) -> None:
    """Oldest first; a deleted one keeps its place and nothing else; counts follow."""
    ann = crew.member("ann")
    path = f"/statuses/{posted(crew.owner, crew)['id']}"
    first = ann.made(f"{path}/comments", {"body": "问题？"})
    reply = crew.owner.made(f"{path}/comments", {"body": "答", "reply_to": first["id"]})
    assert reply["reply_to"] == first["id"]
    where = f"/status-comments/{first['id']}"
    assert ann.call("PATCH", where, {"body": "好"}, match='"v1"').status_code == 200
    assert ann.call("DELETE", where).status_code == 204
    assert ann.call("DELETE", where).status_code == 404
    assert ann.call("PATCH", where, {"body": "again"}, match="*").status_code == 404
    page = ann.get(f"{path}/comments").json
    assert page is not None
    assert [(c["body"], c["author"] is None) for c in page["items"]] == [
        (None, True),
        ("答", False),
    ]
    shown = ann.get(path).json
    assert shown is not None
    assert shown["comments"] == 1
    late = crew.owner.post(f"{path}/comments", {"body": "?", "reply_to": first["id"]})
    assert late.status_code == 422


def test_a_reply_stays_within_its_post(crew: Crew) -> None:
    """A comment of another post cannot be answered here."""
    here, there = posted(crew.owner, crew), posted(crew.owner, crew)
    comment = crew.owner.made(f"/statuses/{there['id']}/comments", {"body": "there"})
    body = {"body": "here", "reply_to": comment["id"]}
    assert crew.owner.post(f"/statuses/{here['id']}/comments", body).status_code == 422


def test_deleting_takes_everything_along(crew: Crew) -> None:
    """No like or comment of a deleted post is left; its title stays in the journal."""
    post = posted(crew.owner, crew, title="gone soon")
    path = f"/statuses/{post['id']}"
    crew.owner.made(f"{path}/comments", {"body": "x"})
    crew.owner.call("PUT", f"{path}/like")
    assert crew.owner.call("DELETE", path).status_code == 204
    assert crew.owner.get(path).status_code == 404
    with crew.app.app_context():
        assert [db.session.scalars(select(table)).all() for table in (Status, Comment, Like)] == [
            [],
            [],
            [],
        ]
        assert set(
            db.session.scalars(select(Event.title).where(Event.subject_kind == "status"))
        ) == {"gone soon"}


def test_who_is_told(crew: Crew) -> None:
    """Author, person replied to, persons named; each once, nobody of their own deed."""
    ann, bob = crew.member("ann"), crew.member("小明")
    crew.make("stranger")
    post = posted(crew.owner, crew, body="@小明你好 @stranger @nobody `@ann`")
    path = f"/statuses/{post['id']}/comments"
    first = ann.made(path, {"body": "hello @ann @olga."})
    bob.made(path, {"body": "re", "reply_to": first["id"]})
    assert told(crew) == [
        ("mention", "status.posted"),
        ("mention", "comment.written"),
        *sorted([("comment", "comment.written"), ("reply", "comment.written")]),
    ] or told(crew) == [
        ("mention", "status.posted"),
        ("mention", "comment.written"),
        *sorted([("comment", "comment.written"), ("reply", "comment.written")], reverse=True),
    ]


def test_an_edit_tells_only_those_newly_named(crew: Crew) -> None:
    """Correcting a word does not ring again."""
    crew.member("ann")
    crew.member("bob")
    post = posted(crew.owner, crew, body="@ann")
    path = f"/statuses/{post['id']}"
    crew.owner.call("PATCH", path, {"body": "@ann!"}, match='"v1"')
    crew.owner.call("PATCH", path, {"body": "@ann @bob"}, match='"v2"')
    assert told(crew) == [("mention", "status.posted"), ("mention", "status.edited")]


def test_a_list_costs_the_same_however_long(crew: Crew) -> None:
    """Caller, place, posts, people, team, groups, likes: never one a post."""
    ann = crew.member("ann")

    def cost() -> int:
        with crew.app.app_context():
            engine = db.engine
        with counted(engine) as statements:
            titles(crew.owner, crew)
        return len(statements)

    posted(ann, crew, group=crew.groups["Design"])
    few = cost()
    for _ in range(9):
        posted(crew.member(f"m{_}"), crew, group=crew.groups["Product"])
    assert cost() == few == 7


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("登录", ["登录页完成"]),
        ("录页", ["登录页完成"]),
        ("页", ["Weekly 页", "登录页完成"]),
        ("weekly", ["Weekly 页"]),
        ("WEEK", ["Weekly 页"]),
        ("登录 zebra", ["登录页完成"]),
        ("登完", []),
        ("never", []),
    ],
)
def test_posts_are_found_by_what_they_say(crew: Crew, words: str, found: list[str]) -> None:
    """Title, text and the three parts, in Chinese too; together with the other filters."""
    ann = crew.member("ann")
    posted(ann, crew, title="登录页完成", done="zebra crossing")
    posted(crew.owner, crew, title="Weekly 页")
    assert titles(ann, crew, f"?q={words}") == found
    assert titles(ann, crew, f"?q={words}&author={ann.id}") == [
        title for title in found if title == "登录页完成"
    ]


def test_a_search_asks_for_the_posts_of_its_team(crew: Crew) -> None:
    """The index fetches every post that it finds, so it is not asked for other teams'."""
    mine = posted(crew.owner, crew, title="网关 own")
    other = crew.owner.made("/teams", {"name": "Other"})["id"]
    crew.owner.made(f"/teams/{other}/statuses", {"title": "网关 other"})
    assert titles(crew.owner, crew, "?q=网关") == [mine["title"]]
    query = parse_query("网关")
    assert query is not None
    with crew.app.app_context():
        rows = db.session.execute(select(SearchEntry.tokens, Status.team_pk).join(Status))
        assert all(tokens.startswith(f"tm{team_pk} ") for tokens, team_pk in rows)
        asked = search.found_by(query, 77).compile(db.engine).params
    assert any("tm77" in str(value).replace("+", " ").split() for value in asked.values())


def test_a_search_follows_changes(crew: Crew) -> None:
    """What was edited away or deleted is not found; nor is another team's."""
    post = posted(crew.owner, crew, title="first words")
    crew.owner.call("PATCH", f"/statuses/{post['id']}", {"title": "第二"}, match='"v1"')
    assert titles(crew.owner, crew, "?q=words") == []
    assert titles(crew.owner, crew, "?q=第二") == ["第二"]
    crew.owner.call("DELETE", f"/statuses/{post['id']}")
    assert titles(crew.owner, crew, "?q=第二") == []
    for nothing in ("", "!!!", "x" * 101):
        assert crew.owner.get(f"/teams/{crew.id}/statuses?q={nothing}").status_code == 400
