"""Any byte string at any endpoint: a 4xx, never a 5xx, never a foreign redirect, nothing written.

``FUZZ_EXAMPLES=1500 pytest --timeout=0`` asks for more than a run of everything has time for.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

import sso.errors
from sso.clients.registration import CLIENT_CREDENTIALS, GRANT_TYPES
from sso.storage.base import Base
from tests.unit.sso.administration.test_administration import program
from tests.unit.sso.house import CALLBACK, House, request_of

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

POSTS = ("/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/oauth/authorize", "/oauth/par")
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
    *("id_token_hint", "claims", "request_uri", "dpop_jkt", "acr_values", "display"),
)
FOR_PROGRAMS = re.compile(
    r"/oauth/(token|revoke|introspect|userinfo|par|device_authorization|register\b.*)"
)
CODES = {value for name, value in vars(sso.errors).items() if name.isupper() and name[0] != "_"}
SECRETS = ("code", "refresh_token", "device_code", "subject_token", "token", "client_assertion")
quick = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")),
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


def rows(house: House) -> dict[str, int]:
    """Return how many rows each table has."""
    tables = Base.metadata.sorted_tables
    with house.base.storage.reading() as session:
        counts = {t.name: session.scalar(select(func.count()).select_from(t)) for t in tables}
    return {name: count or 0 for name, count in counts.items()}


def says_why(response: TestResponse) -> bool:
    """Return whether a refusal of an endpoint for programs names an error of the protocol."""
    document = response.get_json(silent=True) or {}
    return response.status_code in {404, 405, 413} or document.get("error") in CODES


@pytest.fixture
def open_house(tmp_path: Path, valkey_url: str) -> House:
    """An SSO with every endpoint that there is."""
    return House(f"sqlite:///{tmp_path / 'any.sqlite3'}", valkey_url, dynamic_registration=True)


@pytest.mark.rule("A-01", "A-16", "A-22", "S-056", "S-095", "S-119", "S-121")
def test_any_bytes_anywhere(open_house: House) -> None:
    """Every address and method, whatever comes as path, query, body, type and credentials."""
    house = open_house
    asked = [
        (rule.rule, method)
        for rule in house.app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if not rule.rule.startswith("/static/")
    ]
    before = rows(house)
    headers = st.dictionaries(
        st.sampled_from(["Authorization", "DPoP", "Cookie", "Accept", "Origin", "Sec-Fetch-Mode"]),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60),
    )

    @quick
    @given(
        where=st.sampled_from(asked),
        part=st.text(max_size=20),
        query=st.binary(max_size=60),
        body=st.binary(max_size=300)
        | st.text(max_size=40).map(lambda v: f'{{"token":"{v}"}}'.encode()),
        kind=st.sampled_from(TYPES),
        headers=headers,
    )
    def run(
        where: tuple[str, str],
        part: str,
        query: bytes,
        body: bytes,
        kind: str,
        headers: dict[str, str],
    ) -> None:
        rule, method = where
        path = re.sub(r"<[^>]+>", lambda _found: quote(part, safe="") or "x", rule)
        response = house.app.test_client().open(
            path,
            method=method,
            query_string=query.decode("latin-1"),
            data=body if method != "GET" else None,
            content_type=kind,
            headers=headers,
        )
        assert is_sane(response), (where, response.status_code)
        if FOR_PROGRAMS.fullmatch(rule) and response.status_code >= 400:
            assert says_why(response), (where, response.text)

    run()
    assert rows(house) == before


@pytest.mark.rule("A-16", "A-22", "S-095", "S-099", "S-121")
def test_any_value_of_a_client_that_proves_itself(house: House) -> None:
    """Every grant and every token endpoint; what nobody was given opens and writes nothing."""
    client = house.new_client(grant_types=[g for g in GRANT_TYPES if g != CLIENT_CREDENTIALS])
    before, http = rows(house), house.app.test_client()
    paths = ("/oauth/token", "/oauth/revoke", "/oauth/introspect")

    @quick
    @given(
        path=st.sampled_from(paths),
        grant=st.sampled_from([*GRANT_TYPES, "x"]),
        names=st.sets(st.sampled_from([*SECRETS, "scope", "resource", "audience", *NAMES])),
        value=st.text(max_size=60),
        as_json=st.booleans(),
    )
    def run(path: str, grant: str, names: set[str], value: str, *, as_json: bool) -> None:
        given = dict.fromkeys(names - {"client_id", "client_assertion"}, value)
        given |= {"grant_type": grant, "client_id": client.client_id}
        given |= {"client_secret": str(client.client_secret)}
        if as_json:
            response = http.post(path, json=given)
        else:
            kind = "application/x-www-form-urlencoded"
            response = http.post(path, data=urlencode(given, errors="replace"), content_type=kind)
        assert response.status_code in {200, 400, 401}
        if response.status_code == 200:
            assert path != "/oauth/token"
            assert response.json in ({}, {"active": False})
        else:
            assert says_why(response), response.text

    run()
    assert rows(house) == before


@pytest.mark.rule("A-46", "S-016", "S-121")
def test_any_value_in_a_pushed_request(house: House) -> None:
    """Kept where it is sound, refused as JSON where it is not; no other table hears of it."""
    before, http = rows(house), house.app.test_client()

    @quick
    @given(name=st.sampled_from(NAMES), value=st.text(max_size=100))
    def run(name: str, value: str) -> None:
        form = {"client_secret": house.client.client_secret, **request_of(house.client)}
        response = http.post("/oauth/par", json={**form, name: value})
        assert response.status_code in {201, 400, 401}
        assert response.status_code == 201 or says_why(response)
        assert "Location" not in response.headers

    run()
    after = rows(house)
    assert {name for name in after if after[name] != before[name]} <= {"pushed_requests"}


@pytest.mark.rule("S-109", "S-110", "S-111", "S-121")
def test_any_value_of_an_administrators_program(house: House) -> None:
    """Lists, objects and deeds: found, refused or not there; nothing changes by accident."""
    bearer, http = program(house), house.app.test_client()
    before = rows(house)
    kinds = st.sampled_from(["users", "clients", "exchanges", "audit"]) | st.text(max_size=10)

    @quick
    @given(kind=kinds, value=st.text(max_size=40), name=st.sampled_from(["q", "after", "limit"]))
    def run(kind: str, value: str, name: str) -> None:
        path = f"/admin/api/{quote(kind, safe='')}"
        one = f"{path}/{quote(value, safe='') or 'x'}"
        answers = [
            http.get(path, query_string={name: value}, headers=bearer),
            http.get(one, headers=bearer),
            http.post(f"{one}/disable", headers=bearer),
            http.post("/admin/api/exchanges", json={"client": value, "to": kind}, headers=bearer),
        ]
        assert all(is_sane(answer) for answer in answers)
        assert answers[2].status_code in {404, 405}
        assert answers[3].status_code == 400

    run()
    assert rows(house) == before
