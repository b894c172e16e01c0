"""Proofs of possession: a token that is worth nothing without the key that it was issued to.

Spec: RFC 9449; RFC 7638 is the provider's side of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bff.sessions.model import AccessToken

SCHEME: Final = "DPoP"
NONCE_HEADER: Final = "DPoP-Nonce"
ALGORITHM: Final = "ES256"
USE_NONCE: Final = "use_dpop_nonce"
_SCALAR_BYTES = 32
_CURVE = ec.SECP256R1()
_HASH = ec.ECDSA(hashes.SHA256())
_KEYS_REMEMBERED = 1024
_ORIGINS_REMEMBERED = 256
_NONCE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")
_CHALLENGE = re.compile(r'\s*dpop\b.*\berror="?use_dpop_nonce\b', re.IGNORECASE | re.DOTALL)


def new_key() -> bytes:
    """Return a new private key: 32 bytes, the scalar on P-256."""
    numbers = ec.generate_private_key(_CURVE).private_numbers()
    return numbers.private_value.to_bytes(_SCALAR_BYTES, "big")


class ProofKey:
    """Makes proofs with one private key."""

    def __init__(self, key: bytes) -> None:
        """Take a key of `new_key`."""
        self._key = ec.derive_private_key(int.from_bytes(key, "big"), _CURVE)
        point = self._key.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": _number(point.x), "y": _number(point.y)}
        self._head = _segment({"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": jwk})

    def prove(
        self,
        method: str,
        url: str,
        *,
        now: float,
        nonce: str | None = None,
        access_token: str | None = None,
    ) -> str:
        """Return a proof for one request (RFC 9449 §4.2).

        Args:
            method: of the request.
            url: of the request, without query and fragment.
            now: Unix seconds.
            nonce: that the server gave last.
            access_token: that the request carries; its hash is signed with the rest.
        """
        claims: dict[str, Any] = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": url}
        claims["iat"] = int(now)
        if access_token is not None:
            claims["ath"] = _base64url(hashlib.sha256(access_token.encode()).digest())
        if nonce is not None:
            claims["nonce"] = nonce
        signed = f"{self._head}.{_segment(claims)}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), _HASH))
        return f"{signed}.{_number(r, s)}"

    def __repr__(self) -> str:
        return "ProofKey(…)"


@lru_cache(maxsize=_KEYS_REMEMBERED)
def proof_key(key: bytes) -> ProofKey:
    """Return the maker of proofs with *key*; the last ones are remembered, for they cost 30 µs."""
    return ProofKey(key)


class Proofs:
    """Makes proofs and remembers the nonces that servers ask for, one an origin."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._nonces: dict[str, str] = {}

    def prove(self, key: bytes, method: str, url: str, *, token: AccessToken | None = None) -> str:
        """Return a proof of *key* for one request; *url* may carry a query."""
        bare, _mark, _query = url.partition("?")
        return proof_key(key).prove(
            method,
            bare,
            now=self._clock(),
            nonce=self._nonces.get(_origin(bare)),
            access_token=None if token is None else token.value,
        )

    def remember(self, url: str, nonce: str) -> None:
        """Keep the *nonce* that the server at *url* gave for the next proof (RFC 9449 §8.2)."""
        if not _NONCE.fullmatch(nonce):
            return
        if len(self._nonces) >= _ORIGINS_REMEMBERED:
            self._nonces.clear()
        self._nonces[_origin(url)] = nonce


def asks_for_nonce(challenges: Iterable[str]) -> bool:
    """Return whether a 401 with these ``WWW-Authenticate`` lines wants a nonce (RFC 9449 §9)."""
    return any(_CHALLENGE.match(challenge) for challenge in challenges)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _number(*numbers: int) -> str:
    return _base64url(b"".join(number.to_bytes(_SCALAR_BYTES, "big") for number in numbers))


def _segment(members: dict[str, Any]) -> str:
    return _base64url(json.dumps(members, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
