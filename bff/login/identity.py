"""Who signed in: what the provider's answer says of the person, every check behind it.

Spec: OIDC Core §2, §3.1.3.7, §5.3.2.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from bff.problems import Unavailable
from bff.tokens.id_token import Expected
from bff.tokens.wire import ProviderFault

if TYPE_CHECKING:
    from bff.login.transaction import Transaction
    from bff.tokens.provider import Provider
    from bff.tokens.token_reply import TokenReply

# Claims of the protocol, not of the person (OIDC Core §2, §3.1.3.6).
PROTOCOL_CLAIMS: Final = frozenset(
    {"at_hash", "aud", "azp", "c_hash", "exp", "iat", "iss", "jti", "nbf", "nonce", "s_hash"}
)
# How and when somebody signed in is believed of a signed token alone.
_SIGNED_ONLY: Final = PROTOCOL_CLAIMS | {"acr", "amr", "auth_time", "sid"}


def identify(
    provider: Provider, attempt: Transaction, reply: TokenReply, proof_key: bytes | None
) -> dict[str, Any]:
    """Return the claims of who signed in: the ID token's, completed by UserInfo."""
    if reply.id_token is None:
        raise ProviderFault("token reply without id_token")
    expected = Expected(
        issuer=provider.issuer,
        client_id=provider.settings.client_id,
        nonce=attempt.nonce,
        max_age_s=attempt.max_age_s,
        acr_values=attempt.acr_values,
    )
    access_token = reply.access_token.value
    claims = provider.validate_id_token(reply.id_token, expected, access_token=access_token)
    scopes = provider.settings.scopes
    if ("profile" in scopes and "name" not in claims) or (
        "email" in scopes and "email" not in claims
    ):
        # A name is no reason to keep somebody out: without UserInfo the login stands.
        with suppress(Unavailable):
            said = provider.userinfo(reply.bound_to(proof_key), sub=claims["sub"])
            claims = {name: said[name] for name in said.keys() - _SIGNED_ONLY} | claims
    return claims
