"""The ``claims`` parameter: given what was asked for and agreed to, refused what cannot be."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from sso.accounts.assurance import PASSWORD_ACR, SECOND_FACTOR_ACR
from tests.unit.sso.house import answer_of, request_of

if TYPE_CHECKING:
    from tests.unit.sso.house import House

WANTED = {
    "id_token": {"email": None, "auth_time": {"essential": True}, "shoe_size": None},
    "userinfo": {"preferred_username": {"essential": True}, "name#de": None},
    "somewhere_else": 7,
}


def userinfo(house: House, token: str) -> dict[str, Any]:
    """Return what UserInfo tells."""
    headers = {"Authorization": f"Bearer {token}"}
    return dict(house.app.test_client().get("/oauth/userinfo", headers=headers).json or {})


@pytest.mark.rule("A-44")
def test_single_claims_come_where_they_were_asked_for(either_house: House) -> None:
    """And nowhere else; what is unknown is left out; a refresh keeps it so."""
    house = either_house
    tokens = house.tokens(scope="openid offline_access", claims=json.dumps(WANTED))
    for each in (tokens, house.refresh(tokens["refresh_token"]).json or {}):
        claims = house.claims(each["id_token"])
        assert claims["email"] == "ada@example.org"
        assert "auth_time" in claims
        assert not {"email_verified", "preferred_username", "shoe_size"} & claims.keys()
        told = userinfo(house, each["access_token"])
        assert told == {"sub": house.user.sub, "preferred_username": "ada"}


@pytest.mark.rule("A-44", "A-51")
def test_a_person_agrees_to_what_claims_tell(house: House) -> None:
    """The page says it as for a scope; a client gets no claim of a scope that it cannot have."""
    app = house.new_client(name="Card", scope="openid email")
    asked = request_of(app, scope="openid", claims=json.dumps(WANTED))
    browser = house.signed_in()
    page = browser.get(f"/oauth/authorize?{urlencode(asked)}").location
    assert "See your e-mail address" in browser.get(page).text
    assert "See your name" not in browser.get(page).text
    plain = request_of(app, scope="openid")
    allowed = browser.submit(page, action="/consent", decision="allow")
    code = answer_of(browser.follow(allowed))["code"]
    secrets = {"client_id": app.client_id, "client_secret": app.client_secret}
    tokens = house.redeem(code, **secrets).json or {}
    assert house.claims(tokens["id_token"])["email"]
    assert userinfo(house, tokens["access_token"]) == {"sub": house.user.sub}
    assert answer_of(browser.get(f"/oauth/authorize?{urlencode(plain)}"))["code"]


@pytest.mark.rule("A-44", "S-095", "S-119")
def test_what_is_not_claims_is_refused(house: House) -> None:
    """As the client's own fault, at its registered address."""
    faults = ["", "{", "[]", "7", '"x"', '{"id_token":7}', '{"id_token":{"email":7}}', "[" * 4000]
    faults += ['{"id_token":{},"id_token":{}}', json.dumps({"userinfo": {"x" * 5000: None}})]
    browser = house.visitor()
    for fault in faults[1:]:
        assert answer_of(browser.ask(claims=fault))["error"] == "invalid_request"
    assert "code" in answer_of(house.signed_in().ask(claims=""))


@pytest.mark.rule("A-43", "A-44")
def test_a_certain_person_is_signed_in_or_nobody(house: House) -> None:
    """``sub`` with a value; another person is login_required."""
    browser, bob = house.signed_in(), house.new_user("bob")
    mine = json.dumps({"id_token": {"sub": {"value": house.user.sub}}})
    theirs = json.dumps({"userinfo": {"sub": {"value": bob.sub}}})
    both = json.dumps({"id_token": {"sub": {"values": [bob.sub, house.user.sub]}}})
    assert answer_of(browser.ask(claims=mine, prompt="none"))["code"]
    for claims in (theirs, both):
        answer = answer_of(browser.ask(claims=claims, prompt="none"))
        assert answer["error"] == "login_required"
    hint = house.tokens(browser)["id_token"]
    answer = answer_of(browser.ask(claims=theirs, id_token_hint=hint, prompt="none"))
    assert answer["error"] == "login_required"


@pytest.mark.rule("A-42", "A-44")
def test_a_needed_acr_is_reached_or_refused(house: House) -> None:
    """A wish changes nothing; a need asks for the second step, and fails where there is none."""

    def asking(essential: object, *values: object) -> str:
        return json.dumps({"id_token": {"acr": {"essential": essential, "values": values}}})

    browser = house.signed_in()
    fine = [asking(False, "urn:unknown"), asking(True, PASSWORD_ACR), asking(True), asking(True, 7)]
    for claims in fine:
        assert answer_of(browser.ask(claims=claims))["code"]
    unknown = answer_of(browser.ask(claims=asking(True, "urn:unknown")))
    assert unknown["error"] == "unmet_authentication_requirements"
    needed = asking(True, SECOND_FACTOR_ACR)
    silent = answer_of(browser.ask(claims=needed, prompt="none"))
    assert silent["error"] == "interaction_required"
    page = browser.follow(browser.ask(claims=needed)).text
    link = re.search(r'<a class="button quiet" href="([^"]+)">Go on without', page)
    assert link
    without = browser.follow(browser.get(unescape(link[1])))
    assert answer_of(without)["error"] == "unmet_authentication_requirements"


@pytest.mark.rule("A-36", "A-44")
def test_the_metadata_tells_the_truth(house: House) -> None:
    """Of every optional parameter."""
    document: Any = house.app.test_client().get("/.well-known/openid-configuration").json
    assert document["claims_parameter_supported"] is True
    assert document["request_parameter_supported"] is False
    assert document["request_uri_parameter_supported"] is False
    assert {"email", "acr", "auth_time"} <= set(document["claims_supported"])
