"""Programs of administrators make people, clients and invitations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sso.accounts.users import NewUser
from sso.storage.audit import AuditEntry
from tests.unit.sso.administration.test_administration import deed, program
from tests.unit.sso.house import CALLBACK, PASSWORD, link_in

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House


def make(house: House, kind: str, **members: Any) -> TestResponse:  # noqa: ANN401 - JSON
    """Post *members* as a program of an administrator."""
    http = house.app.test_client()
    return http.post(f"/admin/api/{kind}", json=members, headers=program(house))


@pytest.mark.rule("A-60")
def test_an_account_is_made_with_a_password(either_house: House) -> None:
    """It signs in at once, and the log names the program."""
    house = either_house
    made = make(
        house,
        "users",
        username="grace",
        email="grace@example.org",
        password=PASSWORD,
        email_verified=True,
    )
    assert made.status_code == 201
    assert house.visitor().sign_in("grace").status_code == 303
    user = house.base.users.find((made.json or {})["id"])
    assert user
    assert user.email_verified
    assert not user.is_admin
    with house.base.storage.reading() as session:
        entry = session.query(AuditEntry).filter_by(object=f"user:{user.sub}").one()
    assert entry.actor.startswith("client:")


def test_without_a_password_its_owner_chooses_one(house: House) -> None:
    """By a letter; until then it opens to nobody."""
    assert make(house, "users", username="grace", email="g@example.org").status_code == 201
    [letter] = house.letters()
    assert letter["To"] == "g@example.org"
    house.visitor().submit(link_in(letter), new_password=PASSWORD)
    assert house.visitor().sign_in("grace").status_code == 303


def test_a_client_is_made_and_works(house: House) -> None:
    """Its secret is in this answer and in no other."""
    made = make(house, "clients", name="App", redirect_uris=[CALLBACK], first_party=True)
    assert made.status_code == 201
    shown = made.json or {}
    assert made.headers["Cache-Control"] == "no-store"
    answer = house.refresh("x", client_id=shown["client_id"], client_secret=shown["client_secret"])
    assert (answer.json or {})["error"] == "invalid_grant"
    found = house.app.test_client().get(f"/admin/api/clients/{shown['id']}", headers=program(house))
    assert shown["client_secret"] not in found.text


def test_an_invitation_is_made(house: House) -> None:
    """With its link, once."""
    made = make(house, "invitations", uses=2, expires_in_s=3600, note="the choir")
    assert made.status_code == 201
    assert "/sign-up?invitation=" in (made.json or {})["link"]


@pytest.mark.rule("S-109")
@pytest.mark.parametrize(
    ("kind", "members", "status"),
    [
        ("users", {"username": "ada", "email": "a@example.org", "password": PASSWORD}, 400),
        ("users", {"username": "x", "email": "a@example.org", "password": "password1"}, 400),
        ("users", {"username": "x", "email": "a@example.org", "is_admin": True}, 400),
        ("users", {"username": 7, "email": "a@example.org"}, 400),
        ("clients", {"name": "App", "redirect_uris": ["javascript:alert(1)"]}, 400),
        ("clients", {"name": "App", "client_id": "mine"}, 400),
        ("invitations", {"uses": 0}, 400),
        ("invitations", {"expires_in_s": 1}, 400),
        ("keys", {}, 404),
        ("nothing", {}, 404),
    ],
)
def test_what_does_not_fit_is_refused(
    house: House, kind: str, members: dict[str, Any], status: int
) -> None:
    """With words, and nothing is written."""
    answer = make(house, kind, **members)
    assert answer.status_code == status
    assert PASSWORD not in answer.text


@pytest.mark.rule("S-110")
def test_nobody_else_makes_anything(house: House) -> None:
    """Neither a visitor nor a program without the scope; the body is not read."""
    http = house.app.test_client()
    assert http.post("/admin/api/users", data=b"\xff").status_code == 401
    narrow = program(house, scope="users:read")
    assert http.post("/admin/api/users", data=b"\xff", headers=narrow).status_code == 403


def test_an_administrator_erases_an_account(house: House) -> None:
    """On the page; by the API even a program cannot erase the last administrator."""
    root = house.base.users.create(NewUser("root", "r@example.org", PASSWORD, is_admin=True))
    admin = house.signed_in("root")
    gone = deed(admin, "users", house.user.sub, "erase")
    assert gone.location == "/admin/users"
    assert house.base.users.find(house.user.sub) is None
    http, bearer = house.app.test_client(), program(house)
    last = http.post(f"/admin/api/users/{root.sub}/erase", headers=bearer)
    assert last.status_code == 403
