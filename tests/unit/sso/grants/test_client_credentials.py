"""Tokens for programs, and the limits of each client."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.unit.sso.administration.test_administration import program
from tests.unit.sso.house import House, answer_of

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = {"grant_types": ["client_credentials"], "redirect_uris": []}


@pytest.mark.rule("A-15", "A-32")
def test_a_program_gets_a_token_of_its_own(house: House) -> None:
    """Its subject is the client; there is no person, no ID token and nothing to refresh."""
    house.client = house.new_client(**MACHINE)
    response = house.token(grant_type="client_credentials", scope="users:read")
    assert response.status_code == 200, response.text
    body = response.json or {}
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    claims = house.claims(body["access_token"])
    assert claims["sub"] == claims["client_id"] == house.client.client_id
    told = house.app.test_client().get(
        "/oauth/userinfo", headers={"Authorization": f"Bearer {body['access_token']}"}
    )
    assert told.status_code == 401


@pytest.mark.rule("A-30")
def test_a_grant_type_may_have_a_lifetime_of_its_own(
    tmp_path: Path, furnished: Path, valkey_url: str
) -> None:
    """Of all clients but those that have their own, and of no other grant type."""
    database = f"sqlite:///{shutil.copy(furnished, tmp_path / 'sso.sqlite3')}"
    lifetimes = {"access_token_by_grant_s": {"client_credentials": 60, "refresh_token": 90}}
    house = House(database, valkey_url, fresh=False, lifetimes=lifetimes)
    tokens = house.tokens()
    assert tokens["expires_in"] == 3600
    assert (house.refresh(tokens["refresh_token"]).json or {})["expires_in"] == 90
    for own_s, lasts_s in ((None, 60), (5, 5)):
        house.client = house.new_client(**MACHINE, access_token_ttl_s=own_s)
        answer = house.token(grant_type="client_credentials", scope="users:read").json or {}
        claims = house.claims(answer["access_token"])
        assert answer["expires_in"] == claims["exp"] - claims["iat"] == lasts_s
    house.close()


@pytest.mark.rule("A-38", "S-106")
@pytest.mark.parametrize("deed", ["disable", "delete"])
def test_the_tokens_of_a_program_that_is_gone_open_nothing(house: House, deed: str) -> None:
    """Switched off or taken away: inactive at once, for the API that asks."""
    house.client = house.new_client(**MACHINE)
    api = house.new_client(introspects=["http://127.0.0.1:7000"])
    answer = house.token(grant_type="client_credentials", scope="users:read").json or {}
    form = {"token": answer["access_token"], "client_id": api.client_id}
    form |= {"client_secret": str(api.client_secret)}

    def is_active() -> bool:
        told = house.app.test_client().post("/oauth/introspect", data=form)
        return bool((told.json or {})["active"])

    assert is_active()
    path = f"/admin/api/clients/{house.client.client_id}/{deed}"
    assert house.app.test_client().post(path, headers=program(house)).status_code == 200
    assert not is_active()


@pytest.mark.rule("A-24")
def test_without_a_scope_it_gets_what_it_may_and_no_persons(house: House) -> None:
    """The answer says which."""
    house.client = house.new_client(**MACHINE, scope="openid users:read")
    assert (house.token(grant_type="client_credentials").json or {})["scope"] == "users:read"


@pytest.mark.rule("A-24", "S-099")
@pytest.mark.parametrize("scope", ["openid", "offline_access", "nonsense", "x" * 50_000])
def test_scopes_of_people_are_not_for_programs(house: House, scope: str) -> None:
    """Nor are those that do not exist."""
    house.client = house.new_client(**MACHINE)
    response = house.token(grant_type="client_credentials", scope=scope)
    assert (response.json or {})["error"] == "invalid_scope"


@pytest.mark.rule("A-15")
def test_only_clients_that_registered_it_may(house: House) -> None:
    """The BFF's client cannot act for itself."""
    response = house.token(grant_type="client_credentials")
    assert (response.json or {})["error"] == "unauthorized_client"


@pytest.mark.rule("A-30")
def test_a_token_is_for_one_audience_of_those_registered(house: House) -> None:
    """The first unless another is named; never one that was not registered."""
    one, two = "https://one.example", "https://two.example"
    house.client = house.new_client(first_party=True, audiences=[one, two])
    assert house.claims(house.tokens()["access_token"])["aud"] == one
    tokens = house.tokens(resource=two)
    assert house.claims(tokens["access_token"])["aud"] == two
    refused = house.refresh(tokens["refresh_token"], resource=one)
    assert (refused.json or {})["error"] == "invalid_target"
    again = house.refresh(tokens["refresh_token"], resource=two).json or {}
    assert house.claims(again["access_token"])["aud"] == two
    answer = answer_of(house.signed_in().ask(resource="https://three.example"))
    assert answer["error"] == "invalid_target"


@pytest.mark.rule("A-15")
def test_a_client_asks_for_the_scopes_it_registered(house: House) -> None:
    """Those of the server are not enough."""
    house.client = house.new_client(first_party=True, scope="openid")
    answer = answer_of(house.signed_in().ask(scope="openid email"))
    assert answer["error"] == "invalid_scope"


@pytest.mark.rule("A-09", "S-026")
def test_a_client_may_be_exempt_from_pkce_where_it_uses_a_nonce(house: House) -> None:
    """Confidential, OpenID, nonce there; and then no verifier may come."""
    house.client = house.new_client(first_party=True, pkce_required=False)
    without = {"code_challenge": None, "code_challenge_method": None}
    browser = house.signed_in()
    assert answer_of(browser.ask(**without, nonce=None))["error"] == "invalid_request"
    code = answer_of(browser.ask(**without))["code"]
    assert house.redeem(code).status_code == 400
    assert house.redeem(code, code_verifier=None).status_code == 200


@pytest.mark.rule("A-45", "S-019")
def test_form_post_brings_the_answer_by_a_form(house: House) -> None:
    """Escaped, allowed by the policy of this page alone, working without scripts."""
    browser = house.signed_in()
    response = browser.ask(response_mode="form_post", state='"><script>x</script>')
    assert response.status_code == 200
    assert 'name="code"' in response.text
    assert 'name="iss"' in response.text
    assert "<script>x" not in response.text
    assert "http://localhost:8000" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.rule("A-45")
def test_a_client_may_be_held_to_one_response_mode(house: House) -> None:
    """What it did not register is refused."""
    house.client = house.new_client(first_party=True, response_modes=["query"])
    answer = answer_of(house.signed_in().ask(response_mode="form_post"))
    assert answer["error"] == "invalid_request"


@pytest.mark.rule("A-30")
def test_opaque_tokens_work_like_any_and_say_nothing(either_house: House) -> None:
    """UserInfo, introspection and revocation treat them alike."""
    house = either_house
    house.client = house.new_client(first_party=True, opaque=True)
    token = house.tokens()["access_token"]
    assert "." not in token
    http = house.app.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    assert http.get("/oauth/userinfo", headers=headers).status_code == 200
    form = {"client_id": house.client.client_id, "client_secret": house.client.client_secret}
    about = http.post("/oauth/introspect", data={**form, "token": token})
    assert (about.json or {})["sub"] == house.user.sub
    http.post("/oauth/revoke", data={**form, "token": token})
    assert http.get("/oauth/userinfo", headers=headers).status_code == 401
