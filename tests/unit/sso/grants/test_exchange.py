"""Token exchange: by policy alone, never wider, never longer, and gone with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sso.clients.exchange_policies import NewPolicy, PolicyInvalid
from sso.clients.registration import TOKEN_EXCHANGE
from sso.storage.audit import AuditEntry
from sso.storage.grants import Grant
from tests.unit.sso.administration.test_administration import admin_of, deed, program
from tests.unit.sso.proofs.prover import Prover

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import App, House

API = "http://127.0.0.1:7000"
OTHER = "https://cards.example"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


class Desk:
    """A client that may exchange the first client's tokens for the other API."""

    def __init__(
        self, house: House, scope: str = "openid profile users:read", **made: object
    ) -> None:
        self.house = house
        given: dict[str, Any] = {"grant_types": [TOKEN_EXCHANGE], "redirect_uris": [], **made}
        self.client = house.new_client(**given)
        self.line = self.allow(scope=scope)

    def allow(self, **line: str) -> Any:  # noqa: ANN401 - a row
        """Write a line of the policy."""
        given = {
            "client_id": self.client.client_id,
            "subject_client_id": self.house.client.client_id,
            "from_audience": API,
            "to_audience": OTHER,
            "scope": "users:read",
            **line,
        }
        return self.house.base.exchange_policies.allow(NewPolicy(**given))

    def ask(self, subject_token: str | None, **members: str | None) -> TestResponse:
        """Exchange it."""
        given: dict[str, str | None] = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": subject_token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": OTHER,
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret,
            **members,
        }
        return self.house.token(**given)

    def exchanged(self, subject_token: str, **members: str | None) -> str:
        """Return the new token."""
        answer = self.ask(subject_token, **members)
        assert answer.status_code == 200, answer.text
        return str((answer.json or {})["access_token"])

    def is_active(self, token: str, client: App | None = None) -> bool:
        """Return what introspection says."""
        client = client or self.client
        form = {"token": token, "client_id": client.client_id}
        form |= {"client_secret": str(client.client_secret)}
        told = self.house.app.test_client().post("/oauth/introspect", data=form)
        return bool((told.json or {})["active"])


def error_of(answer: TestResponse) -> str:
    """Return the error code."""
    assert answer.status_code == 400, answer.text
    return str((answer.json or {})["error"])


@pytest.mark.rule("A-49")
@pytest.mark.parametrize("opaque", [False, True])
def test_a_token_is_made_over(either_house: House, *, opaque: bool) -> None:
    """Same person, other audience, fewer scopes, no longer life; ``act`` says who acts."""
    house = either_house
    house.client = house.new_client(first_party=True, opaque=opaque)
    desk = Desk(house)
    tokens = house.tokens()
    house.clock.pass_s(100)
    answer = desk.ask(tokens["access_token"], scope="users:read profile")
    said: dict[str, Any] = answer.json or {}
    assert said["issued_token_type"] == ACCESS_TOKEN
    assert said["token_type"] == "Bearer"
    assert "refresh_token" not in said
    assert said["scope"] == "users:read profile"
    assert 3400 <= said["expires_in"] <= 3500
    claims = house.claims(said["access_token"])
    assert claims["sub"] == house.user.sub
    assert claims["aud"] == OTHER
    assert claims["client_id"] == desk.client.client_id
    assert claims["act"] == {"sub": desk.client.client_id}
    assert claims["preferred_username"] == "ada"
    assert claims["acr"]
    assert claims["auth_time"]
    assert "offline_access" not in claims["scope"]


