"""One's own data: a copy without anything that opens something, and an end that is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from sso.accounts.users import NewUser
from sso.storage.audit import AuditEntry
from sso.storage.grants import Grant, LogoutDelivery, OpaqueAccessToken, RefreshToken
from sso.storage.people import BrowserSession, Consent, User
from tests.unit.sso.house import PASSWORD

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House, Visitor

DATA = "/account/data"


def delete(browser: Visitor, password: str = PASSWORD) -> TestResponse:
    """Send the form that ends the account."""
    return browser.submit(DATA, f"{DATA}/delete", current_password=password)


@pytest.mark.rule("A-60")
def test_the_copy_has_everything_and_opens_nothing(either_house: House) -> None:
    """Profile, sessions, grants and what happened; no hash, digest or secret."""
    house = either_house
    browser = house.signed_in()
    tokens = house.tokens(browser)
    answer = browser.submit(DATA, f"{DATA}/export")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="account.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    copy = answer.json or {}
    assert copy["account"]["email"] == "ada@example.org"
    assert copy["sessions"][0]["how"] == ["pwd"]
    assert copy["grants"][0]["client_id"] == house.client.client_id
    assert {"user.created"} <= {entry["action"] for entry in copy["changes"]}
    for secret in ("argon2", tokens["refresh_token"], "digest"):
        assert secret not in answer.text


@pytest.mark.rule("A-60", "S-106")
def test_a_deleted_account_leaves_nothing_but_that_it_was(either_house: House) -> None:
    """Sessions, grants and tokens go, applications are told, the log names nobody."""
    house = either_house
    app = house.new_client(
        name="Told", first_party=True, backchannel_logout_uri="http://localhost:8000/bye"
    )
    house.client = app
    here, there = house.signed_in(), house.signed_in()
    tokens = house.tokens(there)
    answer = delete(here)
    assert answer.status_code == 200
    assert "deleted" in answer.text
    assert here.get("/account").status_code == 303
    assert there.get("/account").status_code == 303
    assert (house.refresh(tokens["refresh_token"]).json or {})["error"] == "invalid_grant"
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert house.app.test_client().get("/oauth/userinfo", headers=bearer).status_code == 401
    assert house.visitor().sign_in("ada").status_code == 401
    with house.base.storage.reading() as session:
        for table in (User, BrowserSession, Consent, Grant, RefreshToken):
            assert session.scalars(select(table)).all() == []
        assert len(session.scalars(select(LogoutDelivery)).all()) == 1
        of_person = AuditEntry.object == f"user:{house.user.sub}"
        entries = session.scalars(select(AuditEntry).where(of_person)).all()
    assert entries[-1].action == "user.deleted"
    # By the sign, not by the name: an id of hexadecimal digits may well spell "ada".
    assert {entry.actor for entry in entries} <= {"system", f"user:{house.user.sub}"}
    assert all("ada" not in str(entry.details) for entry in entries)
    [notice] = house.letters()
    assert notice["To"] == "ada@example.org"


@pytest.mark.rule("A-60")
def test_no_token_that_says_nothing_keeps_a_name(either_house: House) -> None:
    """What it would say stands in the database, and goes; somebody else's stays."""
    house = either_house
    house.client = house.new_client(first_party=True, opaque=True)
    house.new_user("grace")
    house.tokens(house.signed_in("grace"))
    browser = house.signed_in()
    house.tokens(browser)
    assert delete(browser).status_code == 200
    with house.base.storage.reading() as session:
        [left] = session.scalars(select(OpaqueAccessToken)).all()
    assert left.claims["preferred_username"] == "grace"


@pytest.mark.rule("A-06")
def test_programs_of_a_deleted_developer_are_nobody_elses(either_house: House) -> None:
    """They are shut; without an owner they would pass for an operator's own."""
    house = either_house
    hers = house.new_client(name="Hers", owner_sub=house.user.sub)
    ours = house.new_client(name="Ours")
    assert delete(house.signed_in()).status_code == 200
    assert house.base.clients.find(hers.client_id) is None
    assert house.base.clients.find(ours.client_id) is not None


def test_the_name_is_free_again_and_another_account(house: House) -> None:
    """Whoever takes it gets nothing of the one before."""
    delete(house.signed_in())
    again = house.new_user("ada")
    assert again.sub != house.user.sub


@pytest.mark.rule("S-104")
def test_it_needs_the_password_and_guesses_count(house: House) -> None:
    """A browser left open ends nobody's account."""
    browser = house.signed_in()
    wrong = delete(browser, "wrong")
    assert wrong.status_code == 400
    assert 'id="current_password-wrong"' in wrong.text
    for _ in range(9):
        delete(browser, "wrong")
    assert delete(browser).status_code == 429
    assert house.base.users.find(house.user.sub)


@pytest.mark.parametrize("deed", ["export", "delete"])
def test_both_need_a_recent_sign_in(house: House, deed: str) -> None:
    """An old session asks again and comes back; a stranger finds nothing."""
    browser = house.signed_in()
    house.clock.pass_s(601)
    away = browser.submit(DATA, f"{DATA}/{deed}", current_password=PASSWORD)
    assert away.location == "/sign-in?next=%2Faccount%2Fdata&again=1"
    stranger = house.visitor().submit("/sign-in", f"{DATA}/{deed}")
    assert stranger.location == "/sign-in?next=%2Faccount%2Fdata"
    assert house.base.users.find(house.user.sub)


def test_the_last_administrator_stays(house: House) -> None:
    """Somebody must be able to open the administration."""
    house.base.users.create(NewUser("root", "root@example.org", PASSWORD, is_admin=True))
    admin = house.signed_in("root")
    assert delete(admin).status_code == 403
    house.base.users.create(NewUser("root2", "root2@example.org", PASSWORD, is_admin=True))
    assert delete(admin).status_code == 200
