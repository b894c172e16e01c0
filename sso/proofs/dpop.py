"""DPoP proofs: one key, one request, one use, and lately asked for by ourselves.

The nonce is a MAC of the time, so that every node knows it and none keeps it. A proof is
remembered for as long as its nonce is taken.

Spec: RFC 9449 §4.2, §4.3, §8 and §11.1; RFC 7638; A-47.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from redis.exceptions import RedisError

from httpkit.problems import Unavailable
from sso.clients.assertions import ALGORITHMS, key_set_fault
from sso.errors import INVALID_DPOP_PROOF, USE_DPOP_NONCE, OAuthError
from sso.problems import TEMPORARILY_UNAVAILABLE

if TYPE_CHECKING:
    from redis import Redis

    from sso.clock import Clock
    from sso.keys.ring import KeyRing

HEADER: Final = "DPoP"
NONCE_HEADER: Final = "DPoP-Nonce"
TYPE: Final = "dpop+jwt"
_PURPOSE: Final = "dpop nonce"
_NONCE_BYTES: Final = 18
# A nonce is taken in the window that it was given out in and in the next.
_WINDOW_S: Final = 150
_CLOCKS_APART_S: Final = 300
_MAX_CHARS: Final = 4_096
_MAX_JTI: Final = 255
# 4096 bits in base64url, and an exponent that costs nothing.
_MAX_MODULUS_CHARS: Final = 684
_MAX_EXPONENT_CHARS: Final = 6
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class ProofInvalid(OAuthError):  # noqa: N818 - an outcome, not an error of ours
    """The proof proves nothing, or not now; the answer carries a fresh nonce."""


class Proofs:
    """Verifies DPoP proofs made for this server."""

    def __init__(self, ring: KeyRing, redis: Redis, clock: Clock, *, origin: str) -> None:
        self._ring = ring
        self._redis = redis
        self._clock = clock
        self._origin = origin

    def nonce(self) -> str:
        """Return what proofs have to carry from now on."""
        return self._nonces(self._window())[0]

    def require(
        self, proof: str, *, method: str, path: str, access_token: str | None = None
    ) -> str:
        """Return the thumbprint of the key that *proof* shows possession of.

        Args:
            proof: the header's value.
            method: of the request at hand.
            path: of the request at hand, beneath our origin.
            access_token: what is presented along with it, if anything is.

        Raises:
            ProofInvalid: ``use_dpop_nonce`` where the nonce alone is missing or old, else
                ``invalid_dpop_proof``.
            Unavailable: whether it was used before cannot be told.
        """
        key, claims = self._verified(proof)
        if claims.get("htm") != method:
            raise self._invalid("htm is another method")
        if not _same_address(claims.get("htu"), f"{self._origin}{path}"):
            raise self._invalid("htu is another address")
        issued_at, now = claims.get("iat"), self._clock().timestamp()
        if type(issued_at) is not int or abs(now - issued_at) > _CLOCKS_APART_S:
            raise self._invalid("iat is missing or far from now")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 1 <= len(jti) <= _MAX_JTI:
            raise self._invalid("jti is missing or too long")
        if access_token is not None and not _is_hash_of(claims.get("ath"), access_token):
            raise self._invalid("ath is not of this access token")
        self._require_nonce(claims.get("nonce"))
        thumbprint: str = key.thumbprint()
        self._use(f"{thumbprint} {jti}")
        return thumbprint

    def _verified(self, proof: str) -> tuple[ECKey | RSAKey, dict[str, Any]]:
        if len(proof) > _MAX_CHARS or not proof.isascii():
            raise self._invalid("too long or not ASCII")
        try:
            header = jws.extract_compact(proof.encode()).headers()
            jwk: Any = header.get("jwk")
            if header.get("typ") != TYPE or header.get("alg") not in ALGORITHMS:
                raise self._invalid("typ or alg is not one of a proof")
            if (fault := key_set_fault({"keys": [jwk]})) or _costs_too_much(jwk):
                raise self._invalid(f"jwk {fault or 'is too large'}")
            key = RSAKey.import_key(jwk) if jwk["kty"] == "RSA" else ECKey.import_key(jwk)
            return key, jwt.decode(proof, key, algorithms=[str(header["alg"])]).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._invalid(f"no valid JWS: {type(error).__name__}") from error

    def _require_nonce(self, presented: object) -> None:
        window = self._window()
        good = [*self._nonces(window), *self._nonces(window - 1)]
        # Compared as bytes: what is no ASCII is no fault of ours.
        given = str(presented).encode("utf-8", "replace")
        if any(hmac.compare_digest(given, each.encode()) for each in good):
            return
        raise ProofInvalid(
            USE_DPOP_NONCE,
            "the proof needs the nonce of this answer",
            reason="nonce missing, old or foreign",
            headers={NONCE_HEADER: self.nonce()},
        )

    def _use(self, name: str) -> None:
        """Pass the first time that *name* comes while it can be good."""
        key = f"sso:proof:{hashlib.sha256(name.encode()).hexdigest()[:32]}"
        try:
            first = self._redis.set(key, 1, nx=True, ex=2 * _WINDOW_S + 1)
        except RedisError as error:
            raise Unavailable(
                TEMPORARILY_UNAVAILABLE, hint=f"redis: {type(error).__name__}"
            ) from error
        if not first:
            raise self._invalid("the proof was used before")

    def _invalid(self, reason: str) -> ProofInvalid:
        return ProofInvalid(
            INVALID_DPOP_PROOF,
            "the DPoP proof is not valid for this request",
            reason=f"DPoP: {reason}",
            headers={NONCE_HEADER: self.nonce()},
        )

    def _window(self) -> int:
        return int(self._clock().timestamp()) // _WINDOW_S

    def _nonces(self, window: int) -> list[str]:
        """Return the nonce of *window* under each server key, the newest first."""
        macs = self._ring.macs(_PURPOSE, str(window).encode())
        return [base64.urlsafe_b64encode(mac[:_NONCE_BYTES]).decode() for mac in macs]


def _costs_too_much(jwk: dict[str, Any]) -> bool:
    modulus, exponent = str(jwk.get("n", "")), str(jwk.get("e", ""))
    return len(modulus) > _MAX_MODULUS_CHARS or len(exponent) > _MAX_EXPONENT_CHARS


def _is_hash_of(ath: object, access_token: str) -> bool:
    hashed = base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest())
    right = hashed.rstrip(b"=").decode()
    return isinstance(ath, str) and ath.isascii() and hmac.compare_digest(ath, right)


def _same_address(htu: object, expected: str) -> bool:
    """Return whether both name one address, query and fragment aside (RFC 9449 §4.3)."""
    if not isinstance(htu, str):
        return False
    try:
        return _normal(htu) == _normal(expected)
    except ValueError:
        return False


def _normal(address: str) -> tuple[str, str | None, int | None, str]:
    parts = urlsplit(address)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parts.path or "/"
