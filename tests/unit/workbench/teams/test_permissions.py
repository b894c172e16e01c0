"""The permission tables, cell by cell, over the wire: who, what, on whose."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.unit.workbench.teams.conftest import ROLES
from workbench.teams.model import Role
from workbench.teams.permissions import IN_TEAM, ON_MEMBER, Deed, DeedOn

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.workbench.teams.conftest import Crew

# Written again, by hand: the code's table and this one must say the same.
MAY = {
    "see": "owner admin member",
    "leave": "owner admin member",
    "describe": "owner admin",
    "arrange": "owner admin",
    "judge": "owner admin",
    "invite": "owner admin",
    "invite_admin": "owner",
    "hand_over": "owner",
    "dissolve": "owner",
}
MAY_ON = {
    "move": {"owner": "owner admin member", "admin": "owner admin member"},
    "remove": {"owner": "owner admin member", "admin": "member"},
    "appoint": {"owner": "owner admin member"},
}


def attempt(crew: Crew, deed: str, role: str) -> list[TestResponse]:
    """Let the person of *role* try every operation that is *deed*."""
    me, url = crew[role], crew.url
    groups = f"{url}/groups"
    group = (
        f"{groups}/{crew['owner'].made(groups, {'name': 'Old'})['id']}" if deed == "arrange" else ""
    )
    if deed == "leave":
        crew.joins(crew.newcomer("second owner"), "owner")
    if deed == "judge":
        people = [crew.newcomer(name) for name in ("one", "two")]
        sent = [one.made(f"{url}/applications", {})["id"] for one in people]
        return [
            me.get(f"{url}/applications"),
            me.post(f"/applications/{sent[0]}/approve"),
            me.post(f"/applications/{sent[1]}/refuse", {"reason": "full"}),
        ]
    invitation = f"{url}/invitations/{crew['owner'].made(f'{url}/invitations', {})['id']}"
    calls: dict[str, list[tuple[str, str, object]]] = {
        "see": [("GET", f"{url}{rest}", None) for rest in ("", "/members", "/groups")],
        "leave": [("DELETE", f"{url}/members/{me.id}", None)],
        "describe": [("PATCH", url, {"description": "x"})],
        "arrange": [
            ("POST", groups, {"name": "New"}),
            ("PATCH", group, {"name": "Newer"}),
            ("DELETE", group, None),
        ],
        "invite": [
            ("POST", f"{url}/invitations", {}),
            ("GET", f"{url}/invitations", None),
            ("DELETE", invitation, None),
        ],
        "invite_admin": [("POST", f"{url}/invitations", {"role": "admin"})],
        "hand_over": [("POST", f"{url}/hand-over", {"to": crew["member"].id})],
        "dissolve": [("DELETE", url, None)],
    }
    return [me.call(method, path, body, match='"v1"') for method, path, body in calls[deed]]


def judge(answers: list[TestResponse], role: str, *, allowed: bool) -> None:
    """Hold *answers* against the table."""
    for answer in answers:
        if allowed:
            assert answer.status_code in {200, 201, 204}, answer.text
            continue
        assert answer.json is not None
        expected = "not_found" if role == "stranger" else "forbidden_deed"
        assert answer.json["code"] == expected, answer.request.url
        assert "Crew" not in answer.text


@pytest.mark.parametrize("role", ROLES)
def test_who_may_do_what(crew: Crew, role: str) -> None:
    """Members who may not: 403. Strangers: the 404 of what is not there, whatever they try."""
    for deed in Deed:
        if deed != Deed.LEAVE:  # below; dissolving is the last of the others
            judge(attempt(crew, deed, role), role, allowed=role in MAY[deed].split())
        if deed == Deed.HAND_OVER and role == "owner":
            back = {"to": crew["owner"].id}
            assert crew["member"].post(f"{crew.url}/hand-over", back).status_code == 200


@pytest.mark.parametrize("role", ROLES)
def test_who_may_leave(crew: Crew, role: str) -> None:
    """Every member, while there is another owner; a stranger is not in it."""
    judge(attempt(crew, "leave", role), role, allowed=role != "stranger")


@pytest.mark.parametrize("who", ROLES)
def test_who_may_do_what_to_whom(crew: Crew, who: str) -> None:
    """An admin is no match for another admin; a stranger meets nobody."""
    design = crew.groups()["Design"]
    for deed, whom in itertools.product(DeedOn, ("owner", "admin", "member")):
        target = crew.newcomer(f"{deed} {whom}")
        crew.joins(target, whom)
        at = f"{crew.url}/members/{target.id}"
        answer = {
            "move": partial(crew[who].call, "PATCH", at, {"group": design}),
            "remove": partial(crew[who].call, "DELETE", at),
            "appoint": partial(crew[who].call, "PATCH", at, {"role": "admin"}),
        }[deed]()
        judge([answer], who, allowed=whom in MAY_ON[deed].get(who, "").split())


def test_the_code_says_the_same() -> None:
    """Both tables, whole: a deed that is added must be decided here too."""
    said = {deed: frozenset(map(Role, roles.split())) for deed, roles in MAY.items()}
    assert {deed.value: roles for deed, roles in IN_TEAM.allowed.items()} == said
    on = {
        deed: frozenset(
            (Role(who), Role(whom)) for who, all_whom in table.items() for whom in all_whom.split()
        )
        for deed, table in MAY_ON.items()
    }
    assert {deed.value: pairs for deed, pairs in ON_MEMBER.allowed.items()} == on


def test_an_application_is_decided_where_it_was_sent(crew: Crew) -> None:
    """Neither leaders of another team nor another applicant can touch it."""
    sent = crew.newcomer("new").made(f"{crew.url}/applications", {})["id"]
    for word in ("approve", "refuse", "withdraw"):
        assert crew["stranger"].post(f"/applications/{sent}/{word}").status_code == 404
    assert crew["owner"].post(f"/applications/{sent}/withdraw").status_code == 404
