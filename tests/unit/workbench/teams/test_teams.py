"""Teams, their members and groups."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.support.queries import counted
from workbench.database import db
from workbench.journal import Channel, reading
from workbench.teams import membership
from workbench.teams.model import Role, Team
from workbench.users.people import find_person

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.unit.workbench.conftest import Someone
    from tests.unit.workbench.teams.conftest import Crew


def team_pk(team: str) -> int:
    """Return the pk behind a public id; inside an application."""
    return db.session.scalars(select(Team.pk).where(Team.id == team)).one()


def verbs(api: FlaskClient, team: str, *, admins: bool = False) -> list[str]:
    """Return what the journal says of the team with this public id, oldest first."""
    with api.application.app_context():
        pk = team_pk(team)
        channel = Channel.team_admins(pk) if admins else Channel.team(pk)
        return [each.verb for each in reading.newest([channel], limit=99)][::-1]


def test_a_team_begins_with_its_founder(person: Callable[[str], Someone], api: FlaskClient) -> None:
    """The founder owns it; it has five groups; the journal knows."""
    ann = person("ann")
    answer = ann.post("/teams", {"name": "  Cloak  ", "description": "衣帽间"})
    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.headers["Location"] == f"/teams/{answer.json['id']}"
    assert answer.headers["ETag"] == '"v1"'
    shown = ann.get(answer.headers["Location"])
    assert shown.json == answer.json
    assert (answer.json["name"], answer.json["role"], answer.json["members"]) == (
        "Cloak",
        "owner",
        1,
    )
    groups = ann.get(f"/teams/{answer.json['id']}/groups").json
    assert groups is not None
    names = [group["name"] for group in groups["items"]]
    assert names == ["Product", "Front end", "Back end", "Android", "Design"]
    assert verbs(api, answer.json["id"]) == ["team.created"]


def test_two_who_describe_at_once_are_told(crew: Crew, api: FlaskClient) -> None:
    """The second must look again; nothing is overwritten unseen."""
    first = crew["owner"].call("PATCH", crew.url, {"name": "New"}, match='"v1"')
    second = crew["admin"].call("PATCH", crew.url, {"name": "Other"}, match='"v1"')
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.headers["ETag"] == first.headers["ETag"] == '"v2"'
    assert first.json is not None
    assert (first.json["name"], first.json["description"]) == ("New", "")
    assert crew["owner"].call("PATCH", crew.url, {"name": "New"}).status_code == 428
    assert verbs(api, crew.team)[-1] == "team.changed"


def test_handing_over_makes_another_the_owner(crew: Crew, api: FlaskClient) -> None:
    """The old owner stays as an admin, and may leave now."""
    owner = crew["owner"]
    assert owner.call("DELETE", f"{crew.url}/members/{owner.id}").status_code == 409
    assert owner.post(f"{crew.url}/hand-over", {"to": crew["member"].id}).status_code == 200
    assert crew.members() == {"owner": "admin", "admin": "admin", "member": "owner"}
    assert owner.call("DELETE", f"{crew.url}/members/{owner.id}").status_code == 204
    assert owner.get(crew.url).status_code == 404
    assert verbs(api, crew.team)[-2:] == ["team.handed_over", "member.left"]


@pytest.mark.parametrize("to", ["owner", "stranger", "u_000000000000000000000000", "x"])
def test_only_another_member_can_take_over(crew: Crew, to: str) -> None:
    """A stranger, oneself and nobody are refused alike."""
    target = crew.people[to].id if to in crew.people else to
    answer = crew["owner"].post(f"{crew.url}/hand-over", {"to": target})
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"][0]["field"] == "to"


def test_a_team_keeps_an_owner(crew: Crew) -> None:
    """The last one can neither leave nor be made less."""
    own = f"{crew.url}/members/{crew['owner'].id}"
    for answer in (
        crew["owner"].call("DELETE", own),
        crew["owner"].call("PATCH", own, {"role": "member"}),
    ):
        assert answer.status_code == 409
        assert answer.json is not None
        assert answer.json["code"] == "last_owner"


def test_two_owners_cannot_both_leave(crew: Crew) -> None:
    """At once, too: one leaves, the other is the last."""
    crew["owner"].call("PATCH", f"{crew.url}/members/{crew['admin'].id}", {"role": "owner"})
    leaving = [crew["owner"], crew["admin"]]
    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(
            pool.map(
                lambda one: one.call("DELETE", f"{crew.url}/members/{one.id}").status_code, leaving
            )
        )
    assert statuses == [204, 409]


def test_a_dissolved_team_is_gone_for_everybody(crew: Crew, api: FlaskClient) -> None:
    """Its rows stay; nothing of it answers, and no way leads into it."""
    code = crew["owner"].made(f"{crew.url}/invitations", {})["code"]
    sent = crew.newcomer("new").made(f"{crew.url}/applications", {})["id"]
    assert crew["owner"].call("DELETE", crew.url).status_code == 204
    assert crew["owner"].call("DELETE", crew.url).status_code == 404
    for path in ("", "/members", "/groups", "/applications", "/invitations"):
        assert crew["owner"].get(crew.url + path).status_code == 404
    mine = crew["admin"].get("/teams").json
    listed = crew["admin"].get("/teams/directory").json
    assert mine is not None
    assert listed is not None
    assert mine["items"] == []
    assert [team["name"] for team in listed["items"]] == ["Elsewhere"]
    assert crew["stranger"].post("/invitations/look", {"code": code}).status_code == 410
    assert crew["stranger"].post("/invitations/accept", {"code": code}).status_code == 404
    assert crew["owner"].post(f"/applications/{sent}/approve").status_code == 404
    with api.application.app_context():
        ann = find_person(crew["owner"].id)
        assert ann is not None
        assert membership.role_in(crew.team, ann.pk) is None
        assert membership.teams_of(ann.pk) == []
        assert len(membership.members(team_pk(crew.team))) == 3  # kept


def test_members_are_listed_by_group(crew: Crew) -> None:
    """All of them, one group of them, those in none."""
    design = crew.groups()["Design"]
    crew["owner"].call("PATCH", f"{crew.url}/members/{crew['member'].id}", {"group": design})

    def names(query: str) -> list[str]:
        page = crew["member"].get(f"{crew.url}/members{query}").json
        assert page is not None
        return [item["user"]["name"] for item in page["items"]]

    assert names("") == ["owner", "admin", "member"]
    assert names(f"?group={design}") == ["member"]
    assert names("?group=none") == ["owner", "admin"]
    elsewhere = crew["stranger"].get("/teams").json
    assert elsewhere is not None
    foreign = crew["stranger"].get(f"/teams/{elsewhere['items'][0]['id']}/groups").json
    assert foreign is not None
    foreign_group = foreign["items"][0]["id"]
    assert crew["member"].get(f"{crew.url}/members?group={foreign_group}").status_code == 404
    at = f"{crew.url}/members/{crew['member'].id}"
    assert crew["owner"].call("PATCH", at, {"group": foreign_group}).status_code == 422


def test_a_member_changes_place_and_role_in_one_go(crew: Crew, api: FlaskClient) -> None:
    """What is as it should be makes no event."""
    at = f"{crew.url}/members/{crew['member'].id}"
    change = {"role": "admin", "group": crew.groups()["Back end"]}
    for _ in range(2):
        answer = crew["owner"].call("PATCH", at, change)
        assert answer.json is not None
        assert (answer.json["role"], answer.json["group"]["name"]) == ("admin", "Back end")
    assert verbs(api, crew.team)[-2:] == ["member.moved", "member.role_changed"]
    cleared = crew["owner"].call("PATCH", at, {"group": None})
    assert cleared.json is not None
    assert cleared.json["group"] is None


def test_groups_are_named_placed_and_deleted(crew: Crew) -> None:
    """Members of a deleted group stay in the team."""
    made = crew["admin"].made(f"{crew.url}/groups", {"name": "iOS"})
    at = f"{crew.url}/groups/{made['id']}"
    crew["owner"].call("PATCH", f"{crew.url}/members/{crew['member'].id}", {"group": made["id"]})
    moved = crew["admin"].call("PATCH", at, {"name": "苹果", "position": 1}, match=made["etag"])
    assert moved.status_code == 200
    assert list(crew.groups()) == [
        "苹果",
        "Product",
        "Front end",
        "Back end",
        "Android",
        "Design",
    ]
    assert crew["admin"].post(f"{crew.url}/groups", {"name": "苹果"}).status_code == 422
    assert crew["admin"].call("PATCH", at, {"name": "x"}, match='"v1"').status_code == 412
    assert crew["admin"].call("DELETE", at).status_code == 204
    assert "苹果" not in crew.groups()
    assert crew.members()["member"] == "member"
    assert crew["admin"].call("DELETE", at).status_code == 404


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("crew", ["Crew 队"]),
        ("队", ["Crew 队"]),
        ("ｃｒ", ["Crew 队"]),
        ("wc", []),
        ("队 ", ["Crew 队"]),
    ],
)
def test_the_directory_finds_by_part_of_a_name(crew: Crew, sought: str, found: list[str]) -> None:
    """Also one Chinese character, also in another width; groups come along for the application."""
    page = crew["stranger"].get(f"/teams/directory?q={sought}").json
    assert page is not None
    assert [team["name"] for team in page["items"]] == found
    assert all(len(team["groups"]) == 5 for team in page["items"])


def test_an_unlisted_team_is_not_found(crew: Crew) -> None:
    """It takes an invitation; to strangers it does not exist."""
    crew["owner"].call("PATCH", crew.url, {"listed": False}, match="*")
    page = crew["stranger"].get("/teams/directory").json
    assert page is not None
    assert [team["name"] for team in page["items"]] == ["Elsewhere"]
    assert crew["stranger"].post(f"{crew.url}/applications", {}).status_code == 404


def test_pages_of_members_meet_everybody_once(crew: Crew) -> None:
    """Following `next` ends."""
    seen, query = [], "?limit=2"
    while query:
        page = crew["member"].get(f"{crew.url}/members{query}").json
        assert page is not None
        seen += [item["user"]["name"] for item in page["items"]]
        query = f"?limit=2&after={page['next']}" if page["next"] else ""
    assert seen == ["owner", "admin", "member"]


LISTS = {
    "/teams": 2,
    "/teams/directory": 3,
    "/teams/directory?q=crew": 3,
    "": 2,
    "/members": 5,
    "/groups": 3,
    "/applications": 6,
    "/invitations": 5,  # what their makers may do now is one for all of them
}


def test_a_list_costs_the_same_however_long(crew: Crew, api: FlaskClient) -> None:
    """No query a row: the caller's entry, the standing, the page, what is embedded."""
    group = crew.groups()["Design"]
    for number in range(5):
        someone = crew.newcomer(f"n{number}")
        someone.made("/teams", {"name": f"crew {number}"})
        if number < 3:
            crew.joins(someone)
            at = f"{crew.url}/members/{someone.id}"
            crew["owner"].call("PATCH", at, {"group": group})
        else:
            someone.made(f"{crew.url}/applications", {"group": group})
    with api.application.app_context():
        engine = db.engine
    for path, most in LISTS.items():
        url = path if path.startswith("/teams") else crew.url + path
        with counted(engine) as statements:
            assert crew["owner"].get(url).status_code == 200
        assert len(statements) == most, (path, statements)


def test_other_rooms_ask_for_standing(crew: Crew, api: FlaskClient) -> None:
    """One query an answer; strangers have none."""
    with api.application.app_context():
        people = {role: find_person(crew[role].id) for role in crew.people}
        pks = {role: person.pk for role, person in people.items() if person}
        with counted(db.engine) as statements:
            standing = membership.require_member(crew.team, pks["admin"])
        assert len(statements) == 1
        assert (standing.role, standing.team_name) == (Role.ADMIN, "Crew 队")
        assert membership.standing_at(standing.team, pks["admin"]) == standing
        assert membership.role_in(crew.team, pks["stranger"]) is None
        assert membership.are_members(standing.team, pks.values()) == {
            pks[role] for role in ("owner", "admin", "member")
        }
        assert membership.share_team(pks["member"], pks["owner"])
        assert not membership.share_team(pks["member"], pks["stranger"])
        assert membership.find_group(standing.team, crew.groups()["Design"]) is not None
        assert membership.find_group(standing.team + 1, crew.groups()["Design"]) is None
