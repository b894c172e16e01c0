"""Dynamic registration: off by default, by leave alone, strictly judged, nothing fetched."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from httpkit.problems import Unavailable
from sso.clients.initial_tokens import InitialTokens
from sso.problems import TEMPORARILY_UNAVAILABLE
from sso.storage.clients import Client
from tests.unit.sso.house import CALLBACK, ISSUER, House, answer_of

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

WANTED = {"client_name": "Mine", "redirect_uris": [CALLBACK], "scope": "openid profile"}


@pytest.fixture
def open_house(database_url: str, valkey_url: str) -> House:
    """An SSO that lets programs register."""
    return House(database_url, valkey_url, dynamic_registration=True)


@pytest.fixture
def small_house(tmp_path: Path, valkey_url: str) -> House:
    """The same over SQLite alone."""
    return House(f"sqlite:///{tmp_path / 'r.sqlite3'}", valkey_url, dynamic_registration=True)


def leave(house: House, *, uses: int = 5, ttl_s: int = 60) -> str:
    """Return an initial access token."""
    return InitialTokens(house.base.storage, house.clock).create(uses=uses, ttl_s=ttl_s)


def send(house: House, method: str, path: str, token: str, body: object = None) -> TestResponse:
    """Send *body* as JSON, or as it is where it is text."""
    return house.app.test_client().open(
        path,
        method=method,
        data=body if isinstance(body, str) else json.dumps(body) if body is not None else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )


def register(house: House, token: str, **wanted: object) -> TestResponse:
    """Register."""
    return send(house, "POST", "/oauth/register", token, {**WANTED, **wanted})


def clients_of(house: House) -> list[Client]:
    """Return every client, in the order in which they were made."""
    with house.base.storage.reading() as session:
        return list(session.scalars(select(Client).order_by(Client.created_at)))


@pytest.mark.rule("A-50")
def test_a_program_registers_and_its_client_works(open_house: House) -> None:
    """The secret opens the token endpoint; people are asked; no digest is the secret."""
    house = open_house
    answer = register(house, leave(house))
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.json or {}
    assert made["registration_client_uri"] == f"{ISSUER}/oauth/register/{made['client_id']}"
    assert made["client_secret_expires_at"] == 0
    client = house.base.clients.find(made["client_id"])
    assert client
    assert not client.first_party
    assert client.registration_token_digest != made["registration_access_token"]
    visitor = house.signed_in()
    asked = {"client_id": made["client_id"], "scope": "openid"}
    shown = visitor.ask(**asked)
    assert shown.location.startswith("/consent?")
    visitor.submit(shown.location, "/consent", decision="allow")
    code = answer_of(visitor.follow(visitor.ask(**asked)))["code"]
    credentials = {key: made[key] for key in ("client_id", "client_secret")}
    assert house.redeem(code, **credentials).status_code == 200


@pytest.mark.rule("A-50", "S-100")
def test_nothing_is_there_by_default(house: House) -> None:
    """Neither the endpoint nor a word of it in the metadata."""
    assert register(house, leave(house)).status_code == 404
    document = house.app.test_client().get("/.well-known/openid-configuration").json or {}
    assert "registration_endpoint" not in document


@pytest.mark.rule("A-50", "S-100")
def test_leave_is_needed_and_runs_out(open_house: House) -> None:
    """Unknown, spent and old tokens are one answer; a refused registration spends nothing."""
    house = open_house
    assert register(house, "").status_code == 401
    assert register(house, "unknown").status_code == 401
    token = leave(house, uses=1)
    assert register(house, token, redirect_uris=["javascript:alert(1)"]).status_code == 400
    assert register(house, token).status_code == 201
    assert register(house, token).status_code == 401
    old = leave(house)
    house.clock.pass_s(61)
    assert register(house, old).status_code == 401


@pytest.mark.rule("A-50")
def test_a_registration_that_fails_in_between_leaves_nothing(
    open_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a use spent nor a client without its token, which would pass for an operator's."""
    house = open_house
    token, made = leave(house, uses=1), len(clients_of(house))

    def outage(*_: object, **__: object) -> None:
        raise Unavailable(TEMPORARILY_UNAVAILABLE)

    with monkeypatch.context() as patch:
        patch.setattr("sso.clients.registry.record", outage)
        assert register(house, token).status_code == 503
    assert len(clients_of(house)) == made
    assert register(house, token).status_code == 201
    assert all(each.self_registered for each in clients_of(house)[made:])


