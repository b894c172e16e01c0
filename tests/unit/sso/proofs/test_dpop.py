"""DPoP: a stolen token is worth nothing without its key, a stolen proof nothing twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from redis import Redis

from sso.clients.registration import DEVICE_CODE
from tests.unit.sso.house import ISSUER, answer_of, request_of
from tests.unit.sso.proofs.prover import TOKEN, USERINFO, Prover, signed

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House


def error_of(answer: TestResponse) -> str:
    """Return the error code."""
    return str((answer.json or {})["error"])


@pytest.mark.rule("A-47")
def test_a_proven_key_binds_the_tokens(either_house: House) -> None:
    """token_type, cnf, introspection and UserInfo agree; the answer has the next nonce."""
    house = either_house
    prover = Prover(house)
    answer = prover.redeem(house.signed_in().code())
    assert answer.status_code == 200, answer.text
    assert answer.headers["DPoP-Nonce"]
    tokens: dict[str, Any] = answer.json or {}
    assert tokens["token_type"] == "DPoP"
    assert house.claims(tokens["access_token"])["cnf"] == {"jkt": prover.jkt}
    form = {
        "token": tokens["access_token"],
        "client_id": house.client.client_id,
        "client_secret": house.client.client_secret,
    }
    told: Any = house.app.test_client().post("/oauth/introspect", data=form).json
    assert told["active"]
    assert told["token_type"] == "DPoP"
    assert told["cnf"] == {"jkt": prover.jkt}
    shown = prover.userinfo(tokens["access_token"])
    assert (shown.json or {})["sub"] == house.user.sub
    assert shown.headers["DPoP-Nonce"]


@pytest.mark.rule("A-47", "S-091", "S-092")
def test_a_proof_that_proves_nothing_spends_nothing(house: House) -> None:
    """Whatever is wrong with it: invalid_dpop_proof, a fresh nonce, and the code is still good."""
    prover, other = Prover(house), ECKey.generate_key("P-256")
    now = int(house.clock().timestamp())
    weak = RSAKey.generate_key(2048).as_dict(private=False) | {"n": "AQAB"}
    claims = {"htm": "POST", "htu": TOKEN, "iat": now, "jti": "x", "nonce": prover.nonce}
    foreign_head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": other.as_dict(private=False)}
    shared = {"typ": "dpop+jwt", "alg": "HS256", "jwk": {"kty": "oct", "k": "a" * 43}}
    proofs = {
        "empty": "",
        "no JWS": "x.y.z",
        "two of them": f"{prover.proof()}, {prover.proof()}",
        "another method": prover.proof(htm="GET"),
        "another endpoint": prover.proof(f"{ISSUER}/oauth/revoke"),
        "another host": prover.proof(TOKEN.replace("127.0.0.1", "127.0.0.2")),
        "another scheme": prover.proof(TOKEN.replace("http:", "https:")),
        "no address": prover.proof(htu=["x"]),
        "a broken address": prover.proof("http://[::1"),
        "made long ago": prover.proof(iat=now - 301),
        "made later": prover.proof(iat=now + 301),
        "not dated": prover.proof(iat=None),
        "dated in words": prover.proof(iat="now"),
        "dated beyond time": prover.proof(iat=10**300),
        "no jti": prover.proof(jti=None),
        "a long jti": prover.proof(jti="j" * 256),
        "another type": prover.proof(header={"typ": "JWT"}),
        "an unknown crit": prover.proof(header={"crit": ["exp"], "exp": 1}),
        "a private key": prover.proof(header={"jwk": prover.key.as_dict(private=True)}),
        "no key": prover.proof(header={"jwk": None}),
        "a weak key": prover.proof(header={"jwk": weak}),
        "an immense key": prover.proof(header={"jwk": weak | {"n": "A" * 3000}}),
        "somebody else's key": signed(foreign_head, claims, prover.key),
        "a shared key": jwt.encode(
            shared, claims, OctKey.import_key("a" * 32), algorithms=["HS256"]
        ),
        "long": "a" * 5000,
    }
    code = house.signed_in().code()
    for name, proof in proofs.items():
        answer = prover.redeem(code, proof)
        assert (name, answer.status_code) == (name, 400)
        assert (name, error_of(answer)) == (name, "invalid_dpop_proof")
        assert answer.headers["DPoP-Nonce"]
    assert prover.redeem(code).status_code == 200


@pytest.mark.rule("A-47")
def test_the_nonce_is_ours_and_recent(house: House) -> None:
    """Missing, invented or old: use_dpop_nonce with the one to use; then it works."""
    prover = Prover(house)
    code, old = house.signed_in().code(), prover.nonce
    for nonce in (None, "invented", "nön", 7):
        answer = prover.redeem(code, prover.proof(nonce=nonce))
        assert answer.status_code == 400
        assert error_of(answer) == "use_dpop_nonce"
    house.clock.pass_s(40)
    assert prover.redeem(code).status_code == 200
    house.clock.pass_s(301)
    stale = prover.redeem(house.signed_in().code(), prover.proof(nonce=old))
    assert error_of(stale) == "use_dpop_nonce"
    prover.nonce = stale.headers["DPoP-Nonce"]
    assert prover.redeem(house.signed_in().code()).status_code == 200


@pytest.mark.rule("A-47")
def test_a_nonce_of_another_node_is_good(house: House, valkey_url: str) -> None:
    """No node keeps any; all derive them from the same keys."""
    node = house.node(house.settings.database_url.get_secret_value(), valkey_url)
    prover = Prover(house)
    prover.nonce = node.extensions["sso"].services.proofs.nonce()
    assert prover.redeem(house.signed_in().code()).status_code == 200


@pytest.mark.rule("A-47")
def test_of_many_uses_of_one_proof_one_succeeds(house: House) -> None:
    """At once, and later."""
    prover = Prover(house)
    token = prover.tokens()["access_token"]
    proof = prover.proof(USERINFO, "GET", token=token)
    statuses: list[int] = []

    def run() -> None:
        statuses.append(prover.userinfo(token, proof).status_code)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 401, 401, 401, 401, 401]
    assert "invalid_dpop_proof" in prover.userinfo(token, proof).headers["WWW-Authenticate"]


@pytest.mark.rule("A-47")
def test_without_redis_no_proof_is_believed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, never a token that a replay could have had; bearer tokens go on."""
    prover = Prover(house)
    visitor = house.signed_in()
    bound, plain = visitor.code(), visitor.code()
    away = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2)
    monkeypatch.setattr(house.app.extensions["sso"].services.proofs, "_redis", away)
    assert prover.redeem(bound).status_code == 503
    assert house.redeem(plain).status_code == 200


