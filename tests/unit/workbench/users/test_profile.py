"""Profiles: changed by their owner, shown to those who share a team, asked for by services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.queries import counted
from tests.unit.workbench.conftest import Someone, bearer
from tests.unit.workbench.users.test_pictures import jpeg, png
from workbench.database import db

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.unit.workbench.conftest import Issuer


def body_of(answer: TestResponse) -> dict[str, Any]:
    """Return the JSON of a good answer."""
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return dict(answer.json)


def names_in(answer: TestResponse) -> list[str]:
    """Return the names of a page's people."""
    return [item["name"] for item in body_of(answer)["items"]]


def together(*people: Someone) -> str:
    """Make a team of *people*; return its id."""
    team = str(people[0].made("/teams", {"name": "T"})["id"])
    code = people[0].made(f"/teams/{team}/invitations", {"uses": 9})["code"]
    for each in people[1:]:
        each.post("/invitations/accept", {"code": code})
    return team


def test_people_change_their_profile(person: Callable[[str], Someone]) -> None:
    """What is named changes; null takes it back, name and address to the issuer's."""
    ann = person("ann")
    first = ann.get("/users/me")
    change = {"name": "安娜", "phone": "+86 138-0000", "bio": "一\n二", "locale": "zh-CN"}
    second = ann.call("PATCH", "/users/me", change, match=first.headers["ETag"])
    assert {name: body_of(second)[name] for name in change} == change
    assert body_of(ann.get("/users/me")) == body_of(second)
    assert second.headers["ETag"] != first.headers["ETag"]
    back = ann.call("PATCH", "/users/me", {"name": None, "phone": None}, match="*")
    assert (body_of(back)["name"], body_of(back)["phone"], body_of(back)["bio"]) == (
        "ann",
        None,
        "一\n二",
    )


def test_two_windows_do_not_overwrite_each_other(person: Callable[[str], Someone]) -> None:
    """Without If-Match 428, with an old one 412."""
    ann = person("ann")
    tag = ann.get("/users/me").headers["ETag"]
    assert ann.call("PATCH", "/users/me", {"bio": "one"}, match=tag).status_code == 200
    assert ann.call("PATCH", "/users/me", {"bio": "two"}, match=tag).status_code == 412
    assert ann.call("PATCH", "/users/me", {"bio": "two"}).status_code == 428


WRONG = [
    ("email", "nobody"),
    ("email", "a@b c"),
    ("phone", "call me"),
    ("locale", "中文"),
    ("name", " "),
    ("bio", "\0"),
    ("bio", "x" * 1001),
    ("sub", "other"),
    ("issuer", "http://other"),
]


def test_a_wrong_field_is_named(person: Callable[[str], Someone]) -> None:
    """In words, and nothing changes."""
    ann = person("ann")
    for field, value in WRONG:
        answer = ann.call("PATCH", "/users/me", {field: value}, match='"v2"')
        assert answer.status_code == 422, (field, value)
        assert answer.json is not None
        assert [error["field"] for error in answer.json["errors"]] == [field]
    assert ann.get("/users/me").headers["ETag"] == '"v2"'


def test_a_chosen_name_outlives_the_issuers(
    person: Callable[[str], Someone], api: FlaskClient, issuer: Issuer
) -> None:
    """The issuer's name is asked for again and again; what somebody calls themselves stays."""
    ann = person("ann")
    ann.call("PATCH", "/users/me", {"name": "Anna"}, match="*")
    issuer.people["ann"] = {"sub": "ann", "name": "Changed"}
    with api.application.app_context():
        db.session.execute(db.text("UPDATE users SET checked_at = NULL"))
        db.session.commit()
    token = issuer.token(name="Changed", preferred_username="ann2")
    entry = body_of(api.get("/users/me", headers=bearer(token)))
    assert (entry["name"], entry["username"]) == ("Anna", "ann2")


