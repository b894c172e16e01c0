"""A client that has a key and shows it."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from tests.unit.sso.house import CALLBACK, ISSUER, VERIFIER

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import App, House

TOKEN = f"{ISSUER}/oauth/token"
USERINFO = f"{ISSUER}/oauth/userinfo"


class Prover:
    """Makes proofs under one key, and asks for tokens with them."""

    def __init__(self, house: House, client: App | None = None) -> None:
        self.house = house
        self.client = client or house.client
        self.key: Any = ECKey.generate_key("P-256")
        self.jkt: str = self.key.thumbprint()
        self.nonce: str = house.app.extensions["sso"].services.proofs.nonce()

    def proof(
        self,
        htu: object = TOKEN,
        htm: str = "POST",
        *,
        token: str | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,  # noqa: ANN401 - whatever a forger writes
    ) -> str:
        """Return a proof; members of *claims* and *header* replace the right ones, None drops."""
        said = {
            "htm": htm,
            "htu": htu,
            "iat": int(self.house.clock().timestamp()),
            "jti": secrets.token_urlsafe(16),
            "nonce": self.nonce,
            **({"ath": hash_of(token)} if token else {}),
            **claims,
        }
        head = {
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": self.key.as_dict(private=False),
            **(header or {}),
        }
        kept = {name: value for name, value in said.items() if value is not None}
        return signed(head, kept, self.key)

    def ask(self, proof: str | None = None, **members: str | None) -> TestResponse:
        """Post to the token endpoint with *proof*, or a fresh right one."""
        given = {
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret,
            **members,
        }
        form = {name: value for name, value in given.items() if value is not None}
        headers = {"DPoP": self.proof() if proof is None else proof}
        return self.house.app.test_client().post("/oauth/token", data=form, headers=headers)

    def redeem(self, code: str, proof: str | None = None) -> TestResponse:
        """Redeem *code*."""
        return self.ask(
            proof,
            grant_type="authorization_code",
            code=code,
            redirect_uri=CALLBACK,
            code_verifier=VERIFIER,
        )

    def tokens(self) -> dict[str, Any]:
        """Return the token response of a whole sign-in."""
        visitor = self.house.signed_in()
        answer = self.redeem(visitor.code(client_id=self.client.client_id))
        assert answer.status_code == 200, answer.text
        return dict(answer.json or {})

    def userinfo(self, token: str, proof: str | None = None, scheme: str = "DPoP") -> TestResponse:
        """Ask UserInfo."""
        headers = {"Authorization": f"{scheme} {token}"}
        if proof != "":
            headers["DPoP"] = proof or self.proof(USERINFO, "GET", token=token)
        return self.house.app.test_client().get("/oauth/userinfo", headers=headers)


def signed(header: dict[str, Any], claims: dict[str, Any], key: ECKey) -> str:
    """Return a JWS under *key* of whatever a forger writes into it."""
    parts = [json.dumps(part).encode() for part in (header, claims)]
    said = ".".join(_base64(part) for part in parts)
    private: Any = key.get_op_key("sign")
    r, s = decode_dss_signature(private.sign(said.encode(), ECDSA(SHA256())))
    return f"{said}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hash_of(token: str) -> str:
    """Return ``ath``."""
    return _base64(hashlib.sha256(token.encode()).digest())
