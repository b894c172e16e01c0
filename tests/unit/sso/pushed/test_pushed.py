"""Pushed requests: from the client itself, once, soon, and from nobody else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from sso.requests.pushed import PREFIX
from sso.storage.clients import Client
from sso.storage.digests import digest
from sso.storage.grants import PushedRequest
from tests.unit.sso.house import CALLBACK, ISSUER, App, answer_of, request_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House, Visitor

PAR = "/oauth/par"


def push(house: House, client: App | None = None, /, **asked: str | None) -> TestResponse:
    """Push an ordinary request; None leaves a parameter out."""
    client = client or house.client
    form = {"client_secret": client.client_secret, **request_of(client, **asked)}
    given = {name: value for name, value in form.items() if value is not None}
    return house.app.test_client().post(PAR, data=given)


def pushed(house: House, client: App | None = None, **asked: str | None) -> str:
    """Return the name of a pushed request."""
    answer = push(house, client, **asked)
    assert answer.status_code == 201, answer.text
    return str((answer.json or {})["request_uri"])


def use(visitor: Visitor, client: App, request_uri: str, **more: str) -> TestResponse:
    """Bring the name in a browser."""
    asked = {"client_id": client.client_id, "request_uri": request_uri, **more}
    return visitor.follow(visitor.get(f"/oauth/authorize?{urlencode(asked)}"))


def kept(house: House) -> int:
    """Return how many requests are kept."""
    with house.base.storage.reading() as session:
        return session.query(PushedRequest).count()


@pytest.mark.rule("A-46")
def test_a_pushed_request_signs_in_once(either_house: House) -> None:
    """201 with a name for a minute; the code comes with state and iss, and only once."""
    house = either_house
    answer = push(house)
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json or {}
    assert said["expires_in"] == house.settings.lifetimes.pushed_request_s == 60
    assert said["request_uri"].startswith(PREFIX)
    assert answer.headers["Cache-Control"] == "no-store"
    browser = house.signed_in()
    came = answer_of(use(browser, house.client, said["request_uri"]))
    assert came["state"] == "the-state"
    assert came["iss"] == ISSUER
    assert house.redeem(came["code"]).status_code == 200
    again = use(browser, house.client, said["request_uri"])
    assert again.status_code == 400
    assert "Location" not in again.headers


@pytest.mark.rule("A-25", "A-46")
def test_the_database_knows_the_digest_alone(house: House) -> None:
    """Whoever reads the table cannot use what is in it."""
    name = pushed(house).removeprefix(PREFIX)
    with house.base.storage.reading() as session:
        row = session.get(PushedRequest, digest(name))
    assert row
    assert name not in str(row.request)


@pytest.mark.rule("A-46")
def test_of_many_uses_at_once_one_succeeds(either_house: House) -> None:
    """The name is taken by one statement."""
    house = either_house
    name = pushed(house)
    browsers = [house.signed_in() for _ in range(6)]
    statuses: list[int] = []

    def run(browser: Visitor) -> None:
        statuses.append(use(browser, house.client, name).status_code)

    threads = [threading.Thread(target=run, args=(each,)) for each in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 400, 400, 400, 400, 400]


@pytest.mark.rule("A-05", "A-46", "S-088")
def test_a_name_that_is_not_good_ends_on_our_own_page(house: House) -> None:
    """Nobody is redirected; a stranger's attempt leaves the request to its owner."""
    browser, mine = house.signed_in(), pushed(house)
    other, nobody = house.new_client(), App("00000000-0000-4000-8000-000000000000", None)
    tries = [(other, mine), (nobody, mine), (house.client, PREFIX), (house.client, PREFIX + "x")]
    for client, name in tries:
        answer = use(browser, client, name, redirect_uri=CALLBACK, state="mine")
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert answer.mimetype == "text/html"
    assert answer_of(use(browser, house.client, mine))["code"]
    late = pushed(house)
    house.clock.pass_s(house.settings.lifetimes.pushed_request_s + 1)
    assert use(browser, house.client, late).status_code == 400


@pytest.mark.rule("A-05", "A-46")
def test_an_address_that_the_client_lost_meanwhile_is_not_redirected_to(house: House) -> None:
    """What was judged at the push is judged again."""
    name = pushed(house)

    def forget(session: Session) -> None:
        session.get_one(Client, house.client.client_id).redirect_uris = ["https://new.example/"]

    house.base.storage.write(forget)
    assert use(house.signed_in(), house.client, name).status_code == 400


