"""A token that is bound to a key opens nothing without it."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.unit.workbench.conftest import AUDIENCE
from workbench.possession import Possession, ProofMissing

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.unit.workbench.conftest import Issuer

HERE = "http://localhost/users/me"


class Holder:
    """Has a key, and shows it."""

    def __init__(self) -> None:
        self.key: Any = ECKey.generate_key("P-256")
        self.jkt: str = self.key.thumbprint()

    def proof(self, token: str, **claims: object) -> str:
        """Return a proof for *token*; members of *claims* replace the right ones."""
        hashed = hashlib.sha256(token.encode()).digest()
        said = {
            "htm": "GET",
            "htu": HERE,
            "iat": int(time.time()),
            "jti": secrets.token_urlsafe(16),
            "ath": base64.urlsafe_b64encode(hashed).rstrip(b"=").decode(),
            **claims,
        }
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)}
        return jwt.encode(head, said, self.key, algorithms=["ES256"])


@pytest.mark.rule("A-47")
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_bound_token_is_taken_with_its_proof_alone(api: FlaskClient, issuer: Issuer) -> None:
    """With the key, once; as a bearer, with another key, or for another call: 401."""
    holder, thief = Holder(), Holder()
    token = issuer.token(cnf={"jkt": holder.jkt}, name="Ann", preferred_username="ann")
    plain = issuer.token()

    def ask(authorization: str, proof: str | None = None) -> int:
        headers = {"Authorization": authorization, **({"DPoP": proof} if proof else {})}
        return api.get("/users/me", headers=headers).status_code

    good = holder.proof(token)
    assert ask(f"DPoP {token}", good) == 200
    assert ask(f"DPoP {token}", holder.proof(token, htu=f"{AUDIENCE}/users/me")) == 200
    refused = [
        (f"DPoP {token}", good),
        (f"DPoP {token}", None),
        (f"DPoP {token}", "x.y.z"),
        (f"Bearer {token}", None),
        (f"Bearer {token}", holder.proof(token)),
        (f"DPoP {token}", thief.proof(token)),
        (f"DPoP {token}", holder.proof(plain)),
        (f"DPoP {plain}", holder.proof(plain)),
        (f"DPoP {token}", holder.proof(token, htm="POST")),
        (f"DPoP {token}", holder.proof(token, htu="http://localhost/teams")),
        (f"DPoP {token}", holder.proof(token, htu="https://evil.example/users/me")),
        (f"DPoP {token}", holder.proof(token, htu="http://[::1")),
        (f"DPoP {token}", holder.proof(token, iat=int(time.time()) - 121)),
        (f"DPoP {token}", holder.proof(token, jti=7)),
        (f"DPoP {token}", holder.proof(token, ath="é")),
    ]
    for number, (authorization, proof) in enumerate(refused):
        assert (number, ask(authorization, proof)) == (number, 401)
    challenge = api.get("/users/me", headers={"Authorization": f"Bearer {token}"}).headers
    assert challenge["WWW-Authenticate"].startswith("DPoP ")
    assert ask(f"Bearer {plain}") == 200


def test_what_is_remembered_is_bounded() -> None:
    """A flood forgets the oldest; time forgets the rest."""
    now = [0.0]
    possession = Possession(identifier="x", clock=lambda: now[0])
    for number in range(10_100):
        assert possession._is_first(str(number), now[0])
    assert len(possession._seen) == 10_000
    assert not possession._is_first("10050", now[0])
    now[0] = 241.0
    assert possession._is_first("10050", now[0])
    assert len(possession._seen) == 1
    with pytest.raises(ProofMissing):
        possession.require("a" * 5_000, jkt="x", token="t", method="GET", address=HERE)
