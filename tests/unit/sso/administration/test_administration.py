"""Administration: for administrators alone, on pages and by API, every deed written down."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from httpkit.problems import Refused
from sso.accounts.users import NewUser
from sso.administration.deeds import Affairs, Deeds
from sso.administration.kinds import KINDS
from sso.clients.exchange_policies import NewPolicy
from sso.clients.registration import CLIENT_CREDENTIALS, TOKEN_EXCHANGE
from sso.storage.audit import AuditEntry
from tests.unit.sso.house import ISSUER, PASSWORD, link_in

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House, Visitor

ADMIN_SCOPE = "sso:admin"


def admin_of(house: House) -> Visitor:
    """Return a browser of an administrator."""
    house.base.users.create(NewUser("root", "root@example.org", PASSWORD, is_admin=True))
    return house.signed_in("root")


def deed(admin: Visitor, kind: str, id_: str, name: str) -> TestResponse:
    """Do it by the form."""
    return admin.submit(f"/admin/{kind}/{id_}", f"/admin/{kind}/{id_}/{name}")


def program(house: House, **registered: object) -> dict[str, str]:
    """Return the header of a program with a token of its own."""
    given: dict[str, Any] = {
        "redirect_uris": [],
        "grant_types": [CLIENT_CREDENTIALS],
        "scope": ADMIN_SCOPE,
        "audiences": [ISSUER],
        **registered,
    }
    client = house.new_client(**given)
    answer = house.token(
        grant_type="client_credentials",
        client_id=client.client_id,
        client_secret=client.client_secret,
    )
    return {"Authorization": f"Bearer {(answer.json or {})['access_token']}"}


def deeds_of(house: House) -> Deeds:
    """Return what an administrator may do, without pages."""
    base, services = house.base, house.app.extensions["sso"].services
    affairs = services.own_affairs
    return Deeds(
        base.storage,
        services.session_end,
        base.keys,
        base.exchange_policies,
        Affairs(base.notices, affairs.invitations, affairs.account_end),
        base.clock,
    )


@pytest.mark.rule("S-110")
@pytest.mark.parametrize("kind", ["", *KINDS, "nothing"])
def test_pages_are_closed_to_everybody_else(house: House, kind: str) -> None:
    """A visitor signs in first; a person who is no administrator gets 403 for all there is."""
    page = f"/admin/{kind}".rstrip("/")
    assert house.visitor().get(page).location.startswith("/sign-in?next=%2Fadmin")
    assert house.signed_in().get(page).status_code == 403


@pytest.mark.rule("S-110")
def test_a_person_cannot_do_what_an_administrator_can(house: House) -> None:
    """The form token of one's own pages opens nothing here."""
    person = house.signed_in()
    token = re.search(r'name="csrf_token" value="([^"]+)"', person.get("/account").text)
    assert token
    page = f"/admin/users/{house.user.sub}/promote"
    assert person.http.post(page, data={"csrf_token": token[1]}).status_code == 403
    found = house.base.users.find(house.user.sub)
    assert found
    assert not found.is_admin


@pytest.mark.rule("A-60")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_listed_and_shown_without_a_secret(either_house: House, kind: str) -> None:
    """Lists lead to objects; no digest, hash or sealed key is on either."""
    house = either_house
    house.tokens()
    house.app.extensions["sso"].services.own_affairs.invitations.create()
    clerk = house.new_client(grant_types=[TOKEN_EXCHANGE], redirect_uris=[]).client_id
    line = NewPolicy(
        clerk, house.client.client_id, "https://a.example", "https://b.example", "email"
    )
    house.base.exchange_policies.allow(line)
    admin = admin_of(house)
    page = admin.get(f"/admin/{kind}")
    assert page.status_code == 200
    found = re.search(rf'<h2><a href="(/admin/{kind}/[^"]+)"', page.text)
    assert found
    shown = admin.get(found[1])
    assert shown.status_code == 200
    for text in (page.text, shown.text):
        assert "argon2" not in text
        assert "digest" not in text


@pytest.mark.rule("S-106", "A-60")
def test_disabling_a_person_ends_everything_at_once(either_house: House) -> None:
    """Sessions, refresh tokens and access tokens are dead; enabling brings none back."""
    house = either_house
    person = house.signed_in()
    tokens = house.tokens(person)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    admin = admin_of(house)
    assert deed(admin, "users", house.user.sub, "disable").status_code == 303
    for _ in range(2):
        assert person.get("/account").status_code == 303
        assert house.refresh(tokens["refresh_token"]).status_code == 400
        assert house.app.test_client().get("/oauth/userinfo", headers=bearer).status_code == 401
        assert house.visitor().sign_in("ada").status_code in {401, 303}
        deed(admin, "users", house.user.sub, "enable")
    assert house.visitor().sign_in("ada").status_code == 303


