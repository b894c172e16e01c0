"""A login whose request was pushed to the provider is a login like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.fake_provider import PAR, says
from tests.support.lobby import Lobby, open_lobby

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_provider import FakeProvider


@pytest.fixture
def pushing(fake: FakeProvider, valkey_url: str) -> Iterator[Lobby]:
    """A lobby that pushes its requests."""
    fake.offer_par()
    with open_lobby(fake, valkey_url, providers=[fake.settings(par="auto")]) as lobby:
        yield lobby


def test_nothing_of_the_request_is_in_the_browsers_address(pushing: Lobby) -> None:
    """State and nonce come back all the same, and the login is completed."""
    visitor = pushing.visitor()
    url = visitor.begin("/a", login_hint="ada@example.com", max_age="60")
    assert dict(parse_qsl(urlsplit(url).query)).keys() == {"client_id", "request_uri"}
    [form] = pushing.fake.forms(PAR)
    assert (form["login_hint"], form["max_age"]) == ("ada@example.com", "60")
    assert visitor.come_back(pushing.fake.callback(url)).status_code == 200
    assert visitor.session() is not None


@pytest.mark.parametrize(
    ("status", "answered"), [(400, 400), (401, 400), (503, 503), (429, 503), (200, 502)]
)
def test_a_push_that_fails_sends_nobody_anywhere(
    pushing: Lobby, status: int, answered: int
) -> None:
    """400, 503 or 502, on a page, without an attempt's cookie."""
    pushing.fake.misbehave(PAR, says(status, {"error": "invalid_request"}))
    reply = pushing.visitor().ask("/bff/login")
    assert reply.status_code == answered
    assert reply.mimetype == "text/html"
    assert "Location" not in reply.headers
    assert "Set-Cookie" not in reply.headers
    assert ("Retry-After" in reply.headers) is (answered == 503)
