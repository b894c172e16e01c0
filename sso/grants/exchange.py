"""Token exchange: a token for one API made over into a narrower one for another.

What comes out never says more, reaches further or lives longer than what went in, names who acts
in ``act``, and ends with its source.

Spec: RFC 8693 §2, §4.1; A-49.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sso.clients.registration import TOKEN_EXCHANGE
from sso.errors import (
    INVALID_DPOP_PROOF,
    INVALID_REQUEST,
    INVALID_SCOPE,
    INVALID_TARGET,
    OAuthError,
)
from sso.parameters import space_separated
from sso.tokens.claims import PROFILE

if TYPE_CHECKING:
    from sso.clients.exchange_policies import ExchangePolicies
    from sso.parameters import Parameters
    from sso.storage.clients import Client, ExchangePolicy
    from sso.tokens.access import AccessToken, AccessTokens, Issued

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
_CARRIED: Final = ("auth_time", "acr", "amr")
_NAMES: Final = ("name", "preferred_username")
_MAX_ACTORS: Final = 5


class TokenExchange:
    """Makes tokens over, as far as policy lets a client."""

    def __init__(self, policies: ExchangePolicies, access_tokens: AccessTokens) -> None:
        self._policies = policies
        self._access_tokens = access_tokens

    def exchange(
        self, client: Client, parameters: Parameters, *, bound_to: dict[str, Any]
    ) -> tuple[Issued, list[str]]:
        """Return the new token and its scopes; *bound_to* is its ``cnf``, if it has one.

        Raises:
            OAuthError: ``invalid_request`` for a subject token that is not good here,
                ``invalid_target`` where policy has no such line, ``invalid_scope`` where nothing
                or too much would be left.
        """
        subject = self._subject(parameters)
        if subject.jkt is not None and not bound_to:
            raise OAuthError(INVALID_DPOP_PROOF, "a bound token is not made over into a bearer's")
        line = self._line(client, subject, parameters)
        scopes = _scopes(subject, line, parameters)
        issued = self._access_tokens.issue(
            client,
            TOKEN_EXCHANGE,
            sub=subject.sub,
            audience=line.to_audience,
            scopes=scopes,
            grant_id=subject.grant_id,
            extra={**_carried(subject, scopes), "act": _actor(client, subject), **bound_to},
            source=subject,
        )
        return issued, scopes

    def _subject(self, parameters: Parameters) -> AccessToken:
        for name in ("actor_token", "actor_token_type"):
            if name in parameters:
                raise OAuthError(INVALID_REQUEST, f"{name} is not supported: the client acts")
        if parameters.get("subject_token_type") != ACCESS_TOKEN:
            raise OAuthError(INVALID_REQUEST, f"subject_token_type must be {ACCESS_TOKEN}")
        if parameters.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise OAuthError(INVALID_REQUEST, f"requested_token_type must be {ACCESS_TOKEN}")
        if (value := parameters.get("subject_token")) is None:
            raise OAuthError(INVALID_REQUEST, "subject_token is missing")
        subject = self._access_tokens.find(value)
        if subject is None:
            raise OAuthError(
                INVALID_REQUEST,
                "the subject token is not valid",
                reason="subject token unknown, expired or revoked",
            )
        return subject

    def _line(self, client: Client, subject: AccessToken, parameters: Parameters) -> ExchangePolicy:
        """Return the line of the policy that allows it; the only one where none is named."""
        named = {parameters[each] for each in ("audience", "resource") if each in parameters}
        if len(named) > 1:
            raise OAuthError(INVALID_TARGET, "audience and resource name two targets")
        audience = str(subject.claims.get("aud"))
        lines = self._policies.of(
            client.client_id, subject_client_id=subject.client_id, from_audience=audience
        )
        fitting = [each for each in lines if not named or each.to_audience in named]
        if len(fitting) != 1:
            raise OAuthError(
                INVALID_TARGET,
                "the client may not exchange this token for that target",
                reason=f"no line of the policy for tokens of {subject.client_id} for {audience}"
                if not fitting
                else "several targets are allowed and none was named",
            )
        return fitting[0]


def _scopes(subject: AccessToken, line: ExchangePolicy, parameters: Parameters) -> list[str]:
    allowed = [each for each in space_separated(line.scope) if each in subject.scopes]
    asked = space_separated(parameters.get("scope", ""))
    if not set(asked) <= set(allowed):
        raise OAuthError(INVALID_SCOPE, "scope exceeds the subject token's or the policy's")
    if not (asked or allowed):
        raise OAuthError(INVALID_SCOPE, "nothing of the subject token's scope would be left")
    return asked or allowed


def _carried(subject: AccessToken, scopes: list[str]) -> dict[str, Any]:
    names = (*_CARRIED, *(_NAMES if PROFILE in scopes else ()))
    return {name: subject.claims[name] for name in names if name in subject.claims}


def _actor(client: Client, subject: AccessToken) -> dict[str, Any]:
    """Return who acts now, and within it who acted before (RFC 8693 §4.1)."""
    before = subject.claims.get("act")
    actors, deeper = 1, before
    while isinstance(deeper, dict):
        actors, deeper = actors + 1, deeper.get("act")
    if actors > _MAX_ACTORS:
        raise OAuthError(INVALID_REQUEST, "the token was exchanged too often")
    return {"sub": client.client_id, **({"act": before} if before else {})}