@pytest.mark.rule("A-49")
def test_actors_nest(house: House) -> None:
    """Who acted before stands inside; five at most."""
    first = Desk(house)
    second = Desk(house)
    token = first.exchanged(house.tokens()["access_token"])
    line = {"subject_client_id": first.client.client_id, "from_audience": OTHER}
    second.allow(**line, to_audience=API)
    again = second.exchanged(token, audience=API)
    assert house.claims(again)["act"] == {
        "sub": second.client.client_id,
        "act": {"sub": first.client.client_id},
    }
    first.allow(subject_client_id=second.client.client_id)
    second.allow(subject_client_id=first.client.client_id, from_audience=OTHER, to_audience=API)
    third = first.exchanged(again)
    fourth = second.exchanged(third, audience=API)
    fifth = first.exchanged(fourth)
    assert error_of(second.ask(fifth, audience=API)) == "invalid_request"


@pytest.mark.rule("A-49")
def test_without_a_line_nothing_is_exchanged(house: House) -> None:
    """Neither for another target, nor another client's tokens, nor by another client."""
    desk, token = Desk(house), house.tokens()["access_token"]
    assert error_of(desk.ask(token, audience="https://elsewhere.example")) == "invalid_target"
    assert error_of(desk.ask(token, resource="https://elsewhere.example")) == "invalid_target"
    stranger = Desk(house)
    house.base.exchange_policies.forbid(stranger.line.id)
    assert error_of(stranger.ask(token)) == "invalid_target"
    other = house.new_client(first_party=True)
    secrets = {"client_id": other.client_id, "client_secret": other.client_secret}
    code = house.signed_in().code(client_id=other.client_id)
    theirs = (house.redeem(code, **secrets).json or {})["access_token"]
    assert error_of(desk.ask(theirs)) == "invalid_target"
    assert desk.exchanged(token, audience=None, resource=OTHER)
    assert desk.exchanged(token, audience=None), "the only target needs no name"
    desk.allow(to_audience="https://second.example")
    assert error_of(desk.ask(token, audience=None)) == "invalid_target"


@pytest.mark.rule("A-24", "A-49", "S-099")
def test_nothing_is_widened(house: House) -> None:
    """Not beyond the subject token, not beyond the line; nothing left is nothing issued."""
    desk = Desk(house, scope="email users:read")
    narrow = house.tokens(scope="openid profile users:read")["access_token"]
    for scope in ("users:read email", "openid", "nonsense"):
        assert error_of(desk.ask(narrow, scope=scope)) == "invalid_scope"
    assert (desk.ask(narrow).json or {})["scope"] == "users:read"
    assert error_of(desk.ask(house.tokens(scope="openid")["access_token"])) == "invalid_scope"


@pytest.mark.rule("A-49", "S-093")
def test_only_a_good_access_token_of_ours_is_a_subject(house: House) -> None:
    """No ID token, no refresh token, nothing expired, revoked or foreign; no other types."""
    desk, tokens = Desk(house), house.tokens()
    good = tokens["access_token"]
    for bad in (None, "x", "x.y.z", tokens["id_token"], tokens["refresh_token"]):
        assert error_of(desk.ask(bad)) == "invalid_request"
    wrong: list[dict[str, str | None]] = [
        {"subject_token_type": None},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"actor_token": good, "actor_token_type": ACCESS_TOKEN},
    ]
    for members in wrong:
        assert error_of(desk.ask(good, **members)) == "invalid_request"
    house.clock.pass_s(3601)
    assert error_of(desk.ask(good)) == "invalid_request"


@pytest.mark.rule("A-15", "A-49")
def test_the_client_needs_the_grant_and_a_proof_of_itself(house: House) -> None:
    """unauthorized_client without it; a public client cannot have it."""
    desk, token = Desk(house), house.tokens()["access_token"]
    first = {"client_id": house.client.client_id, "client_secret": house.client.client_secret}
    assert error_of(desk.ask(token, **first)) == "unauthorized_client"
    with pytest.raises(Exception, match="public"):
        house.new_client(public=True, grant_types=[TOKEN_EXCHANGE])
    with pytest.raises(PolicyInvalid):
        desk.allow(client_id=house.client.client_id)
    with pytest.raises(PolicyInvalid):
        desk.allow(scope="nonsense", from_audience="")


