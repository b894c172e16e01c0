"""`/bff/login` leads to the provider and nowhere else, and costs the store nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.fake_provider import DISCOVERY, says
from tests.support.lobby import OWN_PAGE

if TYPE_CHECKING:
    from tests.support.lobby import Lobby


def asked_of(url: str) -> dict[str, str]:
    """Return the parameters of an authorization URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.rule("B-02", "B-03", "B-05", "B-13")
def test_a_start_asks_for_code_pkce_state_and_nonce(lobby: Lobby) -> None:
    """303 to the authorization endpoint, everything fresh each time (B-03 to B-05, B-13)."""
    visitor = lobby.visitor()
    first, second = asked_of(visitor.begin()), asked_of(visitor.begin())
    assert first["response_type"] == "code"
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == "https://app.example.com/bff/callback/sso"
    assert first["scope"] == "openid offline_access"
    for fresh in ("state", "nonce", "code_challenge"):
        assert len(first[fresh]) == 43
        assert first[fresh] != second[fresh]


@pytest.mark.rule("S-117")
def test_starting_writes_nothing_to_the_store(lobby: Lobby) -> None:
    """However often: anonymous visitors cost Redis nothing (S-117)."""
    for _start in range(20):
        lobby.visitor().begin()
    assert lobby.keys() == []


def test_what_the_page_asks_for_is_handed_on(lobby: Lobby) -> None:
    """``prompt``, ``login_hint``, ``max_age``, ``acr_values`` and ``ui_locales``."""
    asked = asked_of(
        lobby.visitor().begin(
            prompt="login", login_hint="ada", max_age="60", acr_values="a b", ui_locales="zh en"
        )
    )
    assert (asked["prompt"], asked["login_hint"], asked["max_age"]) == ("login", "ada", "60")
    assert (asked["acr_values"], asked["ui_locales"]) == ("a b", "zh en")


@pytest.mark.parametrize(
    "query",
    [
        "return_to=//evil.example",
        "return_to=https://evil.example",
        "return_to=/\\evil.example",
        "return_to=/a&return_to=/b",
        "return_to=/a&return_to=//evil.example",
        "return_to=/" + "a" * 5000,
        "return_to=%2F%0d%0aSet-Cookie:a=b",
        "provider=unheard-of",
        "provider=sso&provider=sso",
        "prompt=none%20login",
        "prompt=unheard-of",
        "max_age=-1",
        "max_age=1e3",
        "max_age=9999999999",
        "login_hint=" + "a" * 600,
        "login_hint=%00",
        "login_hint=a%0d%0ab",
        "state=mine&state=yours",
    ],
)
def test_a_request_at_fault_is_400_and_leads_nowhere(lobby: Lobby, query: str) -> None:
    """No redirect, no cookie, nothing stored."""
    reply = lobby.visitor().ask(f"/bff/login?{query}")
    assert reply.status_code == 400
    assert "Location" not in reply.headers
    assert "Set-Cookie" not in reply.headers
    assert lobby.keys() == []


@pytest.mark.parametrize("name", ["state", "nonce", "redirect_uri", "code_challenge", "client_id"])
def test_the_visitor_cannot_set_what_the_protocol_sets(lobby: Lobby, name: str) -> None:
    """A link that names them changes nothing of the request."""
    assert asked_of(lobby.visitor().begin(**{name: "mine"}))[name] != "mine"


@pytest.mark.rule("S-011")
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example"},
        {"Forwarded": "host=evil.example"},
    ],
)
def test_the_redirect_uri_comes_from_the_settings(lobby: Lobby, headers: dict[str, str]) -> None:
    """Never from what the request says of the host (S-011)."""
    reply = lobby.visitor().ask("/bff/login", headers=headers)
    assert "evil.example" not in reply.headers["Location"]


@pytest.mark.rule("B-27", "S-033")
@pytest.mark.parametrize("dest", ["iframe", "frame", "image", "script", "empty", "embed"])
def test_signing_in_is_not_embedded(lobby: Lobby, dest: str) -> None:
    """A frame, an image or a script of somebody's starts no login (S-033)."""
    reply = lobby.visitor().ask("/bff/login", headers={"Sec-Fetch-Dest": dest})
    assert reply.status_code == 403
    assert "Set-Cookie" not in reply.headers


