"""The access token that a request presents to this server itself: as a bearer, or with its key.

Spec: RFC 6750 §2 and §3; RFC 9449 §7; A-37, A-47.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sso.clients.assertions import ALGORITHMS
from sso.errors import INVALID_REQUEST, INVALID_TOKEN, OAuthError
from sso.parameters import from_query, once_each
from sso.proofs.dpop import HEADER, ProofInvalid

if TYPE_CHECKING:
    from flask import Request

    from sso.proofs.dpop import Proofs
    from sso.tokens.access import AccessToken, AccessTokens

BEARER: Final = "Bearer"
DPOP: Final = "DPoP"
_ALGS: Final = f'algs="{" ".join(ALGORITHMS)}"'


class PresentedTokens:
    """Finds the one token of a request, and holds it to how it may be presented."""

    def __init__(self, access_tokens: AccessTokens, proofs: Proofs) -> None:
        self._access_tokens = access_tokens
        self._proofs = proofs

    def require(self, request: Request) -> AccessToken:
        """Return the valid token that *request* presents.

        Raises:
            OAuthError: with the challenge of its scheme: none, two, one that is not valid, one
                that is bound to a key and came without its proof.
            Unavailable: whether it was revoked cannot be told just now.
        """
        scheme, value = _presented(request)
        token = self._access_tokens.find(value)
        if token is None:
            raise challenge(INVALID_TOKEN, "the access token is not valid", 401, scheme=scheme)
        if scheme == DPOP:
            self._require_proof(request, token, value)
        elif token.jkt is not None:
            raise challenge(INVALID_TOKEN, "the access token is bound to a key", 401, scheme=DPOP)
        return token

    def _require_proof(self, request: Request, token: AccessToken, value: str) -> None:
        try:
            jkt = self._proofs.require(
                request.headers.get(HEADER, ""),
                method=request.method,
                path=request.path,
                access_token=value,
            )
        except ProofInvalid as invalid:
            raise challenge(
                invalid.error,
                invalid.description,
                401,
                scheme=DPOP,
                reason=invalid.reason,
                headers=invalid.headers,
            ) from invalid
        if token.jkt != jkt:
            raise challenge(
                INVALID_TOKEN, "the access token is not bound to this key", 401, scheme=DPOP
            )


def challenge(
    error: str,
    description: str,
    status: int,
    *,
    scheme: str = BEARER,
    reason: str | None = None,
    headers: dict[str, str] | None = None,
) -> OAuthError:
    """Return the error with the challenge of RFC 6750 §3, or of RFC 9449 §7.1."""
    words = f'{scheme} error="{error}", error_description="{description}"'
    if scheme == DPOP:
        words = f"{words}, {_ALGS}"
    return OAuthError(
        error,
        description,
        reason=reason,
        status=status,
        headers={**(headers or {}), "WWW-Authenticate": words},
    )


def _presented(request: Request) -> tuple[str, str]:
    """Return how the one token of the request is presented, and it; never one in the address."""
    if "access_token" in from_query(request):
        raise challenge(INVALID_REQUEST, "a token does not belong into the address", 400)
    header = request.headers.get("Authorization", "")
    pairs = list(request.form.items(multi=True)) if request.method == "POST" else []
    posted = once_each(pairs).get("access_token")
    if header and posted:
        raise challenge(INVALID_REQUEST, "two tokens in one request", 400)
    if posted:
        return BEARER, posted
    name, _, value = header.partition(" ")
    for scheme in (BEARER, DPOP):
        if name.lower() == scheme.lower() and value.strip():
            return scheme, value.strip()
    raise OAuthError(
        INVALID_TOKEN,
        "an access token is needed",
        reason="no access token",
        status=401,
        headers={"WWW-Authenticate": f"{BEARER}, {DPOP} {_ALGS}"},
    )
