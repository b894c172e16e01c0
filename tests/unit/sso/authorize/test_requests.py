"""What the authorization endpoint takes, what it refuses, and where it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.unit.sso.house import CALLBACK, ISSUER, answer_of, query_of, request_of

if TYPE_CHECKING:
    from tests.unit.sso.house import House

LOOPBACK = "http://127.0.0.1/back"


@pytest.mark.rule("A-02", "A-05", "S-015", "S-017")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "https://evil.example/",
        CALLBACK.upper(),
        CALLBACK.replace("localhost", "LOCALHOST"),
        CALLBACK.replace("8000", "8001"),
        CALLBACK.replace("http:", "https:"),
        CALLBACK + "/",
        CALLBACK + "?x=1",
        CALLBACK + "#x",
        CALLBACK + "/../sso",
        CALLBACK + "%2f",
        CALLBACK.replace("localhost", "localhost:80@evil.example"),
        CALLBACK.replace("localhost:8000", "127.0.0.1.evil.example"),
        CALLBACK.replace("localhost", "[::ffff:127.0.0.1]"),
        "javascript:alert(1)",
        " " + CALLBACK,
        CALLBACK + "\r\nSet-Cookie: a=b",
        CALLBACK + '"',
        "\x00",
    ],
)
def test_an_unregistered_address_is_never_redirected_to(
    house: House, redirect_uri: str | None
) -> None:
    """The answer is a page of our own, signed in or not, whatever else is wrong."""
    for browser in (house.visitor(), house.signed_in()):
        for more in ({}, {"scope": "nonsense"}, {"response_type": "token"}):
            response = browser.ask(redirect_uri=redirect_uri, **more)
            assert response.status_code == 400
            assert "Location" not in response.headers
            assert response.mimetype == "text/html"


@pytest.mark.rule("A-05")
@pytest.mark.parametrize("client_id", [None, "", "nobody", "' OR 1=1 --", "\u00e1", "x" * 5000])
def test_an_unknown_client_ends_on_our_own_page(house: House, client_id: str | None) -> None:
    """Nobody is sent anywhere for a client that does not exist."""
    response = house.visitor().ask(client_id=client_id)
    assert response.status_code == 400
    assert "Location" not in response.headers


@pytest.mark.rule("A-03")
@pytest.mark.parametrize(
    ("redirect_uri", "status"),
    [
        (LOOPBACK, 303),
        ("http://127.0.0.1:49152/back", 303),
        ("http://127.0.0.1:49152/other", 400),
        ("http://localhost:49152/back", 400),
        ("https://127.0.0.1:49152/back", 400),
        ("http://127.0.0.1:49152@evil.example/back", 400),
        ("http://127.0.0.1.evil.example/back", 400),
        ("http://[::1]:49152/back", 400),
    ],
)
def test_only_the_port_of_a_loopback_literal_is_free(
    house: House, redirect_uri: str, status: int
) -> None:
    """A native app takes the port it gets; nothing else may differ."""
    app = house.new_client(redirect_uris=[LOOPBACK], public=True)
    asked = request_of(app, redirect_uri=redirect_uri)
    assert house.visitor().get(f"/oauth/authorize?{urlencode(asked)}").status_code == status


@pytest.mark.rule("A-01", "S-018")
@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "scope", "anything"])
def test_a_repeated_parameter_is_refused_here(house: House, name: str) -> None:
    """Two readers could each take another one, so nobody takes either."""
    query = urlencode(request_of(house.client, anything="1"))
    response = house.signed_in().get(f"/oauth/authorize?{query}&{name}=")
    assert response.status_code == 400
    assert "Location" not in response.headers


@pytest.mark.rule("A-01")
def test_unknown_and_empty_parameters_do_not_matter(house: House) -> None:
    """Unknown is ignored and empty is absent."""
    answer = answer_of(house.signed_in().ask(vendor="x", max_age="", prompt="", display="popup"))
    assert answer["code"]


@pytest.mark.rule("A-09", "A-12", "S-026")
@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "=" * 43}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": '"'}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid nonsense"}, "invalid_scope"),
        ({"scope": "openid\\"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"id_token_hint": "x.y.z"}, "login_required"),
        ({"nonce": "n" * 600}, "invalid_request"),
    ],
)
def test_other_faults_go_to_the_client_with_state_and_iss(
    house: House, asked: dict[str, str | None], error: str
) -> None:
    """The client learns what was wrong at its registered address, and from whom."""
    answer = answer_of(house.visitor().ask(**asked))
    assert answer["error"] == error
    assert answer["state"] == "the-state"
    assert answer["iss"] == ISSUER
    assert "code" not in answer


@pytest.mark.rule("A-23")
def test_descriptions_hold_nothing_that_the_grammar_forbids(house: House) -> None:
    """A quote in a parameter ends in no quote of ours."""
    answer = answer_of(house.visitor().ask(scope='open"id\\ \u00e9'))
    assert all(" " <= c <= "~" and c not in '"\\' for c in answer["error_description"])


@pytest.mark.rule("A-01", "A-54")
def test_a_post_from_elsewhere_is_taken_through_our_own_address(house: House) -> None:
    """A cross-site post brings no Lax cookie; the step to ourselves does."""
    browser = house.signed_in()
    response = browser.http.post("/oauth/authorize", data=request_of(house.client))
    assert response.status_code == 303
    assert response.location.startswith("/oauth/authorize/resume?")
    assert answer_of(browser.follow(response))["code"]


@pytest.mark.rule("S-101")
@pytest.mark.parametrize("sealed", ["", "x", "A" * 200, "\u00e9"])
def test_a_request_that_was_never_sealed_here_goes_nowhere(house: House, sealed: str) -> None:
    """What comes back from the browser is believed only under our own seal."""
    browser = house.signed_in()
    response = browser.get(f"/oauth/authorize/resume?{urlencode({'request': sealed})}")
    assert response.status_code == 400


def test_a_request_left_open_too_long_starts_over(house: House) -> None:
    """The page says that it took too long; nobody is redirected."""
    browser = house.visitor()
    page = browser.ask().location
    house.clock.pass_s(2 * house.settings.lifetimes.request_s)
    response = browser.follow(browser.sign_in("ada", page=page))
    assert response.status_code in {200, 400}
    assert "Location" not in response.headers


@pytest.mark.rule("S-117")
def test_requests_that_nobody_finishes_leave_nothing(house: House) -> None:
    """A thousand starts cost no row."""
    browser = house.visitor()
    for _ in range(20):
        browser.follow(browser.ask())
    with house.base.storage.reading() as session:
        tables = ("authorization_codes", "browser_sessions", "grants", "consents")
        counts = [
            session.connection().exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar()
            for table in tables
        ]
    assert counts == [0, 0, 0, 0]


@pytest.mark.rule("A-13", "S-020")
def test_the_password_post_is_answered_with_303(house: House) -> None:
    """307 would post the password on."""
    browser = house.visitor()
    response = browser.sign_in("ada", page=browser.ask().location)
    assert response.status_code == 303


@pytest.mark.rule("A-52", "S-113")
@pytest.mark.parametrize("page", ["/sign-in", "/sign-up", "/sign-out", "/oauth/authorize"])
def test_no_page_can_be_framed(house: House, page: str) -> None:
    """Sign-in, consent and error pages show themselves in no frame."""
    response = house.visitor().get(page)
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "DENY"


def test_the_sign_in_form_may_end_at_the_clients_address(house: House) -> None:
    """Some browsers hold form-action against the redirects after a post."""
    browser = house.visitor()
    page = browser.get(browser.ask().location)
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' http://localhost:8000" in policy
    assert "Cloakroom" in page.text


@pytest.mark.rule("A-06", "S-016")
def test_a_strangers_client_is_no_open_redirector(house: House) -> None:
    """A fault carries nobody from here to an address that anybody could have registered."""
    owned = house.new_client(owner_sub=house.user.sub)
    for fault in ({"scope": "nonsense"}, {"response_type": "token"}, {"code_challenge": None}):
        asked = request_of(owned, **fault)
        address = f"/oauth/authorize?{urlencode(asked)}"
        shown = house.visitor().get(address)
        assert shown.status_code == 400
        assert "Location" not in shown.headers
        posted = house.signed_in().http.post("/oauth/authorize", data=asked)
        assert "Location" not in posted.headers, "a post from elsewhere says nothing of who asks"
        assert answer_of(house.signed_in().get(address))["error"]
        silent = f"/oauth/authorize?{urlencode({**asked, 'prompt': 'none'})}"
        assert answer_of(house.visitor().get(silent))["error"]
    sound = f"/oauth/authorize?{urlencode(request_of(owned))}"
    assert house.visitor().get(sound).location.startswith("/sign-in?")


@pytest.mark.rule("A-13", "S-011", "S-020")
def test_no_address_of_ours_is_mended_by_a_redirect(house: House) -> None:
    """A doubled slash is nothing here: no 308 carries a post on, to whatever Host was named."""
    for path in ("/oauth//token", "/sign-in//", "/admin//api/users"):
        answer = house.app.test_client().post(path, headers={"Host": "evil.example"})
        assert answer.status_code in {403, 404, 405}
        assert "Location" not in answer.headers


@pytest.mark.rule("A-15", "A-24")
def test_what_an_operator_took_away_is_not_had_by_a_page_left_open(house: House) -> None:
    """The request was judged before; its scope is judged again when it goes on."""
    client = house.new_client(first_party=True)
    waiting = house.visitor().ask(client_id=client.client_id)
    resume = query_of(waiting.location)["next"][0]
    here = house.signed_in()
    assert "code" in answer_of(here.get(resume))
    house.base.clients.change_scope(client.client_id, "openid")
    assert answer_of(here.get(resume))["error"] == "invalid_scope"