def test_a_disabled_person_signs_in_as_if_unknown(house: House) -> None:
    """The answer is that of a wrong password."""
    deed(admin_of(house), "users", house.user.sub, "disable")
    assert house.visitor().sign_in("ada").status_code == 401


def test_disabling_a_client_ends_what_it_was_given(house: House) -> None:
    """Nobody signs in to it, and its tokens are dead, also when it is enabled again."""
    tokens = house.tokens()
    admin, client_id = admin_of(house), house.client.client_id
    deed(admin, "clients", client_id, "disable")
    assert house.refresh(tokens["refresh_token"]).status_code == 401
    assert house.signed_in().ask().status_code == 400
    deed(admin, "clients", client_id, "enable")
    assert house.refresh(tokens["refresh_token"]).status_code == 400
    assert house.signed_in().ask().status_code == 303


def test_one_session_and_one_grant_end_alone(house: House) -> None:
    """What was not meant stays."""
    one, other = house.signed_in(), house.signed_in()
    kept, lost = house.tokens(other), house.tokens(one)
    session_id = house.claims(lost["id_token"])["sid"]
    admin = admin_of(house)
    deed(admin, "sessions", session_id, "end")
    assert one.get("/account").status_code == 303
    assert house.refresh(lost["refresh_token"]).status_code == 400
    assert other.get("/account").status_code == 200
    grant_id = house.claims(kept["access_token"])["jti"].partition(".")[0]
    assert deed(admin, "grants", grant_id, "revoke").status_code == 303
    assert house.refresh(kept["refresh_token"]).status_code == 400
    assert other.get("/account").status_code == 200


def test_administrators_cannot_lock_themselves_out(house: House) -> None:
    """Neither on the page nor by hand."""
    admin = admin_of(house)
    me = house.base.users.find_by_name("root")
    assert me
    assert "Switch off" not in admin.get(f"/admin/users/{me.sub}").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', admin.get("/admin/users").text)
    for name in ("disable", "demote"):
        page = admin.submit("/account/security", f"/admin/users/{me.sub}/{name}")
        assert page.status_code == 403
    assert token is None


def test_a_page_offers_what_would_change_something(house: House) -> None:
    """Not on beside off; and whoever may come here finds the way from their account."""
    admin = admin_of(house)
    assert 'href="/admin"' in admin.get("/account").text
    assert 'href="/admin"' not in house.signed_in().get("/account").text
    page = f"/admin/users/{house.user.sub}"

    def offered() -> set[str]:
        return set(re.findall(rf'action="{page}/([a-z-]+)"', admin.get(page).text))

    always = {"sign-out", "reset-factors", "erase"}
    assert offered() == always | {"disable", "promote"}
    deed(admin, "users", house.user.sub, "promote")
    deed(admin, "users", house.user.sub, "disable")
    assert offered() == always | {"enable", "demote"}


def test_deeds_need_a_recent_sign_in(house: House) -> None:
    """A browser left open does not run the service."""
    admin = admin_of(house)
    house.clock.pass_s(house.settings.lifetimes.reauthentication_s + 1)
    answer = deed(admin, "users", house.user.sub, "disable")
    assert "again=1" in answer.location
    assert house.base.users.find(house.user.sub)


def test_lists_are_searched_filtered_and_paged(house: House) -> None:
    """Whoever begins so; those of one person; fifty a page."""
    house.base.users.create(NewUser("Zoë", "zoe@example.org", PASSWORD))
    admin = admin_of(house)
    assert "Zoë" in admin.get("/admin/users?q=zoË").text
    # No id holds an @; a letter alone would also begin one id in sixteen.
    others = admin.get("/admin/users?q=ada@").text
    assert "ada" in others
    assert "Zoë" not in others
    assert "Zoë" not in admin.get("/admin/users?q=%25").text
    house.tokens()
    mine = admin.get(f"/admin/grants?user={house.user.sub}").text
    assert mine.count("<h2>") == 1
    assert admin.get("/admin/grants?user=nobody").text.count("<h2>") == 0