@pytest.mark.rule("A-46", "S-016", "S-026")
def test_a_push_is_judged_at_once(house: House) -> None:
    """The client hears of every fault itself, as JSON, and nothing is kept."""
    faults: list[tuple[dict[str, str | None], str]] = [
        ({"request_uri": PREFIX + "x"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "openid nonsense"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"state": "s" * 3000}, "invalid_request"),
    ]
    for asked, error in faults:
        answer = push(house, **asked)
        assert answer.status_code == 400
        assert (answer.json or {})["error"] == error
        assert "Location" not in answer.headers
    assert kept(house) == 0


@pytest.mark.rule("A-16", "A-17", "A-46", "S-018", "S-089")
def test_the_client_proves_itself_as_at_the_token_endpoint(house: House) -> None:
    """A wrong secret, none, two methods, a repeated parameter, a query: refused, nothing kept."""
    http, form = house.app.test_client(), request_of(house.client)
    right = {"client_secret": house.client.client_secret}
    for wrong in ({}, {"client_secret": "wrong"}):
        answer = http.post(PAR, data={**form, **wrong})
        assert answer.status_code == 401
        assert (answer.json or {})["error"] == "invalid_client"
    for path, more in (
        (PAR, {"headers": {"Authorization": "Basic eDp5"}}),
        (f"{PAR}?state=x", {}),
    ):
        answer = http.post(path, data={**form, **right}, **more)
        assert answer.status_code == 400
    body = urlencode({**form, **right}) + "&state=again"
    kind = "application/x-www-form-urlencoded"
    assert http.post(PAR, data=body, content_type=kind).status_code == 400
    assert http.get(PAR).status_code == 405
    assert kept(house) == 0


@pytest.mark.rule("A-16", "A-46")
def test_json_is_taken_under_the_same_rules(house: House) -> None:
    """And a public client names itself."""
    app = house.new_client(public=True)
    answer = house.app.test_client().post(PAR, json=request_of(app))
    assert answer.status_code == 201, answer.text


@pytest.mark.rule("A-46")
def test_a_client_may_be_held_to_pushing(house: House) -> None:
    """Whatever the browser itself carries is refused then, at the registered address."""
    client = house.new_client(par_required=True, first_party=True)
    browser = house.signed_in()
    refused = answer_of(browser.get(f"/oauth/authorize?{urlencode(request_of(client))}"))
    assert refused["error"] == "invalid_request"
    assert answer_of(use(browser, client, pushed(house, client)))["code"]


@pytest.mark.rule("A-46")
def test_what_stands_beside_the_name_does_not_count(house: House) -> None:
    """Neither scope nor state of the address replaces what was pushed."""
    browser = house.signed_in()
    name = pushed(house, scope="openid")
    came = answer_of(use(browser, house.client, name, scope="openid email", state="other"))
    assert came["state"] == "the-state"
    assert (house.redeem(came["code"]).json or {})["scope"] == "openid"


@pytest.mark.rule("A-40", "A-46")
def test_a_sign_in_between_push_and_use_is_not_a_new_one(house: House) -> None:
    """``prompt=login`` counts from the moment that the browser brings the name."""
    name = pushed(house, prompt="login")
    answer = use(house.signed_in(), house.client, name)
    assert answer.status_code == 200
    assert 'name="password"' in answer.text


@pytest.mark.rule("S-117")
def test_a_public_client_cannot_fill_the_table(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many an address in a window; then 429, and when to come back."""
    monkeypatch.setattr("sso.pushed.views._PUSHES_PER_ADDRESS", 3)
    app = house.new_client(public=True)
    statuses = [push(house, app).status_code for _ in range(5)]
    assert statuses == [201, 201, 201, 429, 429]
    assert "Retry-After" in push(house, app).headers
    assert kept(house) == 3


@pytest.mark.rule("A-36", "A-46")
def test_the_metadata_says_where(house: House) -> None:
    """And that it is not demanded of everybody."""
    document: Any = house.app.test_client().get("/.well-known/openid-configuration").json
    assert document["pushed_authorization_request_endpoint"] == f"{ISSUER}{PAR}"
    assert document["require_pushed_authorization_requests"] is False
