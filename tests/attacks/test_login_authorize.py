"""S-014 … S-020, S-026: the SSO sends nobody anywhere that is not registered."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support.browser import exchange

if TYPE_CHECKING:
    from tests.support.browser import Response
    from tests.support.visitor import Visitor
    from tests.support.world import World

VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
Query = dict[str, str | None]


@pytest.fixture
def visitor(world: World) -> Visitor:
    """A browser that the SSO knows, so that nothing but the request's fault stands in the way."""
    world.browser.sign_in()
    return world.browser


def request_of(world: World, **changes: str | None) -> str:
    """Return the query of a right authorization request of the BFF, with *changes*."""
    right: Query = {
        "response_type": "code",
        "client_id": world.client["client_id"],
        "redirect_uri": f"{world.bff.url}/bff/callback/sso",
        "scope": "openid profile",
        "state": "of-the-test",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return urlencode({k: v for k, v in {**right, **changes}.items() if v is not None})


def authorize(visitor: Visitor, world: World, query: str) -> Response:
    """Send an authorization request, one step."""
    return visitor.open(f"{world.sso.url}/oauth/authorize?{query}", follow=False)


def until_it_leaves(visitor: Visitor, world: World, query: str) -> str:
    """Follow a request through the SSO's own pages; return the first address that is not its."""
    answer = authorize(visitor, world, query)
    while answer.status in {302, 303} and answer.location.startswith(world.sso.url):
        answer = visitor.open(answer.location, follow=False)
    assert answer.status in {302, 303}, answer.text
    return answer.location


WRONG_URIS = [
    "https://evil.example/",
    "{bff}/bff/callback/sso/",
    "{bff}/bff/callback/SSO",
    "{bff}/bff/callback/../callback/sso",
    "{bff}/bff/callback/./sso",
    "{bff}/bff%2fcallback/sso",
    "{bff}/bff/callback/sso?a=b",
    "{bff}/bff/callback/sso#fragment",
    "{bff}/bff/callback/sso%20",
    "{bff}/bff/callback/sso%00",
    " {bff}/bff/callback/sso",
    "{bff}/",
    "{bff}",
    "https{rest}/bff/callback/sso",
    "http://localhost/bff/callback/sso",
    "http://localhost:1/bff/callback/sso",
    "http://localhost:80@evil.example/bff/callback/sso",
    "http://user@localhost:{port}/bff/callback/sso",
    "http://127.0.0.1:{port}/bff/callback/sso",
    "http://localhost.evil.example:{port}/bff/callback/sso",
    "http://[::ffff:127.0.0.1]:{port}/bff/callback/sso",
    "HTTP://LOCALHOST:{port}/bff/callback/sso",
    "//localhost:{port}/bff/callback/sso",
    "/bff/callback/sso",
    "javascript:alert(1)",
    "data:text/html,x",
    '{bff}/bff/callback/sso"',
    "",
]


@pytest.mark.rule("S-015", "S-017")
@pytest.mark.parametrize("template", WRONG_URIS)
def test_unregistered_redirect_uri_is_a_page(world: World, visitor: Visitor, template: str) -> None:
    """S-015, S-017: exact comparison; any difference is a 400 page, never a redirect."""
    rest = world.bff.url.removeprefix("http")
    port = str(urlsplit(world.bff.url).port)
    uri = template.replace("{bff}", world.bff.url).replace("{rest}", rest).replace("{port}", port)
    for more in ({}, {"scope": "no-such-scope"}, {"response_type": "token"}, {"prompt": "none"}):
        answer = authorize(visitor, world, request_of(world, redirect_uri=uri, **more))
        assert answer.status == 400, more
        assert answer.header("Location") is None
        assert answer.is_html
        assert '"javascript:' not in answer.text


@pytest.mark.parametrize(
    "client_id", ["", "unknown", "'; DROP TABLE clients; --", "\x00", "é" * 300]
)
def test_unknown_client_is_a_page(world: World, visitor: Visitor, client_id: str) -> None:
    """Who is not registered gets nobody redirected."""
    answer = authorize(visitor, world, request_of(world, client_id=client_id))
    assert answer.status == 400
    assert answer.header("Location") is None


@pytest.mark.rule("S-018")
@pytest.mark.parametrize(
    "name",
    ["client_id", "redirect_uri", "state", "response_type", "scope", "nonce", "code_challenge"],
)
def test_repeated_parameters_are_refused(world: World, visitor: Visitor, name: str) -> None:
    """S-018: the first or the last, equal or not: none is right, and no code is issued."""
    query = request_of(world)
    value = parse_qs(query)[name][0]
    for second in (value, "https://evil.example/"):
        answer = authorize(visitor, world, f"{query}&{urlencode({name: second})}")
        assert answer.status in {303, 400}
        assert "code=" not in (answer.header("Location") or "")
        assert not (answer.header("Location") or "").startswith("https://evil")


ERRORS: list[tuple[dict[str, Any], set[str]]] = [
    ({"response_type": "token"}, {"unsupported_response_type", "unauthorized_client"}),
    ({"response_type": "code token"}, {"unsupported_response_type", "unauthorized_client"}),
    ({"response_type": "id_token"}, {"unsupported_response_type", "unauthorized_client"}),
    ({"response_type": 'co"de'}, {"unsupported_response_type", "invalid_request"}),
    ({"response_type": None}, {"invalid_request"}),
    ({"response_mode": "fragment"}, {"invalid_request"}),
    ({"response_mode": "web_message"}, {"invalid_request"}),
    ({"scope": "no-such-scope"}, {"invalid_scope"}),
    ({"scope": 'open"id'}, {"invalid_scope", "invalid_request"}),
    ({"code_challenge": None, "code_challenge_method": None}, {"invalid_request"}),
    ({"code_challenge_method": "plain"}, {"invalid_request"}),
    ({"code_challenge_method": None}, {"invalid_request"}),
    ({"code_challenge": "too-short"}, {"invalid_request"}),
    ({"prompt": "none login"}, {"invalid_request"}),
    ({"request": "eyJ.x.y"}, {"request_not_supported"}),
    (
        {"request_uri": "https://evil.example/"},
        {"request_uri_not_supported", "invalid_request_uri", "invalid_request"},
    ),
]


@pytest.mark.rule("S-016", "S-019", "S-026")
@pytest.mark.parametrize(("changes", "codes"), ERRORS, ids=[str(changes) for changes, _ in ERRORS])
def test_bad_requests_go_home_with_an_error_and_no_code(
    world: World, visitor: Visitor, changes: Query, codes: set[str]
) -> None:
    """S-016, S-019, S-026: an error, the state and ``iss``, in the query, at the registered URI."""
    away = urlsplit(until_it_leaves(visitor, world, request_of(world, **changes)))
    assert f"{away.scheme}://{away.netloc}{away.path}" == f"{world.bff.url}/bff/callback/sso"
    answer = parse_qs(away.query)
    assert set(answer["error"]) <= codes
    assert answer["state"] == ["of-the-test"]
    assert answer["iss"] == [world.sso.url]
    assert "code" not in answer
    assert away.fragment == ""


def test_right_request_gets_a_code(world: World, visitor: Visitor) -> None:
    """The tables above fail for their one fault."""
    answer = parse_qs(urlsplit(until_it_leaves(visitor, world, request_of(world))).query)
    assert answer["iss"] == [world.sso.url]
    assert answer["state"] == ["of-the-test"]
    assert len(answer["code"][0]) >= 32


def redeem(world: World, **changes: str | None) -> Response:
    """Send a token request of the BFF's client."""
    right: Query = {
        "grant_type": "authorization_code",
        "redirect_uri": f"{world.bff.url}/bff/callback/sso",
        "code_verifier": VERIFIER,
        "client_id": world.client["client_id"],
        "client_secret": world.client["client_secret"],
    }
    form = {k: v for k, v in {**right, **changes}.items() if v is not None}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return exchange(f"{world.sso.url}/oauth/token", "POST", headers, urlencode(form).encode())


@pytest.mark.rule("S-026")
@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": None},
        {"code_verifier": "w" * 43},
        {"code_verifier": CHALLENGE},
        {"code_verifier": ""},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/"},
        {"client_secret": "wrong"},
        {"client_secret": None},
        {"client_id": "unknown"},
        {"code": "unknown"},
    ],
    ids=str,
)
def test_code_is_bound_to_client_verifier_and_address(
    world: World, visitor: Visitor, changes: Query
) -> None:
    """S-026: without the verifier, or as another client, a stolen code is worth nothing."""
    answer = parse_qs(urlsplit(until_it_leaves(visitor, world, request_of(world))).query)
    code = answer["code"][0]
    refused = redeem(world, **{"code": code, **changes})
    assert refused.status in {400, 401}
    assert refused.json()["error"] in {"invalid_grant", "invalid_client", "invalid_request"}
    assert "access_token" not in refused.text
    assert refused.header("Cache-Control") == "no-store"