@pytest.mark.rule("A-60")
def test_every_deed_is_in_the_audit_log(either_house: House) -> None:
    """Who, what, on whom, in which request; a deed that changed nothing leaves nothing."""
    house = either_house
    admin = admin_of(house)
    me = house.base.users.find_by_name("root")
    assert me
    answers = [
        deed(admin, "users", house.user.sub, name)
        for name in ("disable", "disable", "enable", "promote", "demote", "sign-out")
    ]
    with house.base.storage.reading() as session:
        rows = session.query(AuditEntry).filter_by(actor=f"user:{me.sub}").all()
    assert [row.action for row in rows] == [
        "user.disabled",
        "user.enabled",
        "user.promoted",
        "user.demoted",
        "user.signed_out",
    ]
    assert {row.object for row in rows} == {f"user:{house.user.sub}"}
    assert rows[0].request_id == answers[0].headers["X-Request-Id"]


@pytest.mark.rule("A-60")
def test_the_log_tells_what_of_a_client_was_changed(house: House) -> None:
    """Two deeds of one name are told apart by what they set."""
    admin, client_id = admin_of(house), house.client.client_id
    for name in ("require-par", "require-dpop", "lift-par"):
        deed(admin, "clients", client_id, name)
    with house.base.storage.reading() as session:
        rows = session.query(AuditEntry).filter_by(action="client.changed")
        told = [row.details for row in rows.order_by(AuditEntry.id)]
    assert told == [{"par_required": True}, {"dpop_required": True}, {"par_required": False}]


def test_the_api_does_the_same(either_house: House) -> None:
    """A program lists, shows and acts; the log names it."""
    house = either_house
    bearer = program(house)
    http = house.app.test_client()
    listed = http.get("/admin/api/users?q=ada&limit=1", headers=bearer)
    assert [each["username"] for each in (listed.json or {})["items"]] == ["ada"]
    path = f"/admin/api/users/{house.user.sub}"
    assert (http.get(path, headers=bearer).json or {})["email"] == "ada@example.org"
    assert (http.post(f"{path}/disable", headers=bearer).json or {}) == {"changed": True}
    assert (http.post(f"{path}/disable", headers=bearer).json or {}) == {"changed": False}
    with house.base.storage.reading() as session:
        row = session.query(AuditEntry).filter_by(action="user.disabled").one()
    assert row.actor.startswith("client:")


def test_the_api_pages_with_a_cursor(house: House) -> None:
    """Every object once, whatever the limit."""
    for name in ("bob", "cy", "dan"):
        house.new_user(name)
    bearer = program(house)
    seen: list[str] = []
    after = ""
    while True:
        answer = house.app.test_client().get(
            f"/admin/api/users?limit=2&after={after}", headers=bearer
        )
        document = answer.json or {}
        seen += [each["username"] for each in document["items"]]
        after = document["after"]
        if after is None:
            break
    assert seen == ["ada", "bob", "cy", "dan"]
    refused = house.app.test_client().get("/admin/api/users?limit=0", headers=bearer)
    assert refused.status_code == 400


@pytest.mark.rule("S-094", "S-110")
@pytest.mark.parametrize(
    ("registered", "status"),
    [({"scope": "users:read"}, 403), ({"audiences": ["http://127.0.0.1:7000"]}, 401)],
)
def test_the_api_needs_the_scope_and_a_token_for_this_server(
    house: House, registered: dict[str, object], status: int
) -> None:
    """A token that another API has seen opens nothing here."""
    bearer = program(house, **registered)
    answer = house.app.test_client().get("/admin/api/users", headers=bearer)
    assert answer.status_code == status
    assert answer.headers["WWW-Authenticate"].startswith("Bearer error=")


@pytest.mark.rule("S-110")
def test_the_api_is_closed_to_persons_who_are_no_administrators(house: House) -> None:
    """The scope alone does not make one; being one no longer takes it away at once."""
    client = house.new_client(first_party=True, scope=f"openid {ADMIN_SCOPE}", audiences=[ISSUER])
    asked = {"client_id": client.client_id, "scope": ADMIN_SCOPE}
    secrets = {"client_id": client.client_id, "client_secret": client.client_secret}
    admin_of(house)

    def answer(name: str) -> int:
        code = house.signed_in(name).code(**asked)
        token = (house.redeem(code, **secrets).json or {})["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        return house.app.test_client().get("/admin/api/users", headers=bearer).status_code

    assert answer("ada") == 403
    assert answer("root") == 200


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Basic x"}, {"Authorization": "Bearer x"}]
)
def test_the_api_without_a_token_is_401(house: House, header: dict[str, str]) -> None:
    """A cookie is not enough either."""
    admin = admin_of(house)
    assert admin.http.get("/admin/api/users", headers=header).status_code == 401


