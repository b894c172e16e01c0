"""A form is acted upon only when it came from our own page in this same browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask

from httpkit.answers import install_answers
from httpkit.csrf import FormGuard

if TYPE_CHECKING:
    from flask.testing import FlaskClient

ORIGIN = "https://sso.example.com"


@pytest.fixture
def app() -> Flask:
    app = Flask("party")
    install_answers(app)
    guard = FormGuard(secret=b"s" * 32, origin=ORIGIN, https=True)
    guard.install(app, exempt=frozenset({"token"}))
    app.add_url_rule("/form", "form", guard.token)
    app.add_url_rule("/form", "act", lambda: "acted", methods=["POST", "PUT", "DELETE"])
    app.add_url_rule("/token", "token", lambda: "acted", methods=["POST"])
    return app


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def _token(browser: FlaskClient) -> str:
    return browser.get("/form", base_url=ORIGIN).text


def _post(browser: FlaskClient, token: str | None, **headers: str) -> int:
    data = {} if token is None else {"csrf_token": token}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return browser.post("/form", data=data, headers=sent, base_url=ORIGIN).status_code


def test_our_own_form_passes(browser: FlaskClient) -> None:
    """With the browser's own word and without it (older browsers)."""
    token = _token(browser)
    assert _post(browser, token) == 200
    assert _post(browser, token, Origin=ORIGIN, Sec_Fetch_Site="same-origin") == 200


def test_a_token_is_masked_anew_each_time(browser: FlaskClient) -> None:
    """Compression of a page tells nothing about it, and each of them works."""
    tokens = {_token(browser) for _n in range(5)}
    assert len(tokens) == 5
    assert {_post(browser, token) for token in tokens} == {200}


@pytest.mark.parametrize("token", [None, "", "x", "====", "\u00e9", "A" * 64, "A" * 10_000])
def test_a_missing_or_guessed_token_is_refused(browser: FlaskClient, token: str | None) -> None:
    """403, never a crash."""
    _token(browser)
    assert _post(browser, token) == 403


def test_a_token_of_another_browser_is_refused(app: Flask, browser: FlaskClient) -> None:
    """An attacker's own token does not work in the victim's browser."""
    _token(browser)
    assert _post(browser, _token(app.test_client())) == 403
    assert _post(app.test_client(), _token(browser)) == 403


@pytest.mark.rule("S-047", "S-049")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{ORIGIN}.evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": ORIGIN, "Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_foreign_page_is_refused_even_with_a_right_token(
    browser: FlaskClient, headers: dict[str, str]
) -> None:
    """Either word alone has gaps; both must agree (S-047, S-049)."""
    assert _post(browser, _token(browser), **headers) == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_every_method_that_changes_something_needs_the_token(
    browser: FlaskClient, method: str
) -> None:
    """Not POST alone; reading needs none."""
    assert browser.open("/form", method=method, base_url=ORIGIN).status_code == 403


def test_an_endpoint_that_reads_no_cookie_is_exempt(browser: FlaskClient) -> None:
    """Clients post there, not browsers."""
    assert browser.post("/token", base_url=ORIGIN).status_code == 200


def test_the_cookie_is_bound_to_the_host_and_out_of_scripts_reach(browser: FlaskClient) -> None:
    """`__Host-`, Secure, HttpOnly, and set only where there is none."""
    first = browser.get("/form", base_url=ORIGIN)
    [cookie] = first.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-forms=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"))
    assert browser.get("/form", base_url=ORIGIN).headers.getlist("Set-Cookie") == []
