"""One provider, as a client of it: the requests this client makes and what comes of them.

Authlib builds the requests and authenticates the client; this module judges every reply.

Spec: RFC 6749 §4.1, §4.4, §6; RFC 7636; RFC 7009; RFC 9126; RFC 9449 §5; OIDC Core §3.1, §5.3.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx2
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from bff.problems import Unavailable
from bff.tokens import id_token as id_tokens
from bff.tokens import logout_token as logout_tokens
from bff.tokens import pushed
from bff.tokens.breaker import Breaker
from bff.tokens.client_auth import Credential
from bff.tokens.documents import Document
from bff.tokens.dpop import (
    ALGORITHM,
    NONCE_HEADER,
    USE_NONCE,
    Proofs,
    asks_for_nonce,
    new_key,
)
from bff.tokens.metadata import Metadata, fetch_keys, fetch_metadata
from bff.tokens.signed import key_id_of
from bff.tokens.token_reply import Binding, TokenReply, parse_token_reply
from bff.tokens.wire import (
    REPLY_LOST,
    BoundedTransport,
    GrantRefused,
    ProviderFault,
    open_client,
    provider_errors,
    require_answer,
    require_document,
    require_plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bff.sessions.model import AccessToken, BoundToken
    from bff.settings import ProviderSettings
    from bff.tokens.id_token import Expected
    from bff.tokens.logout_token import LogoutToken
    from bff.tokens.metadata import PublicKey

_TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name
_ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
_UNAUTHORIZED = 401


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
        self._credential = Credential(settings)
        self._proofs = Proofs(clock)
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
        # Without a client of Authlib's: this is asked by anybody, and making one costs most of it.
        url = prepare_grant_uri(
            metadata.authorization_endpoint,
            client_id=self.settings.client_id,
            response_type="code",
            redirect_uri=self.redirect_uri,
            scope=" ".join(self.settings.scopes),
            code_challenge=create_s256_code_challenge(code_verifier),
            code_challenge_method="S256",
            **parameters,
        )
        if pushing is None:
            return str(url)
        endpoints = (metadata.authorization_endpoint, pushing)
        with self._client() as client, self._breaker.attempt():
            return pushed.push(client, url, endpoints=endpoints, auth_method=self._auth_method())

    def new_proof_key(self) -> bytes | None:
        """Return a key for tokens to be bound to (RFC 9449), None where they are not to be.

        Raises:
            ProviderFault: the settings demand it, and the metadata rules it out.
        """
        if not self.settings.dpop:
            return None
        offered = self.metadata().dpop_signing_alg_values_supported
        if self.settings.dpop == "auto":
            return new_key() if offered and ALGORITHM in offered else None
        if offered is not None and ALGORITHM not in offered:
            raise ProviderFault("metadata: DPoP with ES256 is not offered")
        return new_key()

    def exchange_code(
        self, *, code: str, code_verifier: str, proof_key: bytes | None = None
    ) -> TokenReply:
        """Return the tokens for *code*, bound to *proof_key* where there is one.

        Raises:
            GrantRefused: the code is not accepted.
            Unavailable: no answer; the code may or may not have been used.
            ProviderFault: an answer that cannot be used.
        """
        with self._breaker.attempt():
            return self._grant(
                "authorization_code",
                proof_key,
                code=code,
                code_verifier=code_verifier,
                redirect_uri=self.redirect_uri,
            )

    def refresh(
        self, refresh_token: str, proof_key: bytes | None = None, **wanted: str
    ) -> TokenReply:
        """Return the tokens that replace *refresh_token*; raises as `exchange_code`.

        *wanted* may narrow them by ``resource`` (RFC 8707) and ``scope``. A reply lost on the wire
        is asked for once more: the provider may have rotated, and within its grace the same
        refresh token yields the same successor. More than once would hammer a provider that is
        sick.
        """
        with self._breaker.attempt():
            try:
                return self._refresh(refresh_token, proof_key, wanted)
            except Unavailable as outage:
                if outage.hint not in REPLY_LOST:
                    raise
            return self._refresh(refresh_token, proof_key, wanted)

    def exchange_token(
        self, access_token: str, proof_key: bytes | None = None, **wanted: str
    ) -> TokenReply:
        """Return a token for another audience, in trade for *access_token* (RFC 8693 §2.1).

        *wanted* names ``audience``, ``resource`` or ``scope``; raises as `exchange_code`.
        """
        with self._breaker.attempt():
            return self._grant(
                _TOKEN_EXCHANGE,
                proof_key,
                subject_token=access_token,
                subject_token_type=_ACCESS_TOKEN_TYPE,
                **wanted,
            )

    def client_credentials(self, proof_key: bytes | None = None, **wanted: str) -> TokenReply:
        """Return a token of the client's own (RFC 6749 §4.4); raises as `exchange_code`."""
        with self._breaker.attempt():
            return self._grant("client_credentials", proof_key, **wanted)

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

    def userinfo(self, token: BoundToken, *, sub: str) -> dict[str, Any]:
        """Return the claims of UserInfo, or none where it is not offered or says no.

        Raises:
            ProviderFault: it speaks of another person (OIDC Core §5.3.2).
            Unavailable: no answer.
        """
        endpoint = self.metadata().userinfo_endpoint
        if endpoint is None:
            return {}
        with provider_errors():
            reply = require_answer(self._get_with(token, endpoint))
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

    def _get_with(self, bound: BoundToken, endpoint: str) -> httpx2.Response:
        """Return the reply to a GET with *token*, asked for once more where a nonce is wanted."""
        token = bound.token
        headers = {"Authorization": f"{token.token_type} {token.value}"}
        if bound.proof_key is None:
            return open_client(self._transport).get(endpoint, headers=headers)
        client = open_client(_Proving(self._transport, self._proofs, bound.proof_key, token))
        reply = client.get(endpoint, headers=headers)
        challenges = reply.headers.get_list("WWW-Authenticate")
        if reply.status_code == _UNAUTHORIZED and asks_for_nonce(challenges):
            reply = client.get(endpoint, headers=headers)
        return reply

    def _refresh(
        self, refresh_token: str, proof_key: bytes | None, wanted: Mapping[str, str]
    ) -> TokenReply:
        return self._grant("refresh_token", proof_key, refresh_token=refresh_token, **wanted)

    def _grant(self, grant_type: str, proof_key: bytes | None, **parameters: str) -> TokenReply:
        if self.settings.resource and not parameters.keys() & {"resource", "audience"}:
            parameters["resource"] = self.settings.resource
        try:
            return self._ask_for_tokens(proof_key, {"grant_type": grant_type, **parameters})
        except GrantRefused as refusal:
            if proof_key is None or refusal.error != USE_NONCE:
                raise
        # Anew and not merely repeated: a client assertion is good for one request.
        return self._ask_for_tokens(proof_key, {"grant_type": grant_type, **parameters})

    def _ask_for_tokens(self, proof_key: bytes | None, parameters: Mapping[str, str]) -> TokenReply:
        endpoint, proving = self.metadata().token_endpoint, None
        if proof_key is not None:
            proving = _Proving(self._transport, self._proofs, proof_key)
        with provider_errors(), self._client(proving) as client:
            # Authlib would let a 429 pass as an OAuth error.
            client.register_compliance_hook("access_token_response", require_answer)
            asked_at = self._clock()
            reply = client.fetch_token(endpoint, **parameters)
            binding = Binding.of(proof_key, demanded=self.settings.dpop is True)
            return parse_token_reply(reply, asked_at, binding)

    def _key(self, key_id: str | None) -> PublicKey:
        keys = self.published_keys()
        if key_id not in keys and not (key_id is None and len(keys) == 1):
            keys = self._keys.get_newer()
        if key_id is None and len(keys) == 1:
            return next(iter(keys.values()))
        if key_id not in keys:
            raise ProviderFault("token is signed with a key that is not published")
        return keys[key_id]

    def _client(self, proving: httpx2.BaseTransport | None = None) -> Any:  # noqa: ANN401 - Authlib has no types
        return self._credential.client(
            proving or self._transport, method=self._auth_method(), now=self._clock()
        )

    def _auth_method(self) -> str:
        return self._credential.method(self.metadata().token_endpoint_auth_methods_supported)


class _Proving(httpx2.BaseTransport):
    """Puts a proof of a key on every request, and remembers the nonce of every reply."""

    def __init__(
        self,
        inner: httpx2.BaseTransport,
        proofs: Proofs,
        key: bytes,
        token: AccessToken | None = None,
    ) -> None:
        self._inner = inner
        self._proofs = proofs
        self._key = key
        self._token = token

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = str(request.url)
        request.headers["DPoP"] = self._proofs.prove(
            self._key, request.method, url, token=self._token
        )
        reply = self._inner.handle_request(request)
        self._proofs.remember(url, reply.headers.get(NONCE_HEADER, ""))
        return reply