def test_of_many_registrations_as_many_succeed_as_are_left(open_house: House) -> None:
    """Eight at once, two uses."""
    house = open_house
    token, statuses = leave(house, uses=2), list[int]()
    threads = [
        threading.Thread(target=lambda: statuses.append(register(house, token).status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 2 + [401] * 6


@pytest.mark.rule("S-100")
def test_nothing_that_a_stranger_names_is_fetched(small_house: House) -> None:
    """A listening canary hears nothing, whatever member names it."""
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        uri = f"http://127.0.0.1:{canary.getsockname()[1]}/"
        token = leave(small_house, uses=50)
        for name in ("jwks_uri", "logo_uri", "client_uri", "policy_uri", "sector_identifier_uri"):
            for value in (uri, uri.replace("http:", "https:"), "https://localhost/"):
                assert register(small_house, token, **{name: value}).status_code == 400
        assert register(small_house, token, request_uris=[uri]).status_code == 400
        with pytest.raises(BlockingIOError):
            canary.accept()


@pytest.mark.rule("A-04", "S-100")
@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://app.example.com/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example.com/#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_client_metadata"),
        ({"redirect_uris": "https://app.example.com/"}, "invalid_client_metadata"),
        ({"redirect_uris": [1]}, "invalid_client_metadata"),
        ({"client_name": ["x"]}, "invalid_client_metadata"),
        ({"client_name": "\ud800"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}}, "invalid_client_metadata"),
        ({"scope": "openid sso:admin"}, "invalid_client_metadata"),
        ({"backchannel_logout_uri": "com.example.app:/x"}, "invalid_client_metadata"),
        ({"software_statement": "x"}, "invalid_client_metadata"),
    ],
)
def test_metadata_is_judged(small_house: House, wanted: dict[str, object], error: str) -> None:
    """What cannot be is refused in the words of RFC 7591."""
    answer = register(small_house, leave(small_house), **wanted)
    assert answer.status_code == 400
    assert (answer.json or {})["error"] == error


@pytest.mark.parametrize("body", ["", "[]", "{", '{"a": 1, "a": 2}', "[" * 60_000, '"x"'])
def test_any_body_gets_an_answer(small_house: House, body: str) -> None:
    """Never a 5xx."""
    answer = send(small_house, "POST", "/oauth/register", leave(small_house), body)
    assert answer.status_code == 400


@pytest.mark.rule("S-109")
def test_what_is_not_metadata_is_not_set(small_house: House) -> None:
    """Nobody makes their client one of ours."""
    extra = {"first_party": True, "owner_sub": "x", "client_id": "mine", "pkce_required": False}
    made = register(small_house, leave(small_house), **extra).json or {}
    client = small_house.base.clients.find(made["client_id"])
    assert client
    assert (client.first_party, client.owner_sub, client.pkce_required) == (False, None, True)


def test_a_public_client_gets_no_secret(small_house: House) -> None:
    """It proves nothing."""
    made = register(small_house, leave(small_house), token_endpoint_auth_method="none").json or {}
    assert "client_secret" not in made
    assert made["token_endpoint_auth_method"] == "none"


