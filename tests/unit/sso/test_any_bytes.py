"""Any byte string at any endpoint: a 4xx, never a 5xx, never a foreign redirect."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sso.house import CALLBACK, request_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House

POSTS = ("/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/oauth/authorize")
GETS = (
    "/oauth/authorize",
    "/oauth/authorize/resume",
    "/oauth/end_session",
    "/sign-in",
    "/sign-up",
    "/sign-out",
    "/consent",
    "/oauth/userinfo",
)
TYPES = ("application/x-www-form-urlencoded", "application/json", "multipart/form-data", "x")
NAMES = (
    *("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "prompt"),
    *("max_age", "code_challenge", "code_challenge_method", "response_mode", "resource"),
    "id_token_hint",
)
quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def is_sane(response: TestResponse) -> bool:
    """Return whether the answer blames the right side and sends nobody away."""
    location = response.headers.get("Location", "/")
    ours = location.startswith(("/", CALLBACK)) and not location.startswith("//")
    return response.status_code < 500 and ours


@pytest.mark.rule("S-056", "S-119", "S-121")
@quick
@given(path=st.sampled_from(POSTS), body=st.binary(max_size=300), kind=st.sampled_from(TYPES))
def test_any_body(house: House, path: str, body: bytes, kind: str) -> None:
    """Posted as anything to the endpoints for programs."""
    assert is_sane(house.app.test_client().post(path, data=body, content_type=kind))


@pytest.mark.rule("S-010", "S-112", "S-121")
@quick
@given(path=st.sampled_from(GETS), query=st.binary(max_size=300))
def test_any_query(house: House, path: str, query: bytes) -> None:
    """Asked for with anything behind the question mark."""
    response = house.app.test_client().get(path, query_string=query.decode("latin-1"))
    assert is_sane(response)


@pytest.mark.rule("A-23", "S-010", "S-112", "S-121")
@quick
@given(name=st.sampled_from(NAMES), value=st.text(max_size=100))
def test_any_value_in_an_ordinary_request(house: House, name: str, value: str) -> None:
    """One parameter of a valid request is anything."""
    asked = request_of(house.client, **{name: value})
    query = urlencode(asked, errors="replace")
    assert is_sane(house.visitor().get(f"/oauth/authorize?{query}"))


@pytest.mark.rule("S-092", "S-120")
@quick
@given(token=st.text(max_size=200))
def test_any_token(house: House, token: str) -> None:
    """Presented to UserInfo, revoked, or refreshed."""
    http = house.app.test_client()
    ascii_only = token.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "")
    headers = {"Authorization": f"Bearer {ascii_only}"}
    assert http.get("/oauth/userinfo", headers=headers).status_code == 401
    body = {"client_id": house.client.client_id, "client_secret": house.client.client_secret}
    for path in ("/oauth/token", "/oauth/revoke"):
        members = {**body, "grant_type": "refresh_token", "refresh_token": token, "token": token}
        assert is_sane(http.post(path, json=members))
