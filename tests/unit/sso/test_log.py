"""Each refusal is one line that says what, where, whose and why, and never a secret."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from httpkit.events import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.sso.house import House


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged from now on, at the most talkative level."""
    stream = io.StringIO()
    configure_logging("sso", level="DEBUG", stream=stream)
    yield stream
    structlog.reset_defaults()


def refusals(log: io.StringIO) -> list[dict[str, Any]]:
    """Return the refusals that were written, and forget them."""
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    log.truncate(0)
    log.seek(0)
    return [line for line in lines if line["event"] == "http.refused"]


@pytest.mark.rule("A-59")
def test_every_refusal_is_written_once(house: House, log: io.StringIO) -> None:
    """Request id, endpoint, client, code and the reason in words."""
    client_id = house.client.client_id
    browser = house.visitor()
    cases = [
        (lambda: house.redeem("x"), "/oauth/token", "invalid_grant", client_id),
        (lambda: house.token(client_secret="x"), "/oauth/token", "invalid_client", client_id),
        (lambda: browser.ask(scope="x"), "/oauth/authorize", "invalid_scope", client_id),
        (
            lambda: browser.ask(redirect_uri="https://evil.example"),
            "/oauth/authorize",
            "invalid_redirect_uri",
            client_id,
        ),
        (lambda: browser.ask(prompt="none"), "/oauth/authorize", "login_required", client_id),
        (lambda: browser.sign_in("ada", "no"), "/sign-in", "wrong_password", None),
        (lambda: browser.get("/oauth/userinfo"), "/oauth/userinfo", "invalid_token", None),
        (
            lambda: browser.get("/oauth/end_session?id_token_hint=x"),
            "/oauth/end_session",
            "invalid_request",
            None,
        ),
    ]
    for act, endpoint, code, client in cases:
        refusals(log)
        response = act()  # type: ignore[no-untyped-call]
        written = refusals(log)
        assert len(written) == 1, (code, written)
        line = written[0]
        assert line["problem"] == code
        assert line["endpoint"] == endpoint
        assert line["request_id"] == response.headers["X-Request-Id"]
        assert line["hint"]
        assert line.get("client") == client


@pytest.mark.rule("A-59", "S-079", "S-114")
def test_no_log_line_holds_a_secret(house: House, log: io.StringIO) -> None:
    """Not even at DEBUG, over a whole journey with mistakes in it."""
    browser = house.visitor()
    browser.sign_in("ada", "a wrong password of mine")
    browser = house.signed_in()
    code = browser.code()
    tokens = house.redeem(code).json or {}
    house.redeem(code)
    house.refresh(tokens["refresh_token"])
    house.refresh(tokens["refresh_token"] + "x")
    cookie = browser.http.get_cookie("sso-session-9000", "localhost")
    assert cookie
    written = log.getvalue()
    secrets = [
        code,
        str(house.client.client_secret),
        tokens["access_token"],
        tokens["refresh_token"],
        tokens["id_token"],
        cookie.value,
        "correct horse",
        "a wrong password",
    ]
    assert [secret for secret in secrets if secret in written] == []


@pytest.mark.rule("S-114")
def test_what_a_stranger_sends_makes_one_line(house: House, log: io.StringIO) -> None:
    """Line breaks and terminal codes in a name or an id end in no second record."""
    forged = '\n{"event":"http.refused"}\x1b[2J'
    house.visitor().ask(client_id=forged)
    house.visitor().sign_in(forged, "x")
    for line in log.getvalue().splitlines():
        assert json.loads(line)["party"] == "sso"
        assert "\x1b" not in line