def test_contact_is_for_those_who_share_a_team(person: Callable[[str], Someone]) -> None:
    """Address, telephone and words about oneself; not once one of them left."""
    ann, bob, eve = person("ann"), person("bob"), person("eve")
    ann.call(
        "PATCH",
        "/users/me",
        {"email": "a@b.example", "phone": "555-0123", "bio": "me"},
        match="*",
    )
    team = together(ann, bob)
    seen = body_of(bob.get(f"/users/{ann.id}"))
    assert seen["contact"] == {"email": "a@b.example", "phone": "555-0123"}
    assert seen["bio"] == "me"
    foreign = body_of(eve.get(f"/users/{ann.id}"))
    assert (foreign["contact"], foreign["bio"], foreign["name"]) == (None, None, "ann")
    assert "555-0123" not in eve.get("/users?q=ann").text
    assert "555-0123" in bob.get("/users?q=ann").text
    bob.call("DELETE", f"/teams/{team}/members/{bob.id}")
    assert body_of(bob.get(f"/users/{ann.id}"))["contact"] is None


def test_people_of_a_team_are_for_its_members(person: Callable[[str], Someone]) -> None:
    """By team, by group of it; strangers meet a 404, also with a group of another team."""
    ann, bob, eve = person("ann"), person("bob"), person("eve")
    team, other = together(ann, bob), together(eve)
    groups = body_of(ann.get(f"/teams/{team}/groups"))["items"]
    ann.call("PATCH", f"/teams/{team}/members/{bob.id}", {"group": groups[0]["id"]})
    assert names_in(bob.get(f"/users?team={team}")) == ["ann", "bob"]
    assert names_in(bob.get(f"/users?team={team}&group={groups[0]['id']}")) == ["bob"]
    assert names_in(bob.get(f"/users?team={team}&q=an")) == ["ann"]
    assert eve.get(f"/users?team={team}").status_code == 404
    assert eve.get(f"/users?team={other}&group={groups[0]['id']}").status_code == 404
    assert bob.get("/users?team=x").status_code == 404


def test_a_group_is_named_with_its_team(person: Callable[[str], Someone]) -> None:
    """Alone it would be left out of account, and everybody be listed."""
    answer = person("ann").get("/users?group=g_0123456789abcdef01234567")
    assert answer.status_code == 400


def test_search_by_part_of_a_name(person: Callable[[str], Someone]) -> None:
    """Works for Chinese, ignores case, and follows a change of name."""
    for name in ("王小明", "王小红", "Annika", "Bob"):
        someone = person(name)
    found = {"王": ["王小明", "王小红"], "小明": ["王小明"], "ANN": ["Annika"], "明小": []}
    for sought, names in found.items():
        assert names_in(someone.get(f"/users?q={sought}")) == names
    someone.call("PATCH", "/users/me", {"name": "小明二"}, match="*")
    assert names_in(someone.get("/users?q=小明")) == ["王小明", "小明二"]
    assert names_in(someone.get("/users?q=bob")) == ["小明二"]  # the username stays


@pytest.mark.parametrize("query", ["q=" + "x" * 81, "q=%20"])
def test_a_search_has_a_measure(person: Callable[[str], Someone], query: str) -> None:
    """Too much, or nothing: 400."""
    assert person("ann").get(f"/users?{query}").status_code == 400


def test_lists_cost_the_same_however_long(
    person: Callable[[str], Someone], api: FlaskClient
) -> None:
    """The caller, the page, who shares a team; one more for a team's standing."""
    people = [person(f"p{number}") for number in range(6)]
    team = together(*people)
    with api.application.app_context():
        engine = db.engine
    for path, cost in {
        "/users": 3,
        "/users?q=p": 3,
        f"/users?team={team}": 4,
        f"/users/{people[1].id}": 3,
        "/users/me": 1,
    }.items():
        with counted(engine) as statements:
            assert people[0].get(path).status_code == 200
        assert len(statements) == cost, (path, statements)


def send(someone: Someone, content: bytes, media_type: str = "image/png") -> TestResponse:
    """Upload a picture."""
    return someone.client.put(
        "/users/me/avatar", data=content, headers=someone.headers, content_type=media_type
    )