@pytest.mark.rule("A-47", "S-093")
def test_a_bound_token_comes_with_its_proof_or_not_at_all(house: House) -> None:
    """As a plain bearer, with another key, another token's hash or none: 401 and the challenge."""
    prover, thief = Prover(house), Prover(house)
    token = prover.tokens()["access_token"]
    plain = house.tokens()["access_token"]
    refused = {
        "as a bearer": prover.userinfo(token, "", "Bearer"),
        "as a bearer with a proof": prover.userinfo(token, None, "Bearer"),
        "without a proof": prover.userinfo(token, ""),
        "with another key": thief.userinfo(token),
        "with no hash": prover.userinfo(token, prover.proof(USERINFO, "GET")),
        "with another's hash": prover.userinfo(token, prover.proof(USERINFO, "GET", token=plain)),
        "a bearer token as bound": prover.userinfo(plain),
        "posted": house.app.test_client().post("/oauth/userinfo", data={"access_token": token}),
    }
    for name, answer in refused.items():
        assert (name, answer.status_code) == (name, 401)
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith("DPoP error="), name
        assert 'algs="RS256 PS256 ES256"' in challenge
    asked = prover.userinfo(token, prover.proof(USERINFO, "GET", token=token, nonce="old"))
    assert "use_dpop_nonce" in asked.headers["WWW-Authenticate"]
    assert asked.headers["DPoP-Nonce"]


