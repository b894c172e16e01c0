"""The two ways in: applications and invitations; and the way of other services."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from tests.unit.workbench.conftest import Someone, bearer
from tests.unit.workbench.teams.test_teams import verbs
from workbench.database import db
from workbench.kit.clock import utc_now
from workbench.teams.model import Application, Invitation

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.unit.workbench.conftest import Issuer
    from tests.unit.workbench.teams.conftest import Crew


def code_of(answer: Any) -> str:  # noqa: ANN401 - a test response
    """Return the problem's code."""
    return str(answer.json["code"])


def test_a_newcomer_applies_and_is_let_in(crew: Crew, api: FlaskClient) -> None:
    """Without any team: find, apply, be approved, be a member of the wanted group."""
    new = crew.newcomer("new")
    found = new.get("/teams/directory?q=crew").json
    assert found is not None
    group = found["items"][0]["groups"][1]
    sent = new.made(f"{crew.url}/applications", {"message": "让我加入", "group": group["id"]})
    assert sent["state"] == "open"
    waiting = crew["admin"].get(f"{crew.url}/applications").json
    assert waiting is not None
    assert [(item["user"]["name"], item["message"]) for item in waiting["items"]] == [
        ("new", "让我加入")
    ]
    approved = crew["admin"].post(f"/applications/{sent['id']}/approve")
    assert approved.json is not None
    assert approved.json["state"] == "approved"
    page = new.get(f"{crew.url}/members?group={group['id']}").json
    assert page is not None
    assert [item["user"]["name"] for item in page["items"]] == ["new"]
    mine = new.get("/applications").json
    assert mine is not None
    assert [item["state"] for item in mine["items"]] == ["approved"]
    assert verbs(api, crew.team)[-1] == "member.joined"
    assert verbs(api, crew.team, admins=True)[-2:] == ["application.sent", "application.approved"]


def test_a_refusal_gives_its_reason(crew: Crew) -> None:
    """The applicant reads it, and may apply again."""
    new = crew.newcomer("new")
    sent = new.made(f"{crew.url}/applications", {})
    crew["owner"].post(f"/applications/{sent['id']}/refuse", {"reason": "本学期已满"})
    mine = new.get("/applications").json
    assert mine is not None
    assert (mine["items"][0]["state"], mine["items"][0]["reason"]) == ("refused", "本学期已满")
    assert new.get(crew.url).status_code == 404
    assert new.post(f"{crew.url}/applications", {}).status_code == 201


def test_a_decision_is_made_once(crew: Crew, api: FlaskClient) -> None:
    """Twice the same does nothing twice; another one comes too late."""
    sent = crew.newcomer("new").made(f"{crew.url}/applications", {})["id"]
    for _ in range(2):
        assert crew["owner"].post(f"/applications/{sent}/approve").status_code == 200
    answer = crew["owner"].post(f"/applications/{sent}/refuse", {"reason": "no"})
    assert (answer.status_code, code_of(answer)) == (409, "already_decided")
    assert verbs(api, crew.team, admins=True).count("application.approved") == 1
    assert verbs(api, crew.team).count("member.joined") == 3


def test_two_leaders_who_decide_at_once(crew: Crew) -> None:
    """One decision stands, whichever; the person is a member exactly if it was yes."""
    sent = crew.newcomer("new").made(f"{crew.url}/applications", {})["id"]
    with ThreadPoolExecutor(2) as pool:
        yes = pool.submit(crew["owner"].post, f"/applications/{sent}/approve")
        no = pool.submit(crew["admin"].post, f"/applications/{sent}/refuse", {"reason": "no"})
        statuses = {"yes": yes.result().status_code, "no": no.result().status_code}
    assert sorted(statuses.values()) == [200, 409]
    assert ("new" in crew.members()) is (statuses["yes"] == 200)


def test_one_open_application_a_person_and_team(crew: Crew, api: FlaskClient) -> None:
    """Six clicks at once: one application."""
    new = crew.newcomer("new")
    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(
            pool.map(lambda _: new.post(f"{crew.url}/applications", {}).status_code, range(6))
        )
    assert statuses == [201, 409, 409, 409, 409, 409]
    with api.application.app_context():
        assert len(db.session.scalars(select(Application)).all()) == 1