def test_a_picture_is_served_as_nothing_but_a_picture(person: Callable[[str], Someone]) -> None:
    """By its real type, whatever it was sent as; never as a page; replaced, and taken away."""
    ann, bob = person("ann"), person("bob")
    sent = body_of(send(ann, jpeg(), "image/png"))
    address = sent["avatar_url"].partition("?")[0]
    answer = bob.get(address)
    assert (answer.status_code, answer.data) == (200, jpeg())
    assert answer.content_type == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    again = ann.client.get(address, headers=ann.headers | {"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert body_of(send(ann, png()))["avatar_url"] != sent["avatar_url"]
    assert bob.get(address).content_type == "image/png"
    assert ann.call("DELETE", "/users/me/avatar").status_code == 204
    assert bob.get(address).status_code == 404
    assert body_of(ann.get("/users/me"))["avatar_url"] is None


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"<svg/>", "image/png", 422),
        (b"<svg/>", "image/svg+xml", 415),
        (png() + bytes(524_288), "image/png", 413),
        (b"", "image/png", 422),
    ],
)
def test_what_is_no_picture_is_refused(
    person: Callable[[str], Someone], content: bytes, media_type: str, status: int
) -> None:
    """Nothing is stored."""
    ann = person("ann")
    assert send(ann, content, media_type).status_code == status
    assert body_of(ann.get("/users/me"))["avatar_url"] is None


def test_a_token_with_a_name_still_brings_the_address(api: FlaskClient, issuer: Issuer) -> None:
    """The scope `email` stands for an address: UserInfo is asked for it, once."""
    issuer.people["ann"] = {"sub": "ann", "name": "Ann", "email": "ann@example.com"}
    token = issuer.token(name="Ann", preferred_username="ann", scope="openid email users:read")
    for _ in range(2):
        entry = body_of(api.get("/users/me", headers=bearer(token)))
        assert (entry["name"], entry["email"]) == ("Ann", "ann@example.com")
    assert issuer.requests("/userinfo") == 1


def test_a_silent_issuer_takes_no_address_away(api: FlaskClient, issuer: Issuer) -> None:
    """What was told once stays while nobody can be asked."""
    issuer.people["ann"] = {"sub": "ann", "name": "Ann", "email": "ann@example.com"}
    token = issuer.token(name="Ann", scope="openid email users:read")
    api.get("/users/me", headers=bearer(token))
    del issuer.people["ann"]
    with api.application.app_context():
        db.session.execute(db.text("UPDATE users SET checked_at = NULL"))
        db.session.commit()
    entry = body_of(api.get("/users/me", headers=bearer(token)))
    assert (entry["name"], entry["email"]) == ("Ann", "ann@example.com")


def test_services_resolve_many_at_once(
    person: Callable[[str], Someone], api: FlaskClient, issuer: Issuer
) -> None:
    """Known ids with addresses, unknown ones left out, one query; a person never."""
    ann, bob = person("ann"), person("bob")
    token = issuer.token(sub="campus", client_id="campus", scope="internal:users users:read")
    service = Someone(api, bearer(token))
    wanted = {"ids": [bob.id, ann.id, "u_000000000000000000000000", "x"]}
    with api.application.app_context():
        engine = db.engine
    with counted(engine) as statements:
        found = body_of(service.post("/internal/users/resolve", wanted))["items"]
    assert [item["sub"] for item in found] == ["ann", "bob"]
    assert len(statements) == 1
    assert ann.post("/internal/users/resolve", wanted).status_code == 403
    meddling = bearer(issuer.token(sub="ann", scope="internal:users"))
    assert Someone(api, meddling).post("/internal/users/resolve", wanted).status_code == 403
    assert service.post("/internal/users/resolve", {"ids": ["x"] * 201}).status_code == 422


def test_a_service_is_nobody(api: FlaskClient, issuer: Issuer) -> None:
    """It has no entry, no team and no contacts, but may read the directory."""
    token = issuer.token(sub="campus", client_id="campus", scope="users:read team:write")
    service = Someone(api, bearer(token))
    assert service.get("/users/me").status_code == 403
    assert service.post("/teams", {"name": "T"}).status_code == 403
    assert body_of(service.get("/users"))["items"] == []
