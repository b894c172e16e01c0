"""A developer's own clients: made, shown once, rotated, refused, taken away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sso.clients.owned import MAX_CLIENTS
from sso.clients.registration import DEVICE_CODE
from sso.storage.audit import AppendOnlyError, AuditEntry
from sso.storage.clients import Client
from tests.unit.sso.house import CALLBACK

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House, Visitor

SECRET = re.compile(r'<p class="reference">([A-Za-z0-9_-]{43})</p>')
FIELDS = {"name": "Mine", "redirect_uris": CALLBACK, "kind": "confidential", "scope": "openid"}


def made(developer: Visitor, **fields: str) -> tuple[str, TestResponse]:
    """Register an application; return the id and the page."""
    shown = developer.submit("/clients/new", "/clients", **{**FIELDS, **fields})
    assert shown.status_code == 200, shown.text
    found = re.search(r"<dd class=\"reference\">([0-9a-f-]{36})</dd>", shown.text)
    assert found
    return found[1], shown


def secret_in(shown: TestResponse) -> str:
    """Return the secret on the page."""
    found = SECRET.search(shown.text)
    assert found, shown.text
    return found[1]


def accepts(house: House, client_id: str, secret: str) -> bool:
    """Return whether the token endpoint knows the client by *secret*."""
    answer = house.token(
        client_id=client_id, client_secret=secret, grant_type="refresh_token", refresh_token="x"
    )
    return bool((answer.json or {})["error"] == "invalid_grant")


@pytest.mark.rule("A-21")
def test_a_secret_is_shown_once_and_works(either_house: House) -> None:
    """The page after making has it; no later page does, nor the database."""
    developer = either_house.signed_in()
    client_id, shown = made(developer)
    secret = secret_in(shown)
    assert accepts(either_house, client_id, secret)
    assert secret not in developer.get(f"/clients/{client_id}").text
    client = either_house.base.clients.find(client_id)
    assert client
    assert client.owner_sub == either_house.user.sub
    assert not client.first_party
    assert [each.digest for each in client.secrets] != [secret]


@pytest.mark.rule("A-21")
def test_two_secrets_are_valid_until_the_old_one_is_ended(either_house: House) -> None:
    """Rotation locks nobody out; retiring does, for the old secret alone."""
    developer = either_house.signed_in()
    client_id, shown = made(developer)
    page = f"/clients/{client_id}"
    old, new = secret_in(shown), secret_in(developer.submit(page, f"{page}/secret"))
    assert accepts(either_house, client_id, old)
    assert accepts(either_house, client_id, new)
    assert developer.submit(page, f"{page}/secret/retire").status_code == 303
    assert not accepts(either_house, client_id, old)
    assert accepts(either_house, client_id, new)


def test_a_third_secret_ends_the_first(house: House) -> None:
    """Two at most are valid."""
    developer = house.signed_in()
    client_id, shown = made(developer)
    page = f"/clients/{client_id}"
    first = secret_in(shown)
    secret_in(developer.submit(page, f"{page}/secret"))
    house.clock.pass_s(1)
    secret_in(developer.submit(page, f"{page}/secret"))
    assert not accepts(house, client_id, first)


@pytest.mark.parametrize("deed", ["secret", "secret/retire", "delete"])
def test_an_old_sign_in_is_renewed_before_secrets_change(house: House, deed: str) -> None:
    """Whoever finds the browser open does not get the keys."""
    developer = house.signed_in()
    client_id, shown = made(developer)
    page = f"/clients/{client_id}"
    house.clock.pass_s(house.settings.lifetimes.reauthentication_s + 1)
    answer = developer.submit(page, f"{page}/{deed}")
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in?next=%2Fclients%2F")
    assert accepts(house, client_id, secret_in(shown))
    again = developer.sign_in("ada", page=answer.location)
    assert again.location == page
    assert developer.submit(page, f"{page}/{deed}").location != answer.location


@pytest.mark.rule("S-110")
@pytest.mark.parametrize("deed", ["", "/edit", "/secret", "/secret/retire", "/delete"])
def test_a_client_of_somebody_else_is_not_there(house: House, deed: str) -> None:
    """Nobody sees or changes what another developer made."""
    client_id, shown = made(house.signed_in())
    house.new_user("bob")
    bob = house.signed_in("bob")
    method = "get" if deed == "" else "post"
    token = re.search(r'name="csrf_token" value="([^"]+)"', bob.get("/clients/new").text)
    assert token
    answer = getattr(bob.http, method)(
        f"/clients/{client_id}{deed}", data={**FIELDS, "csrf_token": token[1]}
    )
    assert answer.status_code == 404
    assert client_id not in bob.get("/clients").text
    assert accepts(house, client_id, secret_in(shown))


@pytest.mark.rule("A-04", "S-015")
@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.com/back",
        "https://app.example.com/#part",
        "https://*.example.com/",
        "javascript:alert(1)",
        # Each would end a directive of a policy that names its origin.
        "https://app.example.com;sandbox/back",
        "https://app.example.com,app.example.org/back",
        "https://[2001:db8::1];sandbox/back",
        "https://user@app.example.com/",
    ],
)
def test_addresses_are_judged_as_everywhere(house: House, uri: str) -> None:
    """The form comes back with what is wrong, and nothing is registered."""
    developer = house.signed_in()
    for field in ("redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri"):
        given = {**FIELDS, field: uri}
        shown = developer.submit("/clients/new", "/clients", **given)
        assert shown.status_code == 400
        assert f'id="{field}-wrong"' in shown.text
    assert house.base.clients.find(house.client.client_id)
    assert "registered none" in developer.get("/clients").text


@pytest.mark.rule("S-109")
def test_what_the_form_does_not_have_cannot_be_set(house: House) -> None:
    """No consent is skipped and no scope invented by adding fields."""
    developer = house.signed_in()
    client_id, _ = made(developer, first_party="1", owner_sub="x" * 32, pkce_required="0")
    client = house.base.clients.find(client_id)
    assert client
    assert (client.first_party, client.pkce_required) == (False, True)
    refused = developer.submit("/clients/new", "/clients", **{**FIELDS, "scope": "sso:admin"})
    assert refused.status_code == 400


def test_a_public_client_has_no_secret_to_show_or_rotate(house: House) -> None:
    """There is none."""
    developer = house.signed_in()
    client_id, shown = made(developer, kind="public", redirect_uris="com.example.app:/back")
    assert not SECRET.search(shown.text)
    page = f"/clients/{client_id}"
    assert developer.submit(page, f"{page}/secret").status_code == 404


def test_an_edit_holds_at_once(house: House) -> None:
    """The old address no longer receives codes, the new one does."""
    developer = house.signed_in()
    client_id, _ = made(developer)
    edit = f"/clients/{client_id}/edit"
    other = "https://app.example.com/back"
    assert developer.submit(edit, **{**FIELDS, "redirect_uris": other}).status_code == 303
    asked = developer.ask(client_id=client_id, scope="openid")
    assert asked.status_code == 400
    asked = developer.ask(client_id=client_id, scope="openid", redirect_uri=other)
    assert asked.status_code == 303


def test_deleting_ends_what_the_client_was_given(either_house: House) -> None:
    """Its refresh tokens and its access tokens are nobody's from then on."""
    house = either_house
    developer = house.signed_in()
    client_id, shown = made(developer, scope="openid")
    credentials = {"client_id": client_id, "client_secret": secret_in(shown)}
    consent = developer.follow(developer.ask(client_id=client_id, scope="openid"))
    assert consent.status_code == 200
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', consent.text))
    allowed = developer.http.post("/consent", data={**hidden, "decision": "allow"})
    answer = developer.follow(allowed)
    code = re.search(r"code=([\w-]+)", answer.location)
    assert code
    tokens = house.redeem(code[1], **credentials).json or {}
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert house.app.test_client().get("/oauth/userinfo", headers=bearer).status_code == 200
    page = f"/clients/{client_id}"
    assert "has been deleted" in developer.submit(page, f"{page}/delete").text
    assert house.app.test_client().get("/oauth/userinfo", headers=bearer).status_code == 401
    assert not accepts(house, client_id=client_id, secret=credentials["client_secret"])
    assert developer.get(page).status_code == 404