def test_code_is_redeemed_once(world: World, visitor: Visitor) -> None:
    """The second redemption fails, and so do the tokens of the first from then on."""
    answer = parse_qs(urlsplit(until_it_leaves(visitor, world, request_of(world))).query)
    first = redeem(world, code=answer["code"][0])
    assert first.status == 200
    second = redeem(world, code=answer["code"][0])
    assert (second.status, second.json()["error"]) == (400, "invalid_grant")


@pytest.mark.rule("S-020")
def test_password_post_is_answered_with_303(world: World) -> None:
    """S-020: a 307 would carry the password to the client."""
    visitor = world.new_visitor()
    visitor.open(visitor.login_url())
    form = visitor.form_with("password")
    person = world.person
    answer = visitor.submit(form, follow=False, username=person.username, password=person.password)
    assert answer.status == 303
    assert person.password not in answer.seen()


@pytest.mark.rule("S-014")
@pytest.mark.parametrize(
    "query",
    [
        {"post_logout_redirect_uri": "https://evil.example/"},
        {"post_logout_redirect_uri": "https://evil.example/", "client_id": "{client}"},
        {"post_logout_redirect_uri": "{bff}/?next=//evil.example", "client_id": "{client}"},
        {"post_logout_redirect_uri": "{bff}/", "id_token_hint": "eyJhbGciOiJub25lIn0.e30."},
        {"post_logout_redirect_uri": "{bff}/", "id_token_hint": "forged"},
        {"id_token_hint": "eyJhbGciOiJub25lIn0.e30."},
        {},
    ],
    ids=str,
)
def test_forged_sign_out_redirects_nobody_and_ends_nothing(
    world: World, visitor: Visitor, query: dict[str, str]
) -> None:
    """S-014: without a valid hint the person is asked first, and goes nowhere unregistered."""
    known = {"{bff}": world.bff.url, "{client}": world.client["client_id"]}
    given = {}
    for name, value in query.items():
        for mark, real in known.items():
            value = value.replace(mark, real)  # noqa: PLW2901 - each mark in turn
        given[name] = value
    answer = visitor.open(f"{world.sso.url}/oauth/end_session?{urlencode(given)}", follow=False)
    while answer.status in {302, 303} and answer.location.startswith(world.sso.url):
        answer = visitor.open(answer.location, follow=False)
    assert answer.status in {200, 400}
    assert answer.header("Location") is None
    assert "evil.example" not in str(answer.html.links)
    code = parse_qs(urlsplit(until_it_leaves(visitor, world, request_of(world))).query)["code"]
    assert code, "the SSO still knows the person"
