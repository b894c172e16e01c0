"""What the server says of itself is what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.unit.sso.house import ISSUER, House, settings_of
from tests.unit.sso.proofs.prover import Prover

if TYPE_CHECKING:
    from pathlib import Path

WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


@pytest.mark.rule("A-11", "A-12", "A-36")
@pytest.mark.parametrize("path", WELL_KNOWN)
def test_the_document_says_what_clients_must_know(house: House, path: str) -> None:
    """Exact issuer, PKCE detectable, iss in responses; what is not served is not said."""
    document: Any = house.app.test_client().get(path).json
    assert document["issuer"] == ISSUER
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["request_uri_parameter_supported"] is False
    assert document["response_types_supported"] == ["code"]
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert "offline_access" in document["scopes_supported"]


@pytest.mark.rule("A-36")
def test_every_endpoint_that_is_named_is_there(house: House) -> None:
    """None answers 404, and none is of another host."""
    http = house.app.test_client()
    document: Any = http.get(WELL_KNOWN[0]).json
    endpoints = [v for k, v in document.items() if k.endswith(("_endpoint", "_uri"))]
    assert len(endpoints) >= 6
    for address in endpoints:
        assert address.startswith(f"{ISSUER}/")
        assert http.get(address.removeprefix(ISSUER)).status_code != 404


@pytest.mark.rule("A-14", "S-050")
def test_only_public_documents_are_open_to_other_origins(house: House) -> None:
    """Metadata and keys are; authorize, pages and tokens are not."""
    http = house.app.test_client()
    headers = {"Origin": "https://evil.example"}
    for path in (*WELL_KNOWN, "/oauth/jwks"):
        answer = http.get(path, headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    for path in ("/oauth/authorize", "/sign-in", "/account", "/oauth/userinfo"):
        assert "Access-Control-Allow-Origin" not in http.get(path, headers=headers).headers


@pytest.mark.rule("A-36")
def test_an_issuer_may_have_a_path(valkey_url: str, tmp_path: Path) -> None:
    """Its document is found in both ways, and everything else where the origin is."""
    issuer = f"{ISSUER}/realms/campus"
    house = House(f"sqlite:///{tmp_path / 'p.sqlite3'}", valkey_url, issuer=issuer)
    http = house.app.test_client()
    inserted = [f"{each}/realms/campus" for each in WELL_KNOWN]
    for path in (*inserted, f"/realms/campus{WELL_KNOWN[0]}"):
        document: Any = http.get(path).json
        assert document["issuer"] == issuer
        assert document["token_endpoint"] == f"{ISSUER}/oauth/token"
    for path in WELL_KNOWN:
        assert http.get(path).status_code == 404, "that would be another issuer"
    visitor = house.signed_in()
    answer = visitor.follow(visitor.ask()).location
    assert f"iss={quote(issuer, safe='')}" in answer
    prover = Prover(house)
    tokens = prover.tokens()
    assert house.claims(tokens["id_token"])["iss"] == issuer
    assert prover.userinfo(tokens["access_token"]).status_code == 200
    told = house.app.test_client().post(
        "/oauth/introspect",
        data={
            "token": tokens["access_token"],
            "client_id": house.client.client_id,
            "client_secret": house.client.client_secret,
        },
    )
    assert (told.json or {})["iss"] == issuer


@pytest.mark.rule("A-36")
@pytest.mark.parametrize(
    "path", ["/", "/a/", "//a", "/a//b", "/a/../b", "/.", "/a?x", "/a#x", "/a%2fb", "/a b", "/é"]
)
def test_an_issuer_that_clients_would_spell_in_two_ways_is_refused(path: str) -> None:
    """It is compared letter by letter, by everybody."""
    with pytest.raises(ValueError, match="issuer"):
        settings_of("sqlite:///x", "redis://127.0.0.1", issuer=f"{ISSUER}{path}")