@pytest.mark.rule("A-59")
def test_a_developer_sees_why_their_client_was_refused(house: House) -> None:
    """The reason stands on the client's page, without anything secret, and on no other."""
    developer = house.signed_in()
    client_id, shown = made(developer)
    other_id, _ = made(developer)
    secret = secret_in(shown)
    house.token(client_id=client_id, client_secret="wrong-" + secret, grant_type="refresh_token")
    developer.ask(client_id=client_id, scope="openid", redirect_uri="https://elsewhere.example/")
    page = developer.get(f"/clients/{client_id}").text
    assert "invalid_client" in page
    assert "redirect_uri is missing or not registered" in page
    assert secret not in page
    assert "invalid_client" not in developer.get(f"/clients/{other_id}").text


@pytest.mark.rule("A-59")
def test_a_flow_that_goes_well_leaves_nothing_to_look_at(house: House) -> None:
    """A device that waits is told so every five seconds: that crowds out no refusal."""
    grants = [DEVICE_CODE]
    client = house.new_client(grant_types=grants, redirect_uris=[], owner_sub=house.user.sub)
    asked = {"client_id": client.client_id, "client_secret": client.client_secret}
    begin = {**asked, "scope": "openid"}
    begun = house.app.test_client().post("/oauth/device_authorization", data=begin).json or {}
    house.token(**asked, grant_type="refresh_token")
    waiting = house.token(**asked, grant_type=DEVICE_CODE, device_code=begun["device_code"])
    assert (waiting.json or {})["error"] == "authorization_pending"
    page = house.signed_in().get(f"/clients/{client.client_id}").text
    assert "unauthorized_client" in page
    assert "authorization_pending" not in page


