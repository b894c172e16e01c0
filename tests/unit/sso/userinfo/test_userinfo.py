"""UserInfo: one token, given properly, answers what its scopes open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.sso.house import House


@pytest.mark.rule("A-37")
def test_claims_follow_the_scopes(house: House) -> None:
    """Openid alone tells nothing but the subject."""
    token = house.tokens(scope="openid")["access_token"]
    response = house.app.test_client().get(
        "/oauth/userinfo", headers={"Authorization": f"bearer {token}"}
    )
    assert response.json == {"sub": house.user.sub}


@pytest.mark.rule("A-37")
def test_post_works_with_header_and_with_form(house: House) -> None:
    """Both ways of RFC 6750 that keep the token out of the address."""
    token = house.tokens()["access_token"]
    http = house.app.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    assert http.post("/oauth/userinfo", headers=headers).status_code == 200
    assert http.post("/oauth/userinfo", data={"access_token": token}).status_code == 200
    both = http.post("/oauth/userinfo", headers=headers, data={"access_token": token})
    assert both.status_code == 400


@pytest.mark.rule("A-37", "S-089")
def test_a_token_in_the_address_is_refused(house: House) -> None:
    """Addresses end in logs."""
    token = house.tokens()["access_token"]
    response = house.app.test_client().get(f"/oauth/userinfo?access_token={token}")
    assert response.status_code == 400


@pytest.mark.rule("A-37")
def test_without_openid_the_scope_is_insufficient(house: House) -> None:
    """403, and the challenge names the reason."""
    token = house.tokens(scope="users:read")["access_token"]
    response = house.app.test_client().get(
        "/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 403
    assert "insufficient_scope" in response.headers["WWW-Authenticate"]


@pytest.mark.rule("A-37")
def test_without_a_token_the_challenge_has_no_error(house: House) -> None:
    """RFC 6750 §3.1."""
    response = house.app.test_client().get("/oauth/userinfo")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer, DPoP algs=")
