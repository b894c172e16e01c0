"""The control plane as a whole: what holds for each of its answers."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any

import pytest

from bff.asgi import Worker
from bff.factory import build_control_plane
from bff.parts import build_parts, build_shared
from bff.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from flask import Flask

    from bff.parts import Shared

FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}
FORM = {"csrf_token": "guessed"}


@pytest.fixture
def shared(valkey_url: str) -> Iterator[Shared]:
    """What front ends share, over a real store; the provider is never asked."""
    environ = {
        "BFF_REDIS_URL": valkey_url,
        "BFF_SECRET_KEYS": "k" * 32,
        "BFF_PROVIDERS": '[{"name":"sso","issuer":"http://127.0.0.1:9",'
        '"client_id":"c","client_secret":"s"}]',
    }
    shared = build_shared(load_settings(environ=environ))
    yield shared
    shared.client.close()


@pytest.fixture
def control(shared: Shared) -> Iterator[Flask]:
    """The control plane of the first front end."""
    parts = build_parts(shared, shared.settings.all_frontends()[0])
    yield build_control_plane(parts)
    parts.close()


@pytest.mark.parametrize("path", ["/bff/user", "/bff/sessions", "/bff/callback/sso", "/", "/x"])
@pytest.mark.rule("S-078")
def test_no_cache_keeps_what_may_depend_on_the_visitor(control: Flask, path: str) -> None:
    """Every answer but a static file is private, unstored, and varies by the cookie."""
    response = control.test_client().get(path, headers={"X-CSRF": "1"})
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in response.vary


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_form_cannot_take_the_ticket_away(
    control: Flask, foreign: dict[str, str]
) -> None:
    """A sign-out form of another page is refused before any cookie is touched."""
    response = control.test_client().post("/bff/logout", data=FORM, headers=foreign)
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


def test_our_own_form_signs_out_a_visitor_whose_session_is_over(control: Flask) -> None:
    """The form of our own page works, also where nothing is left to end."""
    own = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}
    response = control.test_client().post("/bff/logout", data=FORM, headers=own)
    assert response.status_code == 303
    assert response.headers["Set-Cookie"].startswith("session=;")


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("POST", 405)])
def test_even_the_sign_of_life_carries_a_request_id(
    shared: Shared, method: str, status: int
) -> None:
    """`/livez` is answered before Flask, with an id as every other answer; it is only read."""
    sent: list[MutableMapping[str, Any]] = []

    async def ask() -> None:
        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "raw_path": b"/livez", "headers": []}
        scope |= {"path": "/livez", "query_string": b"", "scheme": "http", "http_version": "1.1"}
        await Worker(shared)(scope, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == status
    assert len(dict(sent[0]["headers"])[b"x-request-id"]) == 32


@pytest.mark.rule("S-119")
@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/bff/login", b"[" * 60_000, {"Content-Type": "application/json"}),
        ("/bff/login", b'{"a":' * 12_000, {"Content-Type": "application/json"}),
        ("/bff/login", gzip.compress(bytes(1 << 24)), {"Content-Encoding": "gzip"}),
        ("/bff/callback/sso", b"[" * 60_000, {"Content-Type": "application/json"}),
        ("/bff/logout", b"a=1&" * 1_000_000, FORM_TYPE),
        ("/bff/backchannel-logout/sso", b"a=1&" * 1_000_000, FORM_TYPE),
        ("/bff/backchannel-logout/sso", b"logout_token=" + b"x" * 60_000, FORM_TYPE),
    ],
)
def test_bomb_is_refused(control: Flask, path: str, body: bytes, headers: dict[str, str]) -> None:
    """Deep, many or packed: 4xx, nothing unpacked and nothing built."""
    own = {"X-CSRF": "1", "Sec-Fetch-Site": "same-origin", **headers}
    assert 400 <= control.test_client().post(path, data=body, headers=own).status_code < 500