@pytest.mark.rule("A-47")
def test_a_code_may_be_bound_to_a_key_beforehand(house: House) -> None:
    """By dpop_jkt or by a proof at the pushed request; another key does not redeem it."""
    prover, thief = Prover(house), Prover(house)
    visitor = house.signed_in()
    code = visitor.code(dpop_jkt=prover.jkt)
    assert error_of(thief.redeem(code)) == "invalid_grant"
    assert error_of(house.redeem(code)) == "invalid_grant"
    assert prover.redeem(code).status_code == 200
    assert answer_of(visitor.ask(dpop_jkt="short"))["error"] == "invalid_request"
    par = f"{ISSUER}/oauth/par"
    form = request_of(house.client) | {"client_secret": str(house.client.client_secret)}
    http = house.app.test_client()
    other = form | {"dpop_jkt": thief.jkt}
    refused = http.post("/oauth/par", data=other, headers={"DPoP": prover.proof(par)})
    assert error_of(refused) == "invalid_dpop_proof"
    pushed = http.post("/oauth/par", data=form, headers={"DPoP": prover.proof(par)})
    assert pushed.headers["DPoP-Nonce"]
    names = {"client_id": form["client_id"], "request_uri": (pushed.json or {})["request_uri"]}
    bound = answer_of(visitor.follow(visitor.get(f"/oauth/authorize?{urlencode(names)}")))["code"]
    assert error_of(thief.redeem(bound)) == "invalid_grant"
    assert prover.redeem(bound).status_code == 200


@pytest.mark.rule("A-26", "A-47")
def test_a_public_clients_refresh_token_is_bound(either_house: House) -> None:
    """Another key gets nothing and harms nobody; the right one goes on."""
    house = either_house
    client = house.new_client(public=True, first_party=True)
    prover, thief = Prover(house, client), Prover(house, client)
    refresh_token = prover.tokens()["refresh_token"]

    def refresh(who: Prover) -> TestResponse:
        return who.ask(grant_type="refresh_token", refresh_token=refresh_token)

    assert error_of(refresh(thief)) == "invalid_grant"
    plain = house.refresh(refresh_token, client_id=client.client_id, client_secret=None)
    assert error_of(plain) == "invalid_grant"
    renewed = refresh(prover)
    assert renewed.status_code == 200
    assert (renewed.json or {})["token_type"] == "DPoP"
    assert error_of(refresh(thief)) == "invalid_grant"
    again = prover.ask(
        grant_type="refresh_token", refresh_token=(renewed.json or {})["refresh_token"]
    )
    assert again.status_code == 200, "a thief's attempt does not end the grant"


@pytest.mark.rule("A-47")
def test_a_confidential_client_may_change_its_key(house: House) -> None:
    """It proves itself anyway."""
    first, second = Prover(house), Prover(house)
    answer = second.ask(grant_type="refresh_token", refresh_token=first.tokens()["refresh_token"])
    claims = house.claims((answer.json or {})["access_token"])
    assert claims["cnf"] == {"jkt": second.jkt}


@pytest.mark.rule("A-47")
def test_a_client_may_be_held_to_proofs(house: House) -> None:
    """At every grant; the code that came without one is still good."""
    house.client = house.new_client(
        dpop_required=True,
        first_party=True,
        grant_types=["authorization_code", "refresh_token", "client_credentials", DEVICE_CODE],
    )
    code = house.signed_in().code()
    assert error_of(house.redeem(code)) == "invalid_dpop_proof"
    assert error_of(house.token(grant_type="client_credentials")) == "invalid_dpop_proof"
    prover = Prover(house)
    assert prover.redeem(code).status_code == 200
    own = prover.ask(grant_type="client_credentials")
    assert house.claims((own.json or {})["access_token"])["cnf"] == {"jkt": prover.jkt}


@pytest.mark.rule("A-36", "A-47")
def test_the_metadata_names_the_algorithms(house: House) -> None:
    """What a proof may be signed with."""
    document: Any = house.app.test_client().get("/.well-known/openid-configuration").json
    assert document["dpop_signing_alg_values_supported"] == ["RS256", "PS256", "ES256"]