@pytest.mark.rule("A-39", "A-49")
def test_it_ends_with_its_source(either_house: House) -> None:
    """The source revoked by itself, twice removed too; or its grant revoked: inactive."""
    house = either_house
    desk, tokens = Desk(house), house.tokens()
    source = tokens["access_token"]
    once = desk.exchanged(source)
    desk.allow(subject_client_id=desk.client.client_id, from_audience=OTHER, to_audience=API)
    twice = desk.exchanged(once, audience=API)
    assert desk.is_active(once)
    assert desk.is_active(twice)
    form = {"client_id": house.client.client_id, "client_secret": house.client.client_secret}
    house.app.test_client().post("/oauth/revoke", data={**form, "token": source})
    assert not desk.is_active(once)
    assert not desk.is_active(twice)
    second = house.refresh(tokens["refresh_token"]).json or {}
    third = desk.exchanged(second["access_token"])
    assert desk.is_active(third)
    house.app.test_client().post("/oauth/revoke", data={**form, "token": second["refresh_token"]})
    assert not desk.is_active(third)
    assert error_of(desk.ask(second["access_token"])) == "invalid_request"
    with house.base.storage.reading() as session:
        assert session.query(Grant).count() == 1, "an exchange makes no grant of its own"


@pytest.mark.rule("A-47", "A-49")
def test_a_bound_token_stays_bound(house: House) -> None:
    """To the key of whoever exchanges it, who has to show one."""
    desk, holder = Desk(house), Prover(house)
    token = holder.tokens()["access_token"]
    assert error_of(desk.ask(token)) == "invalid_dpop_proof"
    prover = Prover(house, desk.client)
    answer = prover.ask(
        grant_type=TOKEN_EXCHANGE,
        subject_token=token,
        subject_token_type=ACCESS_TOKEN,
        audience=OTHER,
    )
    assert (answer.json or {})["token_type"] == "DPoP"
    claims = house.claims((answer.json or {})["access_token"])
    assert claims["cnf"] == {"jkt": prover.jkt}


@pytest.mark.rule("A-49", "S-110")
def test_administrators_write_the_policy(house: House) -> None:
    """Through their program or their pages; nobody else; every change is in the log."""
    desk, http = Desk(house), house.app.test_client()
    line = {
        "client": desk.client.client_id,
        "subject_client": house.client.client_id,
        "from": API,
        "to": "https://made.example",
        "scope": "users:read",
    }
    assert http.post("/admin/api/exchanges", json=line).status_code == 401
    bearer = program(house)
    made = http.post("/admin/api/exchanges", json=line, headers=bearer)
    assert made.status_code == 201, made.text
    refused = http.post("/admin/api/exchanges", json={**line, "client": "x"}, headers=bearer)
    assert error_of(refused) == "invalid_request"
    listed: Any = http.get("/admin/api/exchanges", headers=bearer).json
    assert {each["to"] for each in listed["items"]} == {OTHER, "https://made.example"}
    assert deed(admin_of(house), "exchanges", desk.line.id, "forbid").status_code == 303
    assert error_of(desk.ask(house.tokens()["access_token"])) == "invalid_target"
    with house.base.storage.reading() as session:
        actions = [row.action for row in session.query(AuditEntry)]
    assert actions.count("exchange.allowed") == 2
    assert actions.count("exchange.forbidden") == 1


@pytest.mark.rule("A-46", "A-47")
def test_administrators_hold_clients_to_more(house: House) -> None:
    """Pushed requests and bound tokens, and back."""
    admin, client_id = admin_of(house), house.client.client_id
    for name, holds in (
        ("require-par", "par_required"),
        ("require-dpop", "dpop_required"),
    ):
        for verb, held in ((name, True), (name.replace("require", "lift"), False)):
            assert deed(admin, "clients", client_id, verb).status_code == 303
            client = house.base.clients.find(client_id)
            assert getattr(client, holds) is held
