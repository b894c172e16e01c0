"""One provider, as a client of it: the requests this client makes and what comes of them.

Authlib builds the requests and authenticates the client; this module judges every reply.

Spec: RFC 6749 §4.1, §4.4, §6; RFC 7636; RFC 7009; RFC 9126; OIDC Core §3.1, §5.3; RFC 7523 §2.2.
"""

from __future__ import annotations

import base64
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import httpx2
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from bff.problems import Unavailable
from bff.tokens import id_token as id_tokens
from bff.tokens import logout_token as logout_tokens
from bff.tokens import pushed
from bff.tokens.breaker import Breaker
from bff.tokens.documents import Document
from bff.tokens.metadata import Metadata, fetch_keys, fetch_metadata
from bff.tokens.signed import key_id_of
from bff.tokens.token_reply import TokenReply, parse_token_reply
from bff.tokens.wire import (
    CLIENT_OPTIONS,
    REPLY_LOST,
    BoundedTransport,
    ProviderFault,
    open_client,
    provider_errors,
    require_answer,
    require_document,
    require_plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bff.settings import ProviderSettings
    from bff.tokens.id_token import Expected
    from bff.tokens.logout_token import LogoutToken
    from bff.tokens.metadata import PublicKey

_ASSERTION_LIFETIME_S = 60
_TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name
_ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
_ALG_OF_KEY = ((RSAKey, "RS256"), (ECKey, "ES256"))


class Provider:
    """Builds authorization requests and calls the provider's endpoints."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        redirect_uri: str,
        transport: httpx2.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self.issuer = settings.issuer
        self.redirect_uri = redirect_uri
        self._clock = clock
        self._transport = transport or BoundedTransport()
        self._metadata: Document[Metadata] = Document(
            lambda last: fetch_metadata(settings, self._transport, last)
        )
        self._keys: Document[dict[str | None, PublicKey]] = Document(
            lambda _last: fetch_keys(self.metadata(), self._transport)
        )
        self._private_key = _private_key(settings)
        self._breaker = Breaker()

    def metadata(self) -> Metadata:
        """Return the provider's metadata; raises `Unavailable` or `ProviderFault`."""
        return self._metadata.get()

    def published_keys(self) -> Mapping[str | None, PublicKey]:
        """Return the provider's public keys by id; raises as `metadata`."""
        return self._keys.get()

    def authorization_url(self, *, code_verifier: str, parameters: Mapping[str, str]) -> str:
        """Return where to send the browser: code flow, PKCE S256, our one redirect URI.

        Raises:
            ProviderFault: the provider's metadata rules S256 out; we do not sign in without it.
            GrantRefused, Unavailable: as `pushed.push`, where the request is pushed.
        """
        metadata = self._metadata.get_confirmed()
        methods = metadata.code_challenge_methods_supported
        if methods is not None and "S256" not in methods:
            raise ProviderFault("metadata: PKCE S256 is not offered")
        pushing = pushed.find_endpoint(metadata, self.settings.par)
        with self._client() as client:
            url, _state = client.create_authorization_url(
                metadata.authorization_endpoint,
                code_verifier=code_verifier,
                scope=" ".join(self.settings.scopes),
                redirect_uri=self.redirect_uri,
                **parameters,
            )
            if pushing is None:
                return str(url)
            endpoints = (metadata.authorization_endpoint, pushing)
            with self._breaker.attempt():
                return pushed.push(
                    client, url, endpoints=endpoints, auth_method=self._auth_method()
                )

    def exchange_code(self, *, code: str, code_verifier: str) -> TokenReply:
        """Return the tokens for *code*.

        Raises:
            GrantRefused: the code is not accepted.
            Unavailable: no answer; the code may or may not have been used.
            ProviderFault: an answer that cannot be used.
        """
        with self._breaker.attempt():
            return self._grant(
                "authorization_code",
                code=code,
                code_verifier=code_verifier,
                redirect_uri=self.redirect_uri,
            )

    def refresh(self, refresh_token: str, **wanted: str) -> TokenReply:
        """Return the tokens that replace *refresh_token*; raises as `exchange_code`.

        *wanted* may narrow them by ``resource`` (RFC 8707) and ``scope``. A reply lost on the wire
        is asked for once more: the provider may have rotated, and within its grace the same
        refresh token yields the same successor. More than once would hammer a provider that is
        sick.
        """
        with self._breaker.attempt():
            try:
                return self._grant("refresh_token", refresh_token=refresh_token, **wanted)
            except Unavailable as outage:
                if outage.hint not in REPLY_LOST:
                    raise
            return self._grant("refresh_token", refresh_token=refresh_token, **wanted)

    def exchange_token(self, access_token: str, **wanted: str) -> TokenReply:
        """Return a token for another audience, in trade for *access_token* (RFC 8693 §2.1).

        *wanted* names ``audience``, ``resource`` or ``scope``; raises as `exchange_code`.
        """
        with self._breaker.attempt():
            return self._grant(
                _TOKEN_EXCHANGE,
                subject_token=access_token,
                subject_token_type=_ACCESS_TOKEN_TYPE,
                **wanted,
            )

    def client_credentials(self, **wanted: str) -> TokenReply:
        """Return a token of the client's own (RFC 6749 §4.4); raises as `exchange_code`."""
        with self._breaker.attempt():
            return self._grant("client_credentials", **wanted)

    def validate_id_token(
        self, id_token: str, expected: Expected, *, access_token: str | None
    ) -> dict[str, Any]:
        """Return the claims of *id_token*; raises as `id_token.validate`."""
        key = self._key(key_id_of(id_token))
        return id_tokens.validate(
            id_token, key, expected, access_token=access_token, now=self._clock()
        )

    def validate_logout_token(self, token: str) -> LogoutToken:
        """Return what *token* says; raises as `logout_token.validate`."""
        return logout_tokens.validate(
            token,
            self._key(key_id_of(token)),
            issuer=self.issuer,
            client_id=self.settings.client_id,
            now=self._clock(),
        )

    def userinfo(self, access_token: str, *, sub: str) -> dict[str, Any]:
        """Return the claims of UserInfo, or none where it is not offered or says no.

        Raises:
            ProviderFault: it speaks of another person (OIDC Core §5.3.2).
            Unavailable: no answer.
        """
        endpoint = self.metadata().userinfo_endpoint
        if endpoint is None:
            return {}
        with provider_errors():
            reply = require_answer(
                open_client(self._transport).get(
                    endpoint, headers={"Authorization": f"Bearer {access_token}"}
                )
            )
            claims = reply.json() if reply.is_success else {}
        if not isinstance(claims, dict):
            raise ProviderFault("userinfo is not an object")
        if claims and claims.get("sub") != sub:
            raise ProviderFault("userinfo speaks of another sub")
        return require_plain(claims)

    def revoke(self, refresh_token: str) -> None:
        """Tell the provider that *refresh_token* is done with (RFC 7009), where it listens.

        Raises:
            Unavailable: no answer. `ProviderFault`: an answer that cannot be used.
        """
        endpoint = self.metadata().revocation_endpoint
        if endpoint is None:
            return
        with provider_errors(), self._client() as client:
            require_document(
                client.revoke_token(endpoint, refresh_token, token_type_hint="refresh_token")  # noqa: S106
            )

    def _grant(self, grant_type: str, **parameters: str) -> TokenReply:
        if self.settings.resource and not parameters.keys() & {"resource", "audience"}:
            parameters["resource"] = self.settings.resource
        endpoint = self.metadata().token_endpoint
        with provider_errors(), self._client() as client:
            # Authlib would let a 429 pass as an OAuth error.
            client.register_compliance_hook("access_token_response", require_answer)
            asked_at = self._clock()
            reply = client.fetch_token(endpoint, grant_type=grant_type, **parameters)
            return parse_token_reply(reply, asked_at)

    def _key(self, key_id: str | None) -> PublicKey:
        keys = self.published_keys()
        if key_id not in keys and not (key_id is None and len(keys) == 1):
            keys = self._keys.get_newer()
        if key_id is None and len(keys) == 1:
            return next(iter(keys.values()))
        if key_id not in keys:
            raise ProviderFault("token is signed with a key that is not published")
        return keys[key_id]

    def _client(self) -> Any:  # noqa: ANN401 - Authlib has no types
        client = OAuth2Client(
            self.settings.client_id,
            self._private_key[0] if self._private_key else _plain_secret(self.settings),
            token_endpoint_auth_method=self._auth_method(),
            revocation_endpoint_auth_method=self._auth_method(),
            code_challenge_method="S256",
            transport=_Shared(self._transport),
            **CLIENT_OPTIONS,
        )
        client.register_client_auth_method(("client_secret_basic", _basic))
        if self._private_key:
            claims = {"exp": int(self._clock()) + _ASSERTION_LIFETIME_S}
            # The issuer as audience, so that no endpoint can replay the assertion elsewhere.
            client.register_client_auth_method(
                PrivateKeyJWT(self.issuer, claims=claims, alg=self._private_key[1])
            )
        return client

    def _auth_method(self) -> str:
        if self._private_key is not None:
            return "private_key_jwt"
        offered = self.metadata().token_endpoint_auth_methods_supported
        # Basic is what every provider must accept (RFC 6749 §2.3.1); some do not.
        if offered and "client_secret_basic" not in offered and "client_secret_post" in offered:
            return "client_secret_post"
        return "client_secret_basic"


class _Shared(httpx2.BaseTransport):
    """The provider's transport, outliving the short-lived client that uses it."""

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Leave the pooled connections open."""


def _private_key(settings: ProviderSettings) -> tuple[RSAKey | ECKey, str] | None:
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
