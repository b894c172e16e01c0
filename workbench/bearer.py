"""RFC 9068 access token validation: who calls, and what they may do.

A token is judged in this order and nothing of it is used before all of it passed: shape, type and
algorithm, key, signature, times, issuer, audience, possession, scope.

Spec: RFC 9068 §4; RFC 9449 §7; RFC 6750 §2.1, §3; RFC 8725.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from flask import g, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from workbench.possession import ALGORITHMS, Possession, ProofMissing
from workbench.problems import INSUFFICIENT_SCOPE, INVALID_TOKEN, TOKEN_REQUIRED, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.issuer import PublicKey

_REALM = 'Bearer realm="workbench"'
_BEARER, _DPOP = "bearer", "dpop"
_PROOF_CHALLENGE = f'DPoP realm="workbench", error="invalid_token", algs="{" ".join(ALGORITHMS)}"'
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_KEY_TYPE_OF = {"RS256": "RSA", "ES256": "EC"}
_TOKEN_LIMIT_BYTES = 8192
_SUBJECT_LIMIT = 255  # OpenID Connect Core §2
_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caller:
    """The person or client that a valid token speaks for."""

    issuer: str
    subject: str
    client_id: str
    scopes: frozenset[str]
    claims: Mapping[str, Any] = field(repr=False)
    access_token: str = field(repr=False)


class Keys(Protocol):
    """Where the keys of tokens come from: the issuer, or a process that speaks to itself alone."""

    def find(self, kid: str | None, kty: str) -> PublicKey | None:
        """Return the key that *kid* names, or None."""


class BearerGuard:
    """Admits calls that carry a token of one issuer, made for this resource server."""

    def __init__(
        self,
        keys: Keys,
        *,
        issuer: str,
        identifier: str,
        leeway_s: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Trust *issuer* alone; *identifier* must be in `aud`; *clock* is in seconds since 1970."""
        self._keys = keys
        self._issuer = issuer
        self._identifier = identifier
        self._leeway_s = leeway_s
        self._clock = clock
        self._possession = Possession(identifier=identifier, clock=clock)

    def require(self, scope: str) -> Caller:
        """Return the caller of the request at hand, who holds *scope*.

        Raises:
            Refused: 401 or 403 with the challenge of RFC 6750 §3.
            Unavailable: the issuer's keys cannot be had; the token may well be good.
        """
        scheme, token = _presented(request.headers.get("Authorization"))
        caller = self.judge(token)
        self._require_possession(scheme, caller)
        if scope not in caller.scopes:
            challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
            raise Refused(
                INSUFFICIENT_SCOPE,
                hint=f"{scope} is missing",
                headers={"WWW-Authenticate": challenge},
            )
        g.caller = caller
        return caller

    def judge(self, token: str) -> Caller:
        """Return whom *token* speaks for.

        Raises:
            Refused: ``invalid_token``; the reason is in the hint.
            Unavailable: as for `require`.
        """
        claims = self._verified_claims(token)
        self._require_times(claims)
        if claims.get("iss") != self._issuer:
            raise _invalid("iss is foreign")
        if self._identifier not in _audiences(claims.get("aud")):
            raise _invalid("aud is another resource server")
        subject, client_id = claims.get("sub"), claims.get("client_id")
        if not isinstance(subject, str) or not 0 < len(subject.encode()) <= _SUBJECT_LIMIT:
            raise _invalid("sub is missing or too long")
        if not isinstance(client_id, str) or not isinstance(claims.get("jti"), str):
            raise _invalid("client_id or jti is missing")
        scope = claims.get("scope", "")
        scopes = frozenset(scope.split(" ")) if isinstance(scope, str) else frozenset[str]()
        return Caller(self._issuer, subject, client_id, scopes - {""}, claims, token)

    def _require_possession(self, scheme: str, caller: Caller) -> None:
        """Pass where the token came as it is bound: a plain one plainly, a bound one proven."""
        bound = caller.claims.get("cnf")
        if scheme == _BEARER and bound is None:
            return
        try:
            self._possession.require(
                # Beside a plain bearer a proof does not count: the scheme says what was meant.
                request.headers.get("DPoP", "") if scheme == _DPOP else "",
                jkt=bound.get("jkt") if isinstance(bound, dict) else None,
                token=caller.access_token,
                method=request.method,
                address=request.base_url,
            )
        except ProofMissing as missing:
            raise Refused(
                INVALID_TOKEN,
                hint=f"DPoP: {missing}",
                headers={"WWW-Authenticate": _PROOF_CHALLENGE},
            ) from missing

    def _verified_claims(self, token: str) -> dict[str, Any]:
        try:
            header = extract_compact(token.encode("ascii")).headers()
            # The algorithm comes from our table, the key from the issuer: never from the token.
            algorithm = header.get("alg")
            key_type = _KEY_TYPE_OF.get(algorithm) if isinstance(algorithm, str) else None
            if str(header.get("typ")).lower() not in _TYPES or key_type is None:
                raise _invalid("typ or alg is not one of an access token")
            kid = header.get("kid")
            key = self._keys.find(kid if isinstance(kid, str) else None, key_type)
            if key is None:
                raise _invalid("kid names no key of the issuer")
            return jwt.decode(token, key, algorithms=[str(algorithm)]).claims
        except (JoseError, ValueError, TypeError) as error:
            raise _invalid(type(error).__name__) from error

    def _require_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        expires_at, issued_at = _instant(claims, "exp"), _instant(claims, "iat")
        if now >= expires_at + self._leeway_s:
            raise _invalid("exp has passed")
        if issued_at > now + self._leeway_s:
            raise _invalid("iat is in the future")
        if "nbf" in claims and _instant(claims, "nbf") > now + self._leeway_s:
            raise _invalid("nbf is in the future")


def _presented(header: str | None) -> tuple[str, str]:
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() not in {_BEARER, _DPOP}:
        raise Refused(TOKEN_REQUIRED, headers={"WWW-Authenticate": _REALM})
    if len(token) > _TOKEN_LIMIT_BYTES or not _COMPACT.fullmatch(token):
        raise _invalid("not a signed JWT of reasonable length")
    return scheme.lower(), token


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(f"{name} is missing or no number")
    return value


def _audiences(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _invalid(reason: str) -> Refused:
    return Refused(
        INVALID_TOKEN,
        hint=reason,
        headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'},
    )