@pytest.mark.rule("A-50")
def test_a_client_is_managed_by_its_own_token_alone(open_house: House) -> None:
    """Shown without its secret, changed, removed; with another client's token, nothing."""
    house = open_house
    made = register(house, leave(house)).json or {}
    other = register(house, leave(house)).json or {}
    path = f"/oauth/register/{made['client_id']}"
    token = made["registration_access_token"]
    unknown = "/oauth/register/0b54ae3c-9a4e-4a53-8a7e-5d9f35a4f001"
    refused = [
        send(house, "GET", path, other["registration_access_token"]),
        send(house, "GET", unknown, token),
        send(house, "DELETE", path, ""),
        send(house, "GET", f"/oauth/register/{house.client.client_id}", token),
    ]
    assert {answer.status_code for answer in refused} == {401}
    assert len({answer.text for answer in refused}) == 1
    shown = send(house, "GET", path, token)
    assert shown.status_code == 200
    assert made["client_secret"] not in shown.text
    changed = {**WANTED, "client_id": made["client_id"], "client_name": "Other"}
    answer = send(house, "PUT", path, token, {**changed, "id_token_signed_response_alg": "ES256"})
    assert (answer.json or {})["client_name"] == "Other"
    assert (answer.json or {})["id_token_signed_response_alg"] == "ES256"
    assert (send(house, "PUT", path, token, changed).json or {})[
        "id_token_signed_response_alg"
    ] == "RS256"
    for wrong in (
        {**changed, "client_id": other["client_id"]},
        {**changed, "client_secret": "mine"},
        {**changed, "registration_access_token": token},
        {**changed, "token_endpoint_auth_method": "none"},
        {**changed, "redirect_uris": ["http://app.example.com/"]},
    ):
        assert send(house, "PUT", path, token, wrong).status_code == 400
    assert send(house, "DELETE", path, token).status_code == 204
    assert send(house, "GET", path, token).status_code == 401
    assert house.base.clients.find(made["client_id"]) is None


@pytest.mark.rule("A-20")
def test_guessing_tokens_is_throttled(small_house: House) -> None:
    """After so many wrong ones from one address, wrong ones are told to wait."""
    small_house = House(
        small_house.settings.database_url.get_secret_value(),
        small_house.settings.redis_url.get_secret_value(),
        fresh=False,
        dynamic_registration=True,
        throttles={"wrong_secrets_per_client": 2},
    )
    statuses = [register(small_house, "x").status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    assert register(small_house, leave(small_house)).status_code == 201


def test_discovery_names_the_endpoint_where_it_is(small_house: House) -> None:
    """Derived from what is mounted."""
    document = small_house.app.test_client().get("/.well-known/openid-configuration").json or {}
    assert document["registration_endpoint"] == f"{ISSUER}/oauth/register"


@pytest.mark.rule("A-46", "A-47", "A-50", "S-100")
def test_a_program_says_what_its_client_is_held_to(small_house: House) -> None:
    """Pushed requests, bound tokens, a frame's address; said back, changed, strictly read."""
    house, token = small_house, leave(small_house, uses=9)
    front = CALLBACK.replace("callback", "frontchannel-logout")
    held = {
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": True,
        "frontchannel_logout_uri": front,
        "frontchannel_logout_session_required": True,
    }
    made = register(house, token, **held).json or {}
    assert {name: made[name] for name in held} == held
    client = house.base.clients.find(made["client_id"])
    assert client
    assert (client.par_required, client.dpop_required) == (True, True)
    management = made["registration_access_token"]
    path = f"/oauth/register/{made['client_id']}"
    changed = send(house, "PUT", path, management, {**WANTED, "client_id": made["client_id"]})
    assert (changed.json or {})["dpop_bound_access_tokens"] is False
    assert "frontchannel_logout_uri" not in (changed.json or {})
    wrong: list[dict[str, object]] = [
        {"dpop_bound_access_tokens": "yes"},
        {"require_pushed_authorization_requests": 1},
        {"frontchannel_logout_session_required": "no"},
        {"frontchannel_logout_uri": "https://evil.example/"},
    ]
    for each in wrong:
        assert (register(house, token, **each).json or {})["error"] == "invalid_client_metadata"