def test_an_application_can_be_withdrawn(crew: Crew) -> None:
    """By its sender, while it is open; then there may be another."""
    new = crew.newcomer("new")
    sent = new.made(f"{crew.url}/applications", {})["id"]
    for _ in range(2):
        assert new.post(f"/applications/{sent}/withdraw").status_code == 200
    assert crew["owner"].post(f"/applications/{sent}/approve").status_code == 409
    assert new.post(f"{crew.url}/applications", {}).status_code == 201


def test_members_do_not_apply(crew: Crew) -> None:
    """They are told that they are in."""
    answer = crew["member"].post(f"{crew.url}/applications", {})
    assert (answer.status_code, code_of(answer)) == (409, "already_member")


def test_an_invitation_is_looked_at_then_accepted(crew: Crew, api: FlaskClient) -> None:
    """Looking joins nobody; accepting joins, with role and group; its code is shown once."""
    group = crew.groups()["Android"]
    wanted = {"role": "admin", "group": group, "uses": 2}
    made = crew["owner"].made(f"{crew.url}/invitations", wanted)
    new = crew.newcomer("new")
    look = new.post("/invitations/look", {"code": made["code"]})
    assert look.json is not None
    assert look.json["team"] == {"id": crew.team, "name": "Crew 队"}
    assert (look.json["role"], look.json["group"]["name"], look.json["member"]) == (
        "admin",
        "Android",
        False,
    )
    assert new.get(crew.url).status_code == 404
    first = new.post("/invitations/accept", {"code": made["code"]})
    again = new.post("/invitations/accept", {"code": made["code"]})
    assert first.json is not None
    assert again.json is not None
    assert (first.json["joined"], again.json["joined"]) == (True, False)
    assert crew.members()["new"] == "admin"
    page = crew["owner"].get(f"{crew.url}/invitations").json
    assert page is not None
    assert page["items"][0]["used"] == 1
    assert made["code"] not in str(page)
    with api.application.app_context():
        digests = db.session.scalars(select(Invitation.digest)).all()
    assert made["code"] not in digests


def test_a_link_for_one_lets_one_in(crew: Crew) -> None:
    """Six people at once: one joins, five are told that it is over."""
    code = crew["owner"].made(f"{crew.url}/invitations", {"uses": 1})["code"]
    people = [crew.newcomer(f"n{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(
            pool.map(
                lambda one: one.post("/invitations/accept", {"code": code}).status_code, people
            )
        )
    assert statuses == [200, 410, 410, 410, 410, 410]
    assert len(crew.members()) == 4


def test_one_person_twice_at_once_uses_it_once(crew: Crew) -> None:
    """A double click on a link for two leaves the other place free."""
    code = crew["owner"].made(f"{crew.url}/invitations", {"uses": 2})["code"]
    new = crew.newcomer("new")
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: new.post("/invitations/accept", {"code": code}), range(4))
        )
    assert [answer.status_code for answer in answers] == [200] * 4
    page = crew["owner"].get(f"{crew.url}/invitations").json
    assert page is not None
    assert page["items"][0]["used"] == 1


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_an_invitation_ends(crew: Crew, api: FlaskClient, end: str) -> None:
    """Revoked or too old: 410; a code that never was: 404."""
    made = crew["owner"].made(f"{crew.url}/invitations", {})
    if end == "revoked":
        at = f"{crew.url}/invitations/{made['id']}"
        assert [crew["owner"].call("DELETE", at).status_code for _ in range(2)] == [204, 204]
        assert verbs(api, crew.team, admins=True).count("invitation.revoked") == 1
    else:
        with api.application.app_context():
            db.session.execute(update(Invitation).values(expires_at=utc_now() - timedelta(1)))
            db.session.commit()
    new = crew.newcomer("new")
    for word in ("look", "accept"):
        answer = new.post(f"/invitations/{word}", {"code": made["code"]})
        assert (answer.status_code, code_of(answer)) == (410, "invitation_over")
        assert "Crew" not in answer.text
        assert new.post(f"/invitations/{word}", {"code": "no such"}).status_code == 404


