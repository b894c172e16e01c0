"""What a provider says of itself: its metadata and its keys.

Spec: OIDC Discovery §4, RFC 8414 §3, RFC 7517.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from bff.settings.rules import require_http_url
from bff.tokens.wire import ProviderFault, open_client, provider_errors, require_document

if TYPE_CHECKING:
    import httpx2

    from bff.settings import ProviderSettings

PublicKey = RSAKey | ECKey | OKPKey
_KINDS: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class Metadata(msgspec.Struct, frozen=True):
    """The part of a provider's metadata that a client uses; absent means not offered."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    revocation_endpoint: str | None = None
    end_session_endpoint: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    require_pushed_authorization_requests: bool = False
    authorization_response_iss_parameter_supported: bool = False
    code_challenge_methods_supported: list[str] | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None
    dpop_signing_alg_values_supported: list[str] | None = None

    def endpoints(self) -> dict[str, str]:
        """Return every address that is offered, by its name."""
        named = msgspec.structs.asdict(self)
        return {
            name: value
            for name, value in named.items()
            if name.endswith(("_endpoint", "_uri")) and value is not None
        }


def fetch_metadata(
    provider: ProviderSettings, transport: httpx2.BaseTransport, last_good: Metadata | None
) -> Metadata:
    """Return the provider's metadata, checked.

    Raises:
        ProviderFault: it is not metadata, names another issuer (B-09) or an address that is not
            safe, or has moved to other hosts since the last good copy: that is how a hijacked
            document looks, and a restart is how an operator agrees to a move.
        Unavailable: no answer.
    """
    url = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
    with provider_errors():
        body = require_document(open_client(transport).get(url))
        metadata = msgspec.json.decode(body, type=Metadata)
    if metadata.issuer != provider.issuer:
        raise ProviderFault("metadata names another issuer")
    for name, address in metadata.endpoints().items():
        try:
            _require_endpoint(address, plain_http=provider.plain_http)
        except ValueError as error:
            raise ProviderFault(f"metadata: {name} {error}") from error
    if last_good is not None and _hosts(metadata) != _hosts(last_good):
        raise ProviderFault("metadata: the endpoints moved to other hosts")
    return metadata


def fetch_keys(metadata: Metadata, transport: httpx2.BaseTransport) -> dict[str | None, PublicKey]:
    """Return the provider's public keys for signatures, by key id.

    Keys of unknown kinds, of other uses or without sense are passed over: a provider may publish
    more than we understand.

    Raises:
        ProviderFault: no usable key.
        Unavailable: no answer.
    """
    with provider_errors():
        body = require_document(open_client(transport).get(metadata.jwks_uri))
        published = msgspec.json.decode(body, type=dict[str, Any]).get("keys")
    keys: dict[str | None, PublicKey] = {}
    for jwk in published if isinstance(published, list) else []:
        key = _import_key(jwk)
        if key is not None:
            keys[jwk.get("kid")] = key
    if not keys:
        raise ProviderFault("no usable key is published")
    return keys


def _import_key(jwk: object) -> PublicKey | None:
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
        return None
    kind = _KINDS.get(str(jwk.get("kty")))
    try:
        return kind.import_key(jwk) if kind else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _require_endpoint(address: str, *, plain_http: bool) -> None:
    # An endpoint may have a query of its own (RFC 6749 §3.1), an issuer may not.
    require_http_url(address.partition("?")[0], plain_http=plain_http)


def _hosts(metadata: Metadata) -> set[str]:
    return {urlsplit(address).netloc for address in metadata.endpoints().values()}
