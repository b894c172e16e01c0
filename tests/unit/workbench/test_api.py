"""The API over HTTP, on SQLite and on MariaDB alike."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.unit.workbench.conftest import bearer
from workbench.factory import build_app
from workbench.settings import Settings

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.unit.workbench.conftest import Issuer


def test_first_sight_makes_an_entry_with_a_name(api: FlaskClient, issuer: Issuer) -> None:
    """The name comes from UserInfo, once; the second visit asks nobody."""
    issuer.people["ann"] = {"sub": "ann", "name": "Ann 安", "email": "ann@example.com"}
    first = api.get("/users/me", headers=bearer(issuer.token()))
    second = api.get("/users/me", headers=bearer(issuer.token(jti="2")))
    assert first.status_code == 200
    assert first.json is not None
    assert first.json["name"] == "Ann 安"
    assert first.json["email"] == "ann@example.com"
    assert second.json == first.json
    assert issuer.requests("/userinfo") == 1


def test_names_in_the_token_need_no_userinfo(api: FlaskClient, issuer: Issuer) -> None:
    """A token that carries a name is believed; the issuer is not asked."""
    answer = api.get("/users/me", headers=bearer(issuer.token(preferred_username="ann")))
    assert answer.json is not None
    assert answer.json["name"] == answer.json["username"] == "ann"
    assert issuer.requests("/userinfo") == 0


def test_a_silent_userinfo_refuses_nobody(api: FlaskClient, issuer: Issuer) -> None:
    """Without a name there is still an entry; UserInfo is not asked at every visit."""
    for _ in range(3):
        answer = api.get("/users/me", headers=bearer(issuer.token()))
        assert answer.status_code == 200
        assert answer.json is not None
        assert answer.json["name"] is None
    assert issuer.requests("/userinfo") == 1


def test_another_persons_userinfo_is_not_taken(api: FlaskClient, issuer: Issuer) -> None:
    """An answer of another `sub` names nobody (OpenID Connect Core §5.3.2)."""
    issuer.people["ann"] = {"sub": "bob", "name": "Bob"}
    answer = api.get("/users/me", headers=bearer(issuer.token()))
    assert answer.json is not None
    assert answer.json["name"] is None


@pytest.mark.parametrize("pair", [("ann", "Ann"), ("a", "a "), ("e", "é")])
def test_subjects_are_equal_only_to_themselves(
    api: FlaskClient, issuer: Issuer, pair: tuple[str, str]
) -> None:
    """No collation may hand one person's entry to another."""
    entries = [
        api.get("/users/me", headers=bearer(issuer.token(sub=sub, name="N"))).json for sub in pair
    ]
    assert entries[0] is not None
    assert entries[1] is not None
    assert entries[0]["id"] != entries[1]["id"]
    assert (entries[0]["sub"], entries[1]["sub"]) == pair


def test_simultaneous_first_visits_make_one_entry(api: FlaskClient, issuer: Issuer) -> None:
    """Eight first requests of one person: one row, eight answers."""
    token = issuer.token(name="Ann")

    def visit(_: int) -> str:
        answer = api.application.test_client().get("/users/me", headers=bearer(token))
        assert answer.json is not None
        return str(answer.json["id"])

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(visit, range(8)))
    assert len(ids) == 1


def test_pages_cover_the_directory_once(api: FlaskClient, issuer: Issuer) -> None:
    """Following `next` meets everybody once, in order of arrival, and ends."""
    people = [f"p{number}" for number in range(7)]
    for sub in people:
        api.get("/users/me", headers=bearer(issuer.token(sub=sub, name=sub)))
    seen: list[str] = []
    query = "?limit=3"
    while query:
        page = api.get(f"/users{query}", headers=bearer(issuer.token(sub="p0"))).json
        assert page is not None
        seen += [entry["sub"] for entry in page["items"]]
        assert all("email" not in entry for entry in page["items"])
        query = f"?limit=3&after={page['next']}" if page["next"] else ""
    assert seen == people


@pytest.mark.parametrize(
    "query",
    [
        *(
            "limit=0",
            "limit=201",
            "limit=x",
            "limit=-1",
            "limit=٣",
            "limit=00000000019999999999999",
        ),
        *("after=x", "after=__________8"),
    ],
)
def test_a_wrong_page_is_named(api: FlaskClient, issuer: Issuer, query: str) -> None:
    """A parameter that cannot be read is 400 and says which."""
    answer = api.get(f"/users?{query}", headers=bearer(issuer.token()))
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["detail"].startswith(query.partition("=")[0])


def test_without_a_token_there_is_a_challenge(api: FlaskClient) -> None:
    """No token: 401 and no error code (RFC 6750 §3)."""
    for headers in ({}, {"Authorization": "Basic YTpi"}):
        answer = api.get("/users/me", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="workbench"'
        assert answer.content_type == "application/problem+json"


def test_a_token_in_query_or_form_is_not_read(api: FlaskClient, issuer: Issuer) -> None:
    """Tokens in addresses end up in logs (RFC 9700 §4.3.2)."""
    assert api.get(f"/users/me?access_token={issuer.token()}").status_code == 401


def test_a_missing_scope_is_named(api: FlaskClient, issuer: Issuer) -> None:
    """403 `insufficient_scope` says which scope would do."""
    answer = api.get("/users/me", headers=bearer(issuer.token(scope="users:readable openid")))
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="users:read"' in answer.headers["WWW-Authenticate"]


def test_a_silent_issuer_is_503(api: FlaskClient, issuer: Issuer) -> None:
    """An outage of the issuer is never 401."""
    issuer.status = 503
    answer = api.get("/users/me", headers=bearer(issuer.token()))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_silent_database_is_503(issuer: Issuer) -> None:
    """No database: 503 for the API and for readiness; alive all the same."""
    url = "mysql+pymysql://nobody@127.0.0.1:1/none"
    api = build_app(Settings(issuer=issuer.url, database_url=url)).test_client()
    answer = api.get("/users/me", headers=bearer(issuer.token()))
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["code"] == "storage_unavailable"
    assert api.get("/readyz").status_code == 503
    assert api.get("/livez").status_code == 200


def test_ready_when_migrated(api: FlaskClient) -> None:
    """A migrated database makes the party ready."""
    assert api.get("/readyz").status_code == 200


def test_the_document_lists_every_route(api: FlaskClient) -> None:
    """What is served is documented, and the other way round."""
    document = api.get("/openapi.json").json
    assert document is not None
    assert document["openapi"].startswith("3.1")
    rules = api.application.url_map.iter_rules()
    served = {
        (re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in {"/livez", "/readyz", "/openapi.json"}
    }
    said = {
        (path, method)
        for path, methods in document["paths"].items()
        for method in methods.keys() - {"parameters", "head"}
    }
    assert served == said