@pytest.mark.parametrize("end", ["leaves", "removed", "demoted"])
def test_an_invitation_is_as_good_as_its_maker(crew: Crew, end: str) -> None:
    """Whoever may not invite any more lets nobody in, nor themselves back in."""
    admin, new = crew["admin"], crew.newcomer("new")
    code = admin.made(f"{crew.url}/invitations", {"uses": 9})["code"]
    assert new.post("/invitations/look", {"code": code}).status_code == 200
    at = f"{crew.url}/members/{admin.id}"
    if end == "demoted":
        crew["owner"].call("PATCH", at, {"role": "member"})
    else:
        (admin if end == "leaves" else crew["owner"]).call("DELETE", at)
    for path in ("/invitations/look", "/invitations/accept"):
        assert code_of(new.post(path, {"code": code})) == "invitation_over"
    if end != "demoted":
        assert code_of(admin.post("/invitations/accept", {"code": code})) == "invitation_over"
    listed = crew["owner"].get(f"{crew.url}/invitations").json
    assert listed is not None
    assert [each["good"] for each in listed["items"] if each["created_by"]["id"] == admin.id] == [
        False
    ]


def test_an_admins_link_ends_with_whoever_owned_the_team(crew: Crew) -> None:
    """A former owner, an admin now, may invite members but makes no admins."""
    owner = crew["owner"]
    code = owner.made(f"{crew.url}/invitations", {"role": "admin"})["code"]
    plain = owner.made(f"{crew.url}/invitations", {})["code"]
    owner.post(f"{crew.url}/hand-over", {"to": crew["member"].id})
    new = crew.newcomer("new")
    assert code_of(new.post("/invitations/accept", {"code": code})) == "invitation_over"
    assert new.post("/invitations/accept", {"code": plain}).status_code == 200


def test_joining_closes_an_open_application(crew: Crew) -> None:
    """Whoever comes in by a link need not be decided upon."""
    new = crew.newcomer("new")
    new.made(f"{crew.url}/applications", {})
    crew.joins(new)
    mine = new.get("/applications").json
    waiting = crew["owner"].get(f"{crew.url}/applications").json
    assert mine is not None
    assert waiting is not None
    assert mine["items"][0]["state"] == "closed"
    assert waiting["items"] == []


def test_a_deleted_group_leaves_the_way_in_open(crew: Crew) -> None:
    """An invitation and an application into it lead into the team, and into no group."""
    group = crew.groups()["Android"]
    code = crew["owner"].made(f"{crew.url}/invitations", {"group": group})["code"]
    sent = crew.newcomer("one").made(f"{crew.url}/applications", {"group": group})["id"]
    crew["owner"].call("DELETE", f"{crew.url}/groups/{group}")
    accepted = crew.newcomer("two").post("/invitations/accept", {"code": code})
    approved = crew["owner"].post(f"/applications/{sent}/approve")
    assert (accepted.status_code, approved.status_code) == (200, 200)
    page = crew["owner"].get(f"{crew.url}/members?group=none").json
    assert page is not None
    assert {"one", "two"} <= {item["user"]["name"] for item in page["items"]}


@pytest.fixture
def service(api: FlaskClient, issuer: Issuer) -> Someone:
    """Another service with a token of its own right."""
    token = issuer.token(sub="campus", client_id="campus", scope="internal:users")
    return Someone(api, bearer(token))


def test_a_service_changes_membership(crew: Crew, service: Someone, api: FlaskClient) -> None:
    """In, changed, out; repeated without effect; the last owner stays."""
    new = crew.newcomer("new")
    at = f"/internal/teams/{crew.team}/members/{new.id}"
    for _ in range(2):
        answer = service.call("PUT", at, {"role": "admin"})
        assert answer.json is not None
        assert answer.json["role"] == "admin"
    assert service.call("PUT", at, {}).status_code == 200
    assert crew.members()["new"] == "member"
    assert service.call("DELETE", at).status_code == 204
    assert service.call("DELETE", at).status_code == 404
    last = f"/internal/teams/{crew.team}/members/{crew['owner'].id}"
    assert service.call("DELETE", last).status_code == 409
    assert verbs(api, crew.team)[-3:] == ["member.joined", "member.role_changed", "member.removed"]


def test_a_person_is_no_service(crew: Crew, api: FlaskClient, issuer: Issuer) -> None:
    """The scope alone does not do: a token with a person behind it is refused."""
    at = f"/internal/teams/{crew.team}/members/{crew['member'].id}"
    person = Someone(api, bearer(issuer.token(sub="owner", scope="internal:users")))
    assert person.call("DELETE", at).status_code == 403
    assert crew["owner"].call("DELETE", at).status_code == 403
    assert "member" in crew.members()
