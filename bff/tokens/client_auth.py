"""How this client proves at a provider who it is.

Spec: RFC 6749 §2.3.1; RFC 7523 §2.2; OIDC Core §9.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import httpx2
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from bff.tokens.wire import CLIENT_OPTIONS

if TYPE_CHECKING:
    from bff.settings import ProviderSettings

    PrivateKey = RSAKey | ECKey

_ASSERTION_LIFETIME_S = 60
_ALG_OF_KEY = ((RSAKey, "RS256"), (ECKey, "ES256"))


class Credential:
    """What this client authenticates itself with at one provider."""

    def __init__(self, settings: ProviderSettings) -> None:
        """Read the private key, where there is one."""
        self._settings = settings
        self._private_key = _private_key(settings)

    def method(self, offered: list[str] | None) -> str:
        """Return how to authenticate where *offered* is what the provider takes."""
        if self._private_key is not None:
            return "private_key_jwt"
        # Basic is what every provider must accept (RFC 6749 §2.3.1); some do not.
        if offered and "client_secret_basic" not in offered and "client_secret_post" in offered:
            return "client_secret_post"
        return "client_secret_basic"

    def client(self, transport: httpx2.BaseTransport, *, method: str, now: float) -> Any:  # noqa: ANN401 - Authlib has no types
        """Return a short-lived client over *transport*, which outlives it."""
        settings = self._settings
        client = OAuth2Client(
            settings.client_id,
            self._private_key[0] if self._private_key else _plain_secret(settings),
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
            code_challenge_method="S256",
            transport=_Shared(transport),
            **CLIENT_OPTIONS,
        )
        client.register_client_auth_method(("client_secret_basic", _basic))
        if self._private_key:
            claims = {"exp": int(now) + _ASSERTION_LIFETIME_S}
            # The issuer as audience, so that no endpoint can replay the assertion elsewhere.
            client.register_client_auth_method(
                PrivateKeyJWT(settings.issuer, claims=claims, alg=self._private_key[1])
            )
        return client


class _Shared(httpx2.BaseTransport):
    """The provider's transport, outliving the short-lived client that uses it."""

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Leave the pooled connections open."""


def _private_key(settings: ProviderSettings) -> tuple[PrivateKey, str] | None:
    if settings.private_key_file is None:
        return None
    pem = settings.private_key_file.read_bytes()
    for kind, alg in _ALG_OF_KEY:
        with suppress(JoseError, ValueError, TypeError):
            return kind.import_key(pem), alg
    raise ValueError(f"{settings.private_key_file} holds no RSA or EC private key in PEM")


def _plain_secret(settings: ProviderSettings) -> str | None:
    return settings.client_secret.get_secret_value() if settings.client_secret else None


def _basic(
    client: Any,  # noqa: ANN401 - Authlib has no types
    _method: str,
    uri: str,
    headers: dict[str, str],
    body: str,
) -> tuple[str, dict[str, str], str]:
    # Both halves form-encoded first (RFC 6749 §2.3.1); Authlib's own method leaves that out.
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return uri, headers, body
