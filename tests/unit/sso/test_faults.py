"""Parts that are away: an outage is never "not signed in", and never a wrong answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.mariadb import MariaDb
from tests.unit.sso.house import House

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def own_mariadb(tmp_path: Path) -> Iterator[MariaDb]:
    """A MariaDB of this test alone, to be stopped and started."""
    server = MariaDb(tmp_path)
    server.start()
    yield server
    server.program.stop()


@pytest.mark.rule("F-14", "S-087")
def test_without_the_database_answers_are_503_and_keys_are_served(
    own_mariadb: MariaDb, valkey_url: str
) -> None:
    """Tokens, sign-in and revocation wait; discovery and keys come from memory; then all works."""
    house = House(own_mariadb.fresh_database(), valkey_url)
    browser = house.signed_in()
    tokens = house.tokens(browser)
    http = house.app.test_client()
    own_mariadb.program.kill()
    for response in (
        house.refresh(tokens["refresh_token"]),
        http.post(
            "/oauth/revoke",
            data={
                "client_id": house.client.client_id,
                "client_secret": house.client.client_secret,
                "token": tokens["refresh_token"],
            },
        ),
        http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}),
    ):
        assert response.status_code == 503
        assert (response.json or {})["error"] == "temporarily_unavailable"
        assert int(response.headers["Retry-After"]) >= 1
    for address in ("/account", "/oauth/authorize?client_id=" + house.client.client_id):
        page = browser.get(address)
        assert page.status_code == 503
        assert page.mimetype == "text/html"
        assert "Set-Cookie" not in page.headers
    assert http.get("/oauth/jwks").status_code == 200
    assert http.get("/.well-known/openid-configuration").status_code == 200
    assert http.get("/livez").status_code == 200
    assert http.get("/readyz").status_code == 503
    own_mariadb.start()
    assert house.refresh(tokens["refresh_token"]).status_code == 200
    assert browser.get("/account").status_code == 200
    assert http.get("/readyz").status_code == 200


@pytest.mark.rule("F-01")
def test_without_redis_sign_in_says_so_and_tokens_go_on(tmp_path: Path, valkey_url: str) -> None:
    """Guesses cannot be counted, so no password is looked at; nothing else needs Redis."""
    url = f"sqlite:///{tmp_path / 'sso.sqlite3'}"
    house = House(url, valkey_url)
    browser = house.signed_in()
    house.app = House.node(url, NOWHERE)
    cookie = browser.http.get_cookie("sso-session-9000", "localhost")
    assert cookie
    again = house.visitor()
    again.http.set_cookie("sso-session-9000", cookie.value, domain="localhost")
    tokens = house.tokens(again)
    assert house.refresh(tokens["refresh_token"]).status_code == 200
    assert house.refresh("x", client_secret="wrong").status_code == 401
    refused = house.visitor().sign_in("ada")
    assert refused.status_code == 503
    assert refused.mimetype == "text/html"
    assert refused.headers["Retry-After"]
    ready = house.app.test_client().get("/readyz")
    assert ready.status_code == 503
    assert (ready.json or {})["checks"]["database"] == "ok"


def test_an_unmigrated_database_starts_and_says_what_to_do(tmp_path: Path, valkey_url: str) -> None:
    """The process lives; /readyz has the words."""
    app = House.node(f"sqlite:///{tmp_path / 'empty.sqlite3'}", valkey_url)
    ready = app.test_client().get("/readyz")
    assert ready.status_code == 503
    assert "sso migrate" in (ready.json or {})["checks"]["database"]


@pytest.mark.rule("S-115")
def test_a_flood_of_passwords_is_told_to_come_back(house: House) -> None:
    """Nobody waits longer than the queue is allowed to be."""
    passwords = house.app.extensions["sso"].base.passwords
    with passwords._place(), passwords._place():
        refused = house.visitor().sign_in("ada")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert house.visitor().sign_in("ada").status_code == 303
