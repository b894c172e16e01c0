"""Front-channel logout: the frames of this session's clients, and of nobody else."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from sso.clients.registration import NewClientInvalid
from tests.unit.sso.house import CALLBACK, ISSUER, RETURN, query_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House

FRONT = "http://localhost:8000/bff/frontchannel-logout/sso?keep=1"
FRAME = re.compile(r'<iframe src="([^"]+)"')


def frames_in(page: TestResponse) -> list[str]:
    """Return the addresses of the page's frames."""
    return [unescape(each) for each in FRAME.findall(page.text)]


def frame_policy(page: TestResponse) -> str:
    """Return which frames the page may show."""
    found = re.search(r"frame-src ([^;]+)", page.headers["Content-Security-Policy"])
    return found[1] if found else ""


@pytest.mark.rule("A-55", "A-56")
def test_each_client_of_the_session_is_loaded_in_a_frame(either_house: House) -> None:
    """With iss and sid, under a policy of exactly those origins; then on with the state."""
    house = either_house
    house.client = house.new_client(first_party=True, frontchannel_logout_uri=FRONT)
    other = "https://other.example/"
    foreign = house.new_client(
        first_party=True, redirect_uris=[CALLBACK, other], frontchannel_logout_uri=other
    )
    house.new_client(first_party=True, frontchannel_logout_uri=FRONT.replace("keep", "idle"))
    browser, stranger = house.signed_in(), house.signed_in()
    tokens = house.tokens(browser)
    secrets = {"client_id": foreign.client_id, "client_secret": foreign.client_secret}
    house.redeem(browser.code(client_id=foreign.client_id), **secrets)
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": RETURN}
    page = browser.get(f"/oauth/end_session?{urlencode({**asked, 'state': 's'})}")
    assert page.status_code == 200
    sid = house.claims(tokens["id_token"])["sid"]
    said = {"iss": [ISSUER], "sid": [sid]}
    frames = {urlsplit(each).hostname: each for each in frames_in(page)}
    assert query_of(frames["localhost"]) == {"keep": ["1"], **said}
    assert query_of(frames["other.example"]) == said
    assert len(frames_in(page)) == 2
    assert frame_policy(page) == "http://localhost:8000 https://other.example"
    assert f'href="{RETURN}?state=s" data-after-frames' in page.text
    assert browser.get("/account").status_code == 303
    assert stranger.get("/account").status_code == 200


@pytest.mark.rule("A-55")
def test_after_the_question_too(house: House) -> None:
    """The form signs out; a page without frames allows none, and a second look has none."""
    house.client = house.new_client(first_party=True, frontchannel_logout_uri=FRONT)
    browser = house.signed_in()
    house.tokens(browser)
    assert frame_policy(browser.get("/sign-out")) == ""
    page = browser.submit("/sign-out")
    assert len(frames_in(page)) == 1
    again = browser.get("/signed-out")
    assert frames_in(again) == []
    assert frame_policy(again) == ""


@pytest.mark.rule("A-04", "A-55", "S-100")
def test_the_address_is_of_a_redirect_uris_origin(house: House) -> None:
    """Nothing else is shown in a frame of ours; by console and by operator alike."""
    wrong = ["https://evil.example/", "javascript:alert(1)", "http://localhost:8001/", "x"]
    for uri in wrong:
        with pytest.raises(NewClientInvalid):
            house.new_client(frontchannel_logout_uri=uri)
    developer = house.signed_in()
    fields = {"name": "Mine", "redirect_uris": CALLBACK, "scope": "openid"}
    for uri in wrong:
        shown = developer.submit("/clients/new", "/clients", **fields, frontchannel_logout_uri=uri)
        assert shown.status_code == 400
        assert 'id="frontchannel_logout_uri-wrong"' in shown.text
    made = developer.submit(
        "/clients/new",
        "/clients",
        **fields,
        frontchannel_logout_uri=FRONT,
        par_required="yes",
        dpop_required="yes",
    )
    found = re.search(r"<dd class=\"reference\">([0-9a-f-]{36})</dd>", made.text)
    assert found
    client = house.base.clients.find(found[1])
    assert client
    assert client.frontchannel_logout_uri == FRONT
    assert (client.par_required, client.dpop_required) == (True, True)
    page = f"/clients/{found[1]}/edit"
    assert developer.submit(page, **fields).status_code == 303
    client = house.base.clients.find(found[1])
    assert client
    assert client.frontchannel_logout_uri is None
    assert (client.par_required, client.dpop_required) == (False, False)


@pytest.mark.rule("A-36")
def test_the_metadata_says_so(house: House) -> None:
    """With sid."""
    document: Any = house.app.test_client().get("/.well-known/openid-configuration").json
    assert document["frontchannel_logout_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True
