"""What the server says of itself is what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.sso.house import ISSUER

if TYPE_CHECKING:
    from tests.unit.sso.house import House

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