def test_refusals_are_few_and_only_of_clients_that_exist(house: House) -> None:
    """A flood leaves twenty lines, an invented id none."""
    developer = house.signed_in()
    client_id, _ = made(developer)
    for _ in range(25):
        house.token(client_id=client_id, client_secret="x", grant_type="refresh_token")
    house.token(client_id="0b54ae3c-9a4e-4a53-8a7e-5d9f35a4f001", client_secret="x")
    redis = house.app.extensions["sso"].services.throttle.redis
    kept = list(redis.scan_iter("sso:refusals:*"))
    assert kept == [f"sso:refusals:{client_id}".encode()]
    assert redis.llen(kept[0]) == 20
    assert 0 < redis.ttl(kept[0]) <= 14 * 86_400


def test_a_developer_has_room_for_so_many(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fills the table."""
    monkeypatch.setattr("sso.clients.owned.MAX_CLIENTS", 1)
    developer = house.signed_in()
    made(developer)
    assert developer.submit("/clients/new", "/clients", **FIELDS).status_code == 400
    assert MAX_CLIENTS > 1


def test_nobody_is_shown_the_way_in(house: House) -> None:
    """A visitor signs in first and then lands there."""
    visitor = house.visitor()
    assert visitor.get("/clients").location == "/sign-in?next=%2Fclients"
    answer = visitor.sign_in("ada", page=visitor.get("/clients").location)
    assert answer.location == "/clients"


def test_every_change_is_in_the_audit_log(either_house: House) -> None:
    """Who, what, on what, in which request; and no row is ever changed."""
    developer = either_house.signed_in()
    client_id, _ = made(developer)
    page = f"/clients/{client_id}"
    answer = developer.submit(page, f"{page}/secret")
    developer.submit(page, f"{page}/secret/retire")
    developer.submit(f"{page}/edit", **{**FIELDS, "redirect_uris": "https://b.example/cb"})
    developer.submit(page, f"{page}/delete")
    storage = either_house.base.storage
    with storage.reading() as session:
        rows = session.query(AuditEntry).filter_by(object=f"client:{client_id}").all()
        assert session.get(Client, client_id) is None
    assert [row.action for row in rows] == [
        "client.created",
        "client.secret_added",
        "client.secret_retired",
        "client.changed",
        "client.deleted",
    ]
    assert {row.actor for row in rows} == {f"user:{either_house.user.sub}"}
    assert rows[3].details == {"members": ["redirect_uris"]}
    assert rows[1].request_id == answer.headers["X-Request-Id"]
    with pytest.raises(AppendOnlyError):
        storage.write(lambda session: session.delete(session.merge(rows[0])))


def test_the_audit_log_names_no_one_by_accident(house: House) -> None:
    """What an operator does at the command line is not put down to the last visitor."""
    house.signed_in().get("/account")
    made = house.new_client()
    with house.base.storage.reading() as session:
        row = session.query(AuditEntry).filter_by(object=f"client:{made.client_id}").one()
    assert row.actor == "system"
