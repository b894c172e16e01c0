"""Who calls: the one way in which a client proves itself in a request.

Unknown clients, wrong secrets and wrong methods are one answer after the same work.

Spec: OAuth 2.1 §2.4 and §3.2.4; A-17, A-18, A-20 to A-22.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

import structlog

from httpkit.problems import Unavailable
from sso.clients.assertions import ASSERTION_TYPE, AssertionInvalid, client_id_in
from sso.clients.registration import AUTH_KEY, AUTH_NONE, AUTH_SECRET
from sso.errors import INVALID_CLIENT, INVALID_REQUEST, OAuthError
from sso.storage.digests import digest
from sso.throttle import Throttled

if TYPE_CHECKING:
    from sso.clients.assertions import Assertions
    from sso.clients.registry import Clients
    from sso.clock import Clock
    from sso.parameters import Parameters
    from sso.settings import Throttles
    from sso.storage.clients import Client, ClientSecret
    from sso.throttle import Throttle

SECRET_BASIC: Final = "client_secret_basic"
SECRET_POST: Final = "client_secret_post"
METHODS: Final = (SECRET_BASIC, SECRET_POST, AUTH_KEY, AUTH_NONE)
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="oauth", charset="UTF-8"'}
_MAX_HEADER_CHARS: Final = 2_048


@dataclass(frozen=True)
class Credentials:
    """What a request claims about its sender; nothing is proven yet."""

    client_id: str
    secret: str | None = field(repr=False)
    assertion: str | None = field(default=None, repr=False)


def parse_credentials(authorization: str | None, parameters: Parameters) -> Credentials:
    """Return the one claim that the request makes.

    Raises:
        OAuthError: ``invalid_request`` for two methods at once or two client ids,
            ``invalid_client`` for none or an unreadable one.
    """
    posted = parameters.get("client_secret")
    asserted = "client_assertion" in parameters or "client_assertion_type" in parameters
    if (authorization is not None) + (posted is not None) + asserted > 1:
        raise OAuthError(INVALID_REQUEST, "two client authentication methods in one request")
    if asserted:
        return _from_assertion(parameters)
    if authorization is not None:
        basic = _from_basic(authorization)
        if parameters.get("client_id", basic.client_id) != basic.client_id:
            raise OAuthError(INVALID_REQUEST, "two different client ids in one request")
        return basic
    client_id = parameters.get("client_id")
    if client_id is None:
        raise _refused("the request names no client")
    return Credentials(client_id, posted)


class ClientAuthentication:
    """Turns claims into clients."""

    def __init__(
        self,
        clients: Clients,
        assertions: Assertions,
        clock: Clock,
        throttle: Throttle,
        limits: Throttles,
    ) -> None:
        self._clients = clients
        self._assertions = assertions
        self._clock = clock
        self._throttle = throttle
        self._limits = limits

    def require(self, authorization: str | None, parameters: Parameters, *, ip: str) -> Client:
        """Return the client that the request proves to come from.

        Raises:
            OAuthError: see `parse_credentials`; ``invalid_client`` where the proof fails, with
                429 where it failed too often for this client from *ip*.
        """
        claimed = parse_credentials(authorization, parameters)
        try:
            return self._proven(claimed)
        except OAuthError:
            self._count_failure(claimed, ip)
            raise

    def _proven(self, claimed: Credentials) -> Client:
        structlog.contextvars.bind_contextvars(client=claimed.client_id[:64])
        client = self._clients.find(claimed.client_id)
        secrets = client.secrets if client is not None else []
        proven = self._is_one_of(claimed.secret or "", secrets)
        if client is None:
            raise _refused("no such client")
        if client.auth_method != _method_of(claimed, client):
            raise _refused(f"the client registered the method {client.auth_method}")
        if client.auth_method == AUTH_SECRET and not proven:
            raise _refused("no secret" if claimed.secret is None else "wrong secret")
        if claimed.assertion is not None:
            try:
                self._assertions.require(client, claimed.assertion)
            except AssertionInvalid as invalid:
                raise _refused(str(invalid)) from invalid
        return client

    def _count_failure(self, claimed: Credentials, ip: str) -> None:
        """Take a place for a wrong secret.

        Only wrong ones are counted: 256 random bits are not guessed, so what is spared is this
        machine, and nobody can lock a client out that has its secret. Without Redis nothing is
        counted: tokens do not wait for it.
        """
        try:
            self._throttle.take(
                "client secret",
                f"{claimed.client_id} {ip}",
                limit=self._limits.wrong_secrets_per_client,
                window_s=self._limits.window_s,
            )
        except Unavailable:
            return
        except Throttled as throttled:
            raise OAuthError(
                INVALID_CLIENT,
                "client authentication failed too often",
                status=429,
                headers={"Retry-After": str(throttled.retry_after_s)},
            ) from None

    def _is_one_of(self, secret: str, secrets: list[ClientSecret]) -> bool:
        presented = digest(secret)
        now = self._clock()
        return any(
            hmac.compare_digest(presented, each.digest)
            for each in secrets
            if each.expires_at is None or each.expires_at > now
        )


def _method_of(claimed: Credentials, client: Client) -> str:
    if claimed.assertion is not None:
        return AUTH_KEY
    if claimed.secret is not None:
        return AUTH_SECRET
    # Nothing was shown: right for a public client, and "no secret" is the truer word for others.
    return AUTH_SECRET if client.auth_method == AUTH_SECRET else AUTH_NONE


def _from_assertion(parameters: Parameters) -> Credentials:
    assertion = parameters.get("client_assertion", "")
    if parameters.get("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthError(INVALID_REQUEST, f"client_assertion_type must be {ASSERTION_TYPE}")
    client_id = client_id_in(assertion)
    if client_id is None or parameters.get("client_id", client_id) != client_id:
        raise _refused("the assertion names no client, or another than client_id does")
    return Credentials(client_id, None, assertion)


def _from_basic(authorization: str) -> Credentials:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(authorization) > _MAX_HEADER_CHARS:
        raise _refused("the Authorization header is not Basic")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        client_id, colon, secret = text.partition(":")
        if not colon:
            raise _refused("the Basic credentials have no colon")
        return Credentials(
            unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
        )
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _refused("the Basic credentials cannot be read") from error


def _refused(reason: str) -> OAuthError:
    return OAuthError(
        INVALID_CLIENT,
        "client authentication failed",
        reason=reason,
        status=401,
        headers=CHALLENGE,
    )
