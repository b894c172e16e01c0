"""Proofs of possession as a strict server judges them, by another hand than the one that made them.

Spec: RFC 9449 §4.3, §8, §9; RFC 7638.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import time

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support.upstream import Answer, Received

FRESH_S = 60


class ProofJudge:
    """Demands a proof with its latest nonce, each good once.

    Attributes:
        demands_nonce: whether a proof must carry one.
        shown: how many requests came with a proof.
    """

    def __init__(self, *, demands_nonce: bool = True) -> None:
        self.demands_nonce = demands_nonce
        self.shown = 0
        self._seen: set[str] = set()
        self._numbers = itertools.count(1)
        self.nonce = "nonce-0"

    def renew_nonce(self) -> None:
        """Take no proof with an earlier nonce any more."""
        self.nonce = f"nonce-{next(self._numbers)}"

    def nonce_line(self) -> list[tuple[str, str]]:
        """Return the header that tells the nonce for the next proof."""
        return [("DPoP-Nonce", self.nonce)] if self.demands_nonce else []

    def judge(self, received: Received, url: str, token: str | None = None) -> Answer | str:
        """Return the thumbprint of the proof's key, or the answer that asks for a nonce.

        Fails the test where a client would be at fault: a wrong or doubled proof.

        Args:
            received: the request.
            url: of the request, without a query.
            token: that the request carries; None at the token endpoint.
        """
        [proof] = received.values("DPoP")
        self.shown += 1
        head = json.loads(_decoded(proof.split(".")[0]))
        assert (head["typ"], head["alg"]) == ("dpop+jwt", "ES256")
        assert set(head["jwk"]) == {"kty", "crv", "x", "y"}, "a private member in the proof"
        key = ECKey.import_key(head["jwk"])
        claims = jwt.decode(proof, key, algorithms=["ES256"]).claims
        assert (claims["htm"], claims["htu"]) == (received.method, url)
        assert abs(claims["iat"] - time.time()) < FRESH_S
        assert claims["jti"] not in self._seen, "a proof was used twice"
        self._seen.add(claims["jti"])
        if token is not None:
            digest = hashlib.sha256(token.encode()).digest()
            assert claims["ath"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if self.demands_nonce and claims.get("nonce") != self.nonce:
            return self._wants_nonce(at_resource=token is not None)
        return str(key.thumbprint())

    def _wants_nonce(self, *, at_resource: bool) -> Answer:
        if at_resource:
            challenge = ("WWW-Authenticate", 'DPoP error="use_dpop_nonce", algs="ES256"')
            return Answer(401, [*self.nonce_line(), challenge], b"{}")
        return Answer(400, self.nonce_line(), b'{"error": "use_dpop_nonce"}')


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