def test_developers_cannot_register_the_scope(house: House) -> None:
    """And it is not among those that a client gets when it names none."""
    client = house.base.clients.find(house.client.client_id)
    assert client
    assert ADMIN_SCOPE not in client.scope


def test_a_new_signing_key_is_published(either_house: House) -> None:
    """Beside the old one, under which tokens are still signed and read."""
    house = either_house
    before = (house.app.test_client().get("/oauth/jwks").json or {})["keys"]
    token = house.tokens()["access_token"]
    answer = deed(admin_of(house), "keys", before[0]["kid"], "replace")
    assert answer.status_code == 303
    after = (house.app.test_client().get("/oauth/jwks").json or {})["keys"]
    assert len(after) == len(before) + 1
    assert house.claims(token)["sub"] == house.user.sub


def test_what_persons_do_to_their_account_is_in_the_log(house: House) -> None:
    """Another password, a device that ended, access taken back: each with its actor."""
    one, other = house.signed_in(), house.signed_in()
    house.tokens(one)
    one.submit("/account/devices", "/account/devices/end-others")
    client_id = house.client.client_id
    one.submit("/account/applications", f"/account/applications/{client_id}/withdraw")
    one.submit(
        "/account/security",
        "/account/security/password",
        current_password=PASSWORD,
        new_password=PASSWORD + "!",
    )
    with house.base.storage.reading() as session:
        rows = session.query(AuditEntry).filter_by(actor=f"user:{house.user.sub}").all()
    assert [row.action for row in rows] == [
        "session.ended",
        "access.withdrawn",
        "user.password_changed",
    ]
    assert other.get("/account").status_code == 303


@pytest.mark.rule("S-110")
@pytest.mark.parametrize("name", ["disable", "demote", "erase"])
def test_a_program_cannot_take_the_last_administrator_away(house: House, name: str) -> None:
    """It is nobody's account that it acts by, so the rule of one's own does not hold it."""
    house.base.users.create(NewUser("root", "root@example.org", PASSWORD, is_admin=True))
    root = house.base.users.find_by_name("root")
    assert root
    bearer = program(house)
    http = house.app.test_client()
    path = f"/admin/api/users/{root.sub}/{name}"
    assert http.post(path, headers=bearer).status_code == 403
    still = house.base.users.find(root.sub)
    assert still
    assert still.is_admin
    house.base.users.create(NewUser("root2", "root2@example.org", PASSWORD, is_admin=True))
    assert (http.post(path, headers=bearer).json or {}) == {"changed": True}


@pytest.mark.rule("S-110")
@pytest.mark.parametrize("name", ["demote", "disable", "erase"])
def test_of_two_who_put_one_another_out_one_stays(either_house: House, name: str) -> None:
    """At the same moment, in both databases."""
    house = either_house
    subs = [
        house.base.users.create(NewUser(who, f"{who}@example.org", PASSWORD, is_admin=True)).sub
        for who in ("root", "toor")
    ]
    deeds = deeds_of(house)
    start = threading.Barrier(len(subs))

    def put_out(sub: str) -> None:
        start.wait()
        with suppress(Refused):
            deeds.do("users", sub, name)

    threads = [threading.Thread(target=put_out, args=(sub,)) for sub in subs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = [user for user in map(house.base.users.find, subs) if user is not None]
    assert [user.is_admin for user in left].count(True) == 1


@pytest.mark.rule("A-60")
@pytest.mark.parametrize("name", ["sign-out", "reset-factors", "disable", "erase", "promote"])
def test_a_deed_to_nobody_leaves_no_line(house: House, name: str) -> None:
    """The audit log says what was done, not what was typed."""
    admin = admin_of(house)
    answer = admin.submit(f"/admin/users/{house.user.sub}", f"/admin/users/nobody/{name}")
    assert answer.status_code == 303
    with house.base.storage.reading() as session:
        assert session.query(AuditEntry).filter_by(object="user:nobody").count() == 0


@pytest.mark.rule("S-106", "S-107")
@pytest.mark.parametrize("name", ["sign-out", "disable"])
def test_signing_somebody_out_ends_links_on_their_way(house: House, name: str) -> None:
    """A thief who had a letter sent to an address of their own does not come back by it."""
    thief = house.signed_in()
    assert thief.submit("/account/email", email="thief@example.org").status_code == 200
    [letter] = house.letters()
    admin = admin_of(house)
    deed(admin, "users", house.user.sub, name)
    deed(admin, "users", house.user.sub, "enable")
    assert house.visitor().get(link_in(letter)).status_code == 410