@pytest.mark.rule("B-25", "S-033")
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_foreign_page_does_not_force_a_silent_login(lobby: Lobby, site: str) -> None:
    """``prompt=none`` is for our own page; a sibling domain is as foreign (S-033, B-25)."""
    visitor = lobby.visitor()
    foreign = {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": "document"}
    assert visitor.ask("/bff/login?prompt=none", headers=foreign).status_code == 403
    assert visitor.ask("/bff/login", headers=foreign).status_code == 303
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}
    assert visitor.ask("/bff/login?prompt=none", headers=own).status_code == 303


@pytest.mark.rule("F-22")
def test_a_provider_that_is_away_is_an_outage(lobby: Lobby) -> None:
    """503 with ``Retry-After``, on a page (F-22)."""
    lobby.fake.misbehave(DISCOVERY, says(503))
    reply = lobby.visitor().ask("/bff/login")
    assert reply.status_code == 503
    assert int(reply.headers["Retry-After"]) >= 1
    assert reply.mimetype == "text/html"
    assert "Set-Cookie" not in reply.headers


@pytest.mark.rule("B-09")
def test_a_provider_that_names_another_issuer_is_not_signed_in_at(lobby: Lobby) -> None:
    """502, and no redirect to where the document points (B-09)."""
    lobby.fake.metadata = {"issuer": "https://evil.example"}
    reply = lobby.visitor().ask("/bff/login")
    assert reply.status_code == 502
    assert "Location" not in reply.headers


def test_a_script_starts_a_login_and_navigates_by_itself(lobby: Lobby) -> None:
    """``POST /bff/login`` with ``X-CSRF`` answers the address as JSON."""
    visitor = lobby.visitor()
    reply = visitor.call("/bff/login", "POST", json={"return_to": "/a", "provider": "sso"})
    assert reply.status_code == 200
    assert reply.json is not None
    assert reply.json["authorization_url"].startswith(lobby.fake.issuer)
    callback = lobby.fake.callback(reply.json["authorization_url"])
    answered = visitor.call(
        "/bff/callback/sso", "POST", json={"url": f"https://app.example.com{callback}"}
    )
    assert answered.status_code == 200
    assert answered.json == {"return_to": "/a"}
    assert visitor.session() is not None


@pytest.mark.parametrize("path", ["/bff/login", "/bff/callback/sso"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF": "0"},
        {**OWN_PAGE, "Origin": "https://evil.example"},
        {**OWN_PAGE, "Origin": "null"},
        {**OWN_PAGE, "Sec-Fetch-Site": "same-site"},
        {**OWN_PAGE, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_script_of_a_foreign_page_is_refused(
    lobby: Lobby, path: str, headers: dict[str, str]
) -> None:
    """403 before anything else is read."""
    reply = lobby.visitor().ask(path, "POST", json={"url": "/?state=x"}, headers=headers)
    assert reply.status_code == 403
    assert "Set-Cookie" not in reply.headers


BODIES = [b"", b"[]", b"null", b"{", b'{"url": 7}', b'{"url": ["a"]}', b"[" * 60_000, b"\xff"]
BODIES += [b'{"return_to": "/a", "return_to": "/b"}']


@pytest.mark.rule("S-119")
@pytest.mark.parametrize("path", ["/bff/login", "/bff/callback/sso"])
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:12]))
def test_a_body_that_is_no_object_of_strings_is_400(lobby: Lobby, path: str, body: bytes) -> None:
    """Also one that is nested without end (S-119)."""
    reply = lobby.visitor().call(path, "POST", data=body, content_type="application/json")
    assert reply.status_code == 400


@pytest.mark.parametrize("url", ["", "http://[", "//[", "?", "/?state=x", "\ud800", "http://a:b/"])
def test_a_url_that_is_none_completes_nothing(lobby: Lobby, url: str) -> None:
    """400 with a code, never a bug."""
    reply = lobby.visitor().call("/bff/callback/sso", "POST", json={"url": url})
    assert reply.status_code == 400
