"""What every page and answer has, and what no header of a stranger changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from sso.storage.people import BrowserSession
from tests.unit.sso.house import ISSUER, PASSWORD, request_of

if TYPE_CHECKING:
    from tests.unit.sso.house import House

PAGES = ("/sign-in", "/sign-up", "/sign-out", "/signed-out", "/device", "/account", "/clients")
FETCHED = re.compile(r'(?:src|href|action|srcset)="([^"]+)"')
FOREIGN = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "X-Real-IP": "6.6.6.6",
    "Forwarded": "for=6.6.6.6;host=evil.example",
    "X-Client-Cert": "x",
    "X-User": "root",
    "Remote-User": "root",
    "Host": "evil.example",
}


@pytest.mark.rule("A-52", "A-53", "S-112", "S-113")
def test_pages_ask_nothing_of_third_parties(house: House) -> None:
    """Own files, own policy, no address in a Referer to elsewhere, no frame around."""
    client = house.new_client(name="Card")
    browser = house.signed_in()
    consent = browser.get(f"/oauth/authorize?{urlencode(request_of(client))}").location
    wrong = "/oauth/authorize?client_id=nobody"
    for page in (*PAGES, consent, wrong):
        shown = browser.get(page)
        assert shown.mimetype == "text/html", page
        assert shown.headers["Referrer-Policy"] == "same-origin"
        policy = shown.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        foreign = [each for each in FETCHED.findall(shown.text) if re.match(r"\w+:|//", each)]
        assert foreign == []


@pytest.mark.rule("A-58", "S-011", "S-082")
def test_no_header_of_a_stranger_is_believed(house: House) -> None:
    """Neither who calls, nor where, nor by which address we are known."""
    http = house.app.test_client()
    document = http.get("/.well-known/openid-configuration", headers=FOREIGN).json or {}
    assert document["issuer"] == ISSUER
    assert "evil" not in str(document)
    asked = http.get(f"/oauth/authorize?{urlencode(request_of(house.client))}", headers=FOREIGN)
    assert asked.location.startswith("/sign-in?")
    assert http.get("/admin/users", headers=FOREIGN).location.startswith("/sign-in?")
    page = house.visitor()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.get("/sign-in").text)
    assert token
    form = {"username": "ada", "password": PASSWORD, "csrf_token": token[1]}
    headers = {name: value for name, value in FOREIGN.items() if name != "Host"}
    assert page.http.post("/sign-in", data=form, headers=headers).status_code == 303
    with house.base.storage.reading() as session:
        [row] = session.query(BrowserSession).all()
    assert row.ip == "127.0.0.1"


@pytest.mark.rule("A-20", "S-104")
def test_guessing_a_secret_is_throttled(house: House) -> None:
    """Wrong ones count for this client from this address; the right one is never locked out."""
    limit = house.settings.throttles.wrong_secrets_per_client
    statuses = {house.refresh("x", client_secret="wrong").status_code for _ in range(limit)}
    assert statuses == {401}
    late = house.refresh("x", client_secret="wrong")
    assert late.status_code == 429
    assert (late.json or {})["error"] == "invalid_client"
    assert int(late.headers["Retry-After"]) > 0
    assert house.refresh("x").status_code == 400
