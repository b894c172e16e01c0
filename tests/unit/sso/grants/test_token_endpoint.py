"""The token endpoint's manners: one body, one client, one method, no store."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import pytest

from tests.unit.sso.house import CALLBACK, VERIFIER

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House

FORM = "application/x-www-form-urlencoded"


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return a Basic header with both halves form-encoded (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def post(house: House, body: str | bytes, **more: Any) -> TestResponse:  # noqa: ANN401 - the test client's own
    """Post *body* to the token endpoint."""
    more.setdefault("content_type", FORM)
    return house.app.test_client().post("/oauth/token", data=body, **more)


@pytest.mark.rule("A-16", "S-102")
def test_json_works_under_the_same_rules(house: House) -> None:
    """A JSON object of strings is as good as a form."""
    members = {
        "grant_type": "authorization_code",
        "code": house.signed_in().code(),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": house.client.client_id,
        "client_secret": house.client.client_secret,
    }
    response = house.app.test_client().post("/oauth/token", json=members)
    assert response.status_code == 200, response.text


@pytest.mark.rule("A-16", "S-018", "S-102", "S-119")
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"grant_type":"refresh_token","grant_type":"refresh_token"}', "application/json"),
        ('["grant_type"]', "application/json"),
        ('{"grant_type":["refresh_token"]}', "application/json"),
        ('{"grant_type":true}', "application/json"),
        ('{"grant_type":"\\ud800"}', "application/json"),
        ("{", "application/json"),
        ("[" * 60_000, "application/json"),
        (b"\xff\xfe", "application/json"),
        ("grant_type=refresh_token&grant_type=refresh_token", FORM),
        ("grant_type=%ff", FORM),
        ("&".join(f"a{n}=1" for n in range(2000)), FORM),
        ("grant_type=refresh_token", "text/plain"),
        ("grant_type=refresh_token", "multipart/form-data; boundary=x"),
    ],
)
def test_a_body_that_can_be_read_in_two_ways_is_refused(
    house: House, body: str | bytes, content_type: str
) -> None:
    """Repeated, nested, malformed or of another type: invalid_request."""
    response = post(house, body, content_type=content_type)
    assert response.status_code == 400, response.text
    assert (response.json or {})["error"] == "invalid_request"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.rule("A-16", "S-089", "S-102")
@pytest.mark.parametrize("query", ["client_secret=x", "grant_type=refresh_token", "x=1"])
def test_nothing_is_taken_from_the_address(house: House, query: str) -> None:
    """Credentials in an address end in logs."""
    body = {"client_id": house.client.client_id, "client_secret": house.client.client_secret}
    response = house.app.test_client().post(f"/oauth/token?{query}", data=body)
    assert (response.json or {})["error"] == "invalid_request"


@pytest.mark.rule("A-16", "S-102")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_the_endpoint_takes_posts_alone(house: House, method: str) -> None:
    """405, and the answer says what is allowed."""
    response = house.app.test_client().open("/oauth/token", method=method)
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


@pytest.mark.rule("A-18")
def test_basic_is_form_decoded(house: House) -> None:
    """Both halves, as the specification has it."""
    assert house.client.client_secret
    response = post(
        house,
        urlencode({"grant_type": "refresh_token", "refresh_token": "x"}),
        headers=basic(house.client.client_id, house.client.client_secret),
    )
    assert (response.json or {})["error"] == "invalid_grant"


@pytest.mark.rule("A-17", "S-089")
def test_two_methods_in_one_request_are_refused(house: House) -> None:
    """Even where both are right."""
    assert house.client.client_secret
    headers = basic(house.client.client_id, house.client.client_secret)
    for more in (
        {"client_secret": house.client.client_secret},
        {"client_id": "00000000-0000-4000-8000-000000000000"},
    ):
        response = post(house, urlencode({"grant_type": "x", **more}), headers=headers)
        assert (response.json or {})["error"] == "invalid_request"


@pytest.mark.rule("A-17", "A-20", "A-22", "S-089")
def test_wrong_unknown_and_missing_clients_get_one_answer(house: House) -> None:
    """401, a challenge, and no word about which it was."""
    public = house.new_client(public=True)
    tries: list[dict[str, str | None]] = [
        {"client_secret": "wrong"},
        {"client_secret": None},
        {"client_id": "00000000-0000-4000-8000-000000000000"},
        {"client_id": house.client.client_id.upper()},
        {"client_id": None},
        {"client_id": public.client_id},
    ]
    answers = set()
    for wrong in tries:
        response = house.token(grant_type="refresh_token", refresh_token="x", **wrong)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic ")
        assert response.headers["Cache-Control"] == "no-store"
        answers.add(response.text)
    assert len(answers) == 1


@pytest.mark.rule("A-18", "S-111")
@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic eA==", "Basic //8=", "Bearer x", ""])
def test_unreadable_credentials_are_invalid_client(house: House, header: str) -> None:
    """Never a failure of ours."""
    response = post(house, "grant_type=x", headers={"Authorization": header})
    assert response.status_code == 401


@pytest.mark.rule("A-15", "A-22")
@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        (None, "invalid_request"),
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ('"', "unsupported_grant_type"),
    ],
)
def test_grant_types_that_are_not_served(house: House, grant_type: str | None, error: str) -> None:
    """There is no password grant."""
    response = house.token(grant_type=grant_type)
    assert response.status_code == 400
    assert (response.json or {})["error"] == error


@pytest.mark.rule("A-15")
def test_a_client_uses_the_grants_it_registered(house: House) -> None:
    """unauthorized_client otherwise, and no refresh token that it could not use."""
    house.client = house.new_client(first_party=True, grant_types=["authorization_code"])
    assert "refresh_token" not in house.tokens()
    response = house.refresh("x")
    assert (response.json or {})["error"] == "unauthorized_client"


@pytest.mark.rule("A-21")
def test_two_secrets_may_be_valid_and_one_may_end(house: House) -> None:
    """Rotation without a gap; after its end the old one is as wrong as any."""
    second = house.base.clients.add_secret(house.client.client_id, old_valid_s=60)
    first = house.client.client_secret
    for secret in (first, second):
        response = house.refresh("x", client_secret=secret)
        assert (response.json or {})["error"] == "invalid_grant"
    house.clock.pass_s(61)
    assert house.refresh("x", client_secret=first).status_code == 401
    assert house.refresh("x", client_secret=second).status_code == 400


@pytest.mark.rule("A-31")
def test_the_access_token_is_a_jwt_for_one_audience(house: House) -> None:
    """RFC 9068: typ at+jwt, and every claim that it must have."""
    token = house.tokens()["access_token"]
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "RS256"
    assert header["kid"]
    claims = house.claims(token)
    assert claims["aud"] == "http://127.0.0.1:7000"
    assert claims["iss"] == "http://127.0.0.1:9000"
    assert claims["sub"] == house.user.sub
    assert claims["client_id"] == house.client.client_id
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["jti"]


@pytest.mark.rule("A-33")
def test_the_id_token_says_who_when_and_for_whom(house: House) -> None:
    """nonce, auth_time, sid, at_hash, one audience."""
    tokens = house.tokens()
    claims = house.claims(tokens["id_token"])
    assert claims["aud"] == house.client.client_id
    assert claims["nonce"] == "the-nonce"
    assert claims["sid"]
    assert claims["at_hash"]
    assert abs(claims["auth_time"] - claims["iat"]) < 60


@pytest.mark.rule("A-32")
def test_a_subject_never_has_the_shape_of_a_client_id(house: House) -> None:
    """32 digits without a hyphen against 32 digits with four."""
    assert "-" not in house.user.sub
    assert house.client.client_id.count("-") == 4
