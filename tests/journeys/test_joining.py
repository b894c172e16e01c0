"""Two ways into a team, through the gateway, with the cookie and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.visitor import Visitor

if TYPE_CHECKING:
    from typing import Any

    from tests.support.world import World


def newcomer(world: World, name: str) -> Visitor:
    """Return the browser of somebody who has just signed in for the first time."""
    visitor = Visitor(world.bff.url, world.new_account(name))
    visitor.sign_in()
    return visitor


def send(visitor: Visitor, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Return what the API answers to *body*; nothing but success will do."""
    answer = visitor.api(path, method, body=body)
    assert answer.status in {200, 201, 204}, answer.text
    return answer.json() if answer.status != 204 else None


def test_found_apply_approve_invite_accept_leave(world: World) -> None:
    """One founds, one applies, one follows a link; whoever leaves sees nothing any more."""
    founder, applicant, guest = (newcomer(world, name) for name in ("fay", "abe", "gus"))
    team = send(founder, "POST", "/teams", {"name": "Journey 旅"})["id"]
    found = send(applicant, "GET", "/teams/directory?q=journey")["items"]
    assert [each["id"] for each in found] == [team]
    sent = send(applicant, "POST", f"/teams/{team}/applications", {"message": "你好"})["id"]
    assert applicant.api(f"/teams/{team}").status == 404
    send(founder, "POST", f"/applications/{sent}/approve", {})
    code = send(founder, "POST", f"/teams/{team}/invitations", {})["code"]
    assert send(guest, "POST", "/invitations/look", {"code": code})["team"]["id"] == team
    assert send(guest, "POST", "/invitations/accept", {"code": code})["joined"]
    members = send(guest, "GET", f"/teams/{team}/members")["items"]
    assert [each["role"] for each in members] == ["owner", "member", "member"]
    own = send(guest, "GET", "/users/me")
    assert own["email"] == guest.person.email
    send(guest, "DELETE", f"/teams/{team}/members/{own['id']}")
    assert guest.api(f"/teams/{team}").status == 404
    assert send(applicant, "GET", f"/teams/{team}")["members"] == 2
