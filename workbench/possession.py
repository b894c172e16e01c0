"""DPoP at a resource server: a token that is bound to a key comes with a proof of it.

Proofs are remembered by the process that saw them, for as long as they could be good. A proof is
of one token, method and address, so what another process would let through twice is that one call.

Spec: RFC 9449 §4.3 and §7; RFC 7638.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import extract_compact

if TYPE_CHECKING:
    from collections.abc import Callable

ALGORITHMS = ("RS256", "PS256", "ES256")
_PROOF_LIMIT_CHARS = 4_096
_JTI_LIMIT_CHARS = 255
_AGE_S = 120
_REMEMBERED = 10_000
_MODULUS_CHARS = range(342, 685)
_EXPONENT_CHARS = 6
_DEFAULT_PORTS = {"https": 443, "http": 80}


class ProofMissing(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The proof shows nothing for this request. The message is for the log."""


class Possession:
    """Verifies proofs made for this resource server."""

    def __init__(self, *, identifier: str, clock: Callable[[], float]) -> None:
        """*identifier* is an address by which callers know us, where it is one at all."""
        self._identifier = identifier
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}

    def require(self, proof: str, *, jkt: object, token: str, method: str, address: str) -> None:
        """Return when *proof* shows the key *jkt* for this *token*, *method* and *address*.

        Raises:
            ProofMissing: it does not.
        """
        key, claims = _verified(proof)
        thumbprint: str = key.thumbprint()
        if not isinstance(jkt, str) or thumbprint != jkt:
            raise ProofMissing("the token is not bound to this key")
        if claims.get("htm") != method or not self._is_here(claims.get("htu"), address):
            raise ProofMissing("htm or htu is of another request")
        if not _is_hash_of(claims.get("ath"), token):
            raise ProofMissing("ath is of another token")
        issued_at, jti, now = claims.get("iat"), claims.get("jti"), self._clock()
        if type(issued_at) is not int or abs(now - issued_at) > _AGE_S:
            raise ProofMissing("iat is missing or far from now")
        if not isinstance(jti, str) or not 1 <= len(jti) <= _JTI_LIMIT_CHARS:
            raise ProofMissing("jti is missing or too long")
        if not self._is_first(f"{thumbprint} {jti}", now):
            raise ProofMissing("the proof was used before")

    def _is_here(self, htu: object, address: str) -> bool:
        """Return whether *htu* names *address* as we see it, or as our identifier has it."""
        here = urlsplit(address)
        ours = (address, f"{self._identifier.rstrip('/')}{here.path}")
        try:
            return isinstance(htu, str) and _normal(htu) in [_normal(each) for each in ours]
        except ValueError:
            return False

    def _is_first(self, name: str, now: float) -> bool:
        with self._lock:
            # All live equally long, so the oldest stand first.
            while self._seen and (
                len(self._seen) >= _REMEMBERED or next(iter(self._seen.values())) <= now
            ):
                del self._seen[next(iter(self._seen))]
            if name in self._seen:
                return False
            # Twice its age: a proof may be dated ahead of our clock.
            self._seen[name] = now + 2 * _AGE_S
            return True


def _verified(proof: str) -> tuple[ECKey | RSAKey, dict[str, Any]]:
    if len(proof) > _PROOF_LIMIT_CHARS or not proof.isascii():
        raise ProofMissing("too long or not ASCII")
    try:
        header = extract_compact(proof.encode()).headers()
        jwk: Any = header.get("jwk")
        if header.get("typ") != "dpop+jwt" or header.get("alg") not in ALGORITHMS:
            raise ProofMissing("typ or alg is not one of a proof")
        if not isinstance(jwk, dict) or not _is_public(jwk):
            raise ProofMissing("jwk is no public key of a size that is taken")
        key = RSAKey.import_key(jwk) if jwk["kty"] == "RSA" else ECKey.import_key(jwk)
        return key, jwt.decode(proof, key, algorithms=[str(header["alg"])]).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ProofMissing(f"no valid JWS: {type(error).__name__}") from error


def _is_public(jwk: dict[str, Any]) -> bool:
    if "d" in jwk:
        return False
    if jwk.get("kty") == "RSA":
        modulus, exponent = str(jwk.get("n", "")), str(jwk.get("e", ""))
        return len(modulus) in _MODULUS_CHARS and len(exponent) <= _EXPONENT_CHARS
    return jwk.get("kty") == "EC" and jwk.get("crv") == "P-256"


def _is_hash_of(ath: object, token: str) -> bool:
    hashed = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=")
    return isinstance(ath, str) and hmac.compare_digest(ath.encode("utf-8", "replace"), hashed)


def _normal(address: str) -> tuple[str, str | None, int | None, str]:
    parts = urlsplit(address)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parts.path or "/"
