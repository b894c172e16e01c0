"""The permission table, held to the wire: who × what × on whose."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.workbench.projects.conftest import answered
from tests.unit.workbench.projects.test_uploads import begun, sent
from workbench.database import db
from workbench.projects.membership import projects_of, readers_of, roles_in
from workbench.projects.model import Project
from workbench.projects.permissions import Role
from workbench.teams.model import Member
from workbench.users.people import find_person

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.workbench.projects.conftest import Office

SEEN, DONE, MADE, GONE, FORBIDDEN, HIDDEN = 200, 200, 201, 204, 403, 404
# ann: the team's owner; abe: its admin; lea leads; max writes; rea reads; tim, eve: neither.
EVERYBODY = {"ann": 1, "abe": 1, "lea": 1, "max": 1, "rea": 1, "tim": 0, "eve": 0}
WRITERS = {"ann", "abe", "lea", "max"}
LEADERS = {"ann", "abe", "lea"}

Deed = tuple[str, str, Any, int, set[str]]


def deeds(office: Office) -> list[Deed]:
    """Return method, path, body, status when allowed, and who is allowed; each can be repeated."""
    home = f"/projects/{office.home['id']}"
    node = office.document("Plan", "text")
    file = answered(sent(office, begun(office, "f", b"f"), 0, b"f"))["file"]
    comment = office["lea"].made(f"/nodes/{node['id']}/comments", {"body": "hi"})["id"]
    everybody = {name for name, sees in EVERYBODY.items() if sees}
    reading = [
        home,
        f"{home}/members",
        f"{home}/tree",
        f"{home}/trash",
        f"/nodes/{node['id']}",
        f"/nodes/{node['id']}/comments",
        f"/documents/{node['id']}",
        f"/documents/{node['id']}/revisions",
        f"/documents/{node['id']}/revisions/1",
        f"/documents/{node['id']}/diff?from=1",
        f"/files/{file['id']}",
        f"/files/{file['id']}/content",
    ]
    return [
        *(("GET", path, None, SEEN, everybody) for path in reading),
        ("POST", f"{home}/folders", {"name": "{who}"}, MADE, WRITERS),
        ("POST", f"{home}/documents", {"title": "{who}.md"}, MADE, WRITERS),
        ("POST", f"{home}/uploads", {"name": "x", "size": 1}, MADE, WRITERS),
        ("POST", f"/nodes/{node['id']}/comments", {"body": "x"}, MADE, WRITERS),
        ("PUT", f"/documents/{node['id']}", {"body": "text"}, DONE, WRITERS),
        ("PATCH", f"/nodes/{node['id']}", {"name": "Plan"}, DONE, WRITERS),
        ("PATCH", home, {"name": "Home"}, DONE, LEADERS),
        ("PUT", f"{home}/members/{office['rea'].id}", {"role": "reader"}, DONE, LEADERS),
        ("PATCH", f"/comments/{comment}", {"body": "hi"}, DONE, {"lea"}),
    ]


def test_every_deed_is_open_to_whom_the_table_says(office: Office) -> None:
    """Who may not see it: 404; who sees it and may not: 403; all others: done."""
    wrong = []
    for method, path, body, status, allowed in deeds(office):
        for who, sees in EVERYBODY.items():
            said = {
                k: v.replace("{who}", who) if isinstance(v, str) else v
                for k, v in (body or {}).items()
            }
            answer = office[who].call(method, path, said or None, match='"v1"')
            expected = status if who in allowed else (FORBIDDEN if sees else HIDDEN)
            if answer.status_code != expected:
                wrong.append((who, method, path, answer.status_code, expected))
    assert wrong == []


@pytest.mark.parametrize("who", EVERYBODY)
def test_what_can_be_done_once_is_open_to_whom_the_table_says(office: Office, who: str) -> None:
    """Trash, restore, erase, delete a project and bring it back."""
    node = office.document("Plan")
    comment = office["lea"].made(f"/nodes/{node['id']}/comments", {"body": "hi"})["id"]
    home = f"/projects/{office.home['id']}"
    steps: list[tuple[str, str, int, set[str], Callable[[], object]]] = [
        ("DELETE", f"/comments/{comment}", GONE, LEADERS, lambda: None),
        (
            "DELETE",
            f"/nodes/{node['id']}",
            GONE,
            WRITERS,
            lambda: office["lea"].call("DELETE", f"/nodes/{node['id']}"),
        ),
        (
            "POST",
            f"/nodes/{node['id']}/restore",
            DONE,
            WRITERS,
            lambda: office["lea"].post(f"/nodes/{node['id']}/restore"),
        ),
        (
            "DELETE",
            f"/nodes/{node['id']}",
            GONE,
            WRITERS,
            lambda: office["lea"].call("DELETE", f"/nodes/{node['id']}"),
        ),
        ("DELETE", f"/trash/{node['id']}", GONE, LEADERS, lambda: None),
        ("DELETE", home, GONE, LEADERS, lambda: office["lea"].call("DELETE", home)),
        ("POST", f"{home}/restore", DONE, LEADERS, lambda: office["lea"].post(f"{home}/restore")),
        ("DELETE", home, GONE, LEADERS, lambda: office["lea"].call("DELETE", home)),
        (
            "DELETE",
            f"/teams/{office.team}/projects/deleted/{office.home['id']}",
            GONE,
            LEADERS,
            lambda: None,
        ),
    ]
    for method, path, status, allowed, otherwise in steps:
        answer = office[who].call(method, path)
        refused = FORBIDDEN if EVERYBODY[who] else HIDDEN
        assert answer.status_code == (status if who in allowed else refused), (method, path)
        if who not in allowed:
            otherwise()


def test_a_project_is_made_by_anybody_in_the_team(office: Office) -> None:
    """And led by whom it was made; strangers learn nothing of the team."""
    path = f"/teams/{office.team}/projects"
    assert office["tim"].made(path, {"name": "Own"})["role"] == "lead"
    assert office["eve"].post(path, {"name": "x"}).status_code == HIDDEN
    assert office["eve"].get(path).status_code == HIDDEN
    names = {
        who: [item["name"] for item in answered(office[who].get(path))["items"]]
        for who in ("ann", "max", "tim")
    }
    assert names == {"ann": ["Home", "Own"], "max": ["Home"], "tim": ["Own"]}
    assert [each["name"] for each in answered(office["tim"].get("/projects"))["items"]] == ["Own"]
    assert answered(office["eve"].get("/projects"))["items"] == []


def test_deleted_projects_are_told_to_whoever_can_bring_them_back(office: Office) -> None:
    """With who and when; to the owner and the admins all, to others what they led."""
    path = f"/teams/{office.team}/projects/deleted"
    own = office["tim"].made(f"/teams/{office.team}/projects", {"name": "Own"})
    assert office["lea"].call("DELETE", f"/projects/{office.home['id']}").status_code == GONE
    assert office["ann"].call("DELETE", f"/projects/{own['id']}").status_code == GONE
    assert office["lea"].get(f"/projects/{office.home['id']}").status_code == HIDDEN
    assert office["eve"].get(path).status_code == HIDDEN
    names = {
        who: [item["name"] for item in answered(office[who].get(path))["items"]]
        for who in ("ann", "abe", "lea", "tim", "max", "rea")
    }
    both = ["Own", "Home"]
    assert (names["ann"], names["abe"]) == (both, both)
    assert (names["lea"], names["tim"], names["max"], names["rea"]) == (["Home"], ["Own"], [], [])
    (item,) = answered(office["tim"].get(path))["items"]
    assert (item["deleted_by"]["id"], item["role"]) == (office["ann"].id, "lead")
    assert item["deleted_at"] is not None


def test_whoever_left_the_team_can_bring_nothing_back(office: Office) -> None:
    """Nor once they are back: a lead of before is no lead of now."""
    path = f"/teams/{office.team}/projects/deleted"
    home = f"/projects/{office.home['id']}"
    assert office["lea"].call("DELETE", home).status_code == GONE
    office.leave("lea")
    for answer in (
        office["lea"].get(path),
        office["lea"].post(f"{home}/restore"),
        office["lea"].call("DELETE", f"{path}/{office.home['id']}"),
    ):
        assert answer.status_code == HIDDEN


def test_whoever_leaves_the_team_leaves_its_projects(office: Office) -> None:
    """And comes back without them; what they made stays."""
    office.document("Of max")
    office.leave("max")
    assert office["max"].get(f"/projects/{office.home['id']}").status_code == HIDDEN
    members = answered(office["lea"].get(f"/projects/{office.home['id']}/members"))["items"]
    assert [each["user"]["name"] for each in members] == ["lea", "rea"]
    assert office.tree("lea") == ["Of max"]
    with office.app.app_context():
        # They joined again a moment later than they were made a member.
        office.join("max")
        person = find_person(office["max"].id)
        assert person is not None
        row = db.session.query(Member).filter_by(user_pk=person.pk).one()
        row.joined_at += timedelta(seconds=2)
        db.session.commit()
    assert office["max"].get(f"/projects/{office.home['id']}").status_code == HIDDEN


def test_people_of_a_project_are_of_its_team(office: Office) -> None:
    """Whoever is not is named as the fault; everybody may leave by themselves."""
    home = f"/projects/{office.home['id']}/members"
    for stranger in (office["eve"].id, "u_" + "0" * 24):
        refused = answered(office["lea"].call("PUT", f"{home}/{stranger}", {"role": "member"}), 422)
        assert refused["errors"][0]["field"] == "user"
    assert office["rea"].call("DELETE", f"{home}/{office['rea'].id}").status_code == GONE
    assert office["rea"].get(f"/projects/{office.home['id']}").status_code == HIDDEN
    assert office["max"].call("DELETE", f"{home}/{office['lea'].id}").status_code == FORBIDDEN
    assert office["lea"].call("DELETE", f"{home}/{office['rea'].id}").status_code == HIDDEN


def test_other_rooms_are_told_the_same(office: Office) -> None:
    """What the feed and the inbox ask agrees with what the wire answers."""
    with office.app.app_context():
        home = db.session.query(Project).one().pk
        pks = {}
        for name in EVERYBODY:
            person = find_person(office[name].id)
            assert person is not None
            pks[name] = person.pk
        seers = {name for name, pk in pks.items() if home in projects_of(pk)}
        assert seers == {name for name, sees in EVERYBODY.items() if sees}
        assert readers_of(home) == {pks[name] for name in seers}
        assert readers_of(home, [pks["max"], pks["eve"]]) == {pks["max"]}
        assert roles_in(home) == {
            pks["lea"]: Role.LEAD,
            pks["max"]: Role.MEMBER,
            pks["rea"]: Role.READER,
        }
