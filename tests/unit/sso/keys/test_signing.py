"""Signing keys: published before use, kept while needed, sealed at rest; and foreign tokens."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from sso.keys.pairs import PUBLISH_LEAD_S
from sso.keys.signing import SigningKeys, TokenUnreadable

if TYPE_CHECKING:
    from tests.unit.sso.house import House


def published(house: House) -> list[dict[str, Any]]:
    """Return the keys that clients see."""
    answer: Any = house.app.test_client().get("/oauth/jwks").json
    return list(answer["keys"])


def kid_of(token: str) -> str:
    """Return the key id in *token*'s header."""
    return str(json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))["kid"])


@pytest.mark.rule("A-35")
def test_only_public_halves_are_published(house: House) -> None:
    """No private member, and a use, an alg and a kid on each."""
    for key in published(house):
        parts = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}}[str(key["kty"])]
        assert set(key) == {"kty", "kid", "use", "alg"} | parts


@pytest.mark.rule("A-35")
def test_private_keys_are_sealed_at_rest(house: House) -> None:
    """The table holds no key that opens without the server's own."""
    with house.base.storage.reading() as session:
        rows = session.connection().exec_driver_sql("SELECT sealed_private_key FROM signing_keys")
        assert all(b"PRIVATE" not in bytes(row[0]) for row in rows)


@pytest.mark.rule("A-35")
def test_a_rotation_fails_no_validation(either_house: House) -> None:
    """The next key is seen before its first token, the last until its tokens are gone."""
    house = either_house
    keys = SigningKeys(house.base.storage, house.base.ring, house.clock)
    old = keys.sign({"n": 1}, typ="x")
    new_kid = keys.rotate(keep_s=3600)
    assert kid_of(keys.sign({"n": 2}, typ="x")) == kid_of(old)
    assert new_kid in {key["kid"] for key in keys.published()["keys"]}
    house.clock.pass_s(PUBLISH_LEAD_S + 1)
    new = keys.sign({"n": 3}, typ="x")
    assert kid_of(new) == new_kid
    assert keys.read(old, typ="x") == {"n": 1}
    house.clock.pass_s(3600)
    late = SigningKeys(house.base.storage, house.base.ring, house.clock)
    rs256 = [key["kid"] for key in late.published()["keys"] if key["alg"] == "RS256"]
    assert rs256 == [new_kid]


@pytest.mark.rule("A-35")
def test_two_nodes_sign_under_the_same_key(either_house: House) -> None:
    """The first to start makes it; the other finds it."""
    house = either_house
    other = SigningKeys(house.base.storage, house.base.ring, house.clock)
    assert {key["kid"] for key in published(house)} == {
        key["kid"] for key in other.published()["keys"]
    }


@pytest.mark.rule("S-091", "S-092", "S-093", "S-120")
def test_foreign_and_twisted_tokens_are_unreadable(house: House) -> None:
    """No algorithm but ours, no key but ours, no type but the one that is wanted."""
    keys = house.base.keys
    good = keys.sign({"sub": "x"}, typ="at+jwt")
    header, payload, signature = good.split(".")
    public = published(house)[0]
    public_pem = RSAKey.import_key(public).as_pem(private=False)
    foreign = RSAKey.generate_key(2048)

    def with_header(**members: object) -> str:
        given = {"alg": "RS256", "typ": "at+jwt", "kid": public["kid"], **members}
        encoded = base64.urlsafe_b64encode(json.dumps(given).encode()).rstrip(b"=").decode()
        return f"{encoded}.{payload}.{signature}"

    embedded = {**foreign.as_dict(private=False), "use": "sig"}
    twisted = [
        with_header(alg="none"),
        f"{header}.{payload}.",
        with_header(crit=["x"], x=1),
        with_header(kid="../../etc/passwd"),
        with_header(kid="' OR 1=1 --"),
        with_header(kid=["a"]),
        with_header(alg="HS256"),
        jwt.encode({"alg": "RS256", "kid": public["kid"], "typ": "at+jwt"}, {"sub": "x"}, foreign),
        jwt.encode(
            {"alg": "RS256", "jwk": embedded, "kid": public["kid"], "typ": "at+jwt"},
            {"sub": "x"},
            foreign,
        ),
        jwt.encode(
            {"alg": "HS256", "kid": public["kid"], "typ": "at+jwt"},
            {"sub": "x"},
            OctKey.import_key(base64.b64encode(public_pem)),
        ),
        "..",
        "a.b.c",
        "x" * 100_000,
        "\u00e9.\u00e9.\u00e9",
        good + "x",
    ]
    for token in twisted:
        with pytest.raises(TokenUnreadable):
            keys.read(token, typ="at+jwt")
    with pytest.raises(TokenUnreadable):
        keys.read(good, typ="JWT")
    assert keys.read(good, typ="at+jwt") == {"sub": "x"}


@pytest.mark.rule("A-31", "S-093", "S-094", "S-095")
def test_userinfo_takes_only_access_tokens_that_stand(house: House) -> None:
    """ID tokens, expired ones and nonsense are 401 with a challenge."""
    tokens = house.tokens()
    http = house.app.test_client()
    for value in (tokens["id_token"], "x", "a.b.c", tokens["access_token"] + "x", ""):
        response = http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {value}"})
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    now = int(time.time())
    for exp in (now - 1, -1, 0):
        claims = {**house.claims(tokens["access_token"]), "exp": exp}
        late = house.base.keys.sign(claims, typ="at+jwt")
        response = http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {late}"})
        assert response.status_code == 401
