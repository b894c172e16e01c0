"""Where a person's name comes from: the token's own claims, else UserInfo with that same token.

An access token by RFC 9068 need not carry a name, and the issuer may be silent: a directory entry
is never refused for want of one.

Spec: OpenID Connect Core §5.1, §5.3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from httpkit import events
from workbench.issuer import IssuerSilent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.bearer import Caller
    from workbench.issuer import IssuerClient

PROFILE_FAILED = "user.profile_failed"
_EMAIL_SCOPE = "email"
_NAME_LENGTH = 200
_EMAIL_LENGTH = 320


@dataclass(frozen=True, slots=True)
class Profile:
    """What the issuer says of a person, cut to what the directory holds.

    Attributes:
        email_told: whether `email` is the issuer's word; else nobody was asked or would tell.
    """

    name: str | None
    username: str | None
    email: str | None
    email_told: bool

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> Self | None:
        """Return the profile that *claims* carry, or None where they name nobody."""
        username = _text(claims.get("preferred_username"), _NAME_LENGTH)
        name = _text(claims.get("name"), _NAME_LENGTH) or username
        if name is None:
            return None
        email = _text(claims.get("email"), _EMAIL_LENGTH)
        return cls(name, username, email, email_told=email is not None)


class ProfileSource:
    """Asks for names; never raises, because a name is a courtesy and not a permission."""

    def __init__(self, client: IssuerClient) -> None:
        self._client = client
        self._userinfo_endpoint: object = None

    def find(self, caller: Caller) -> Profile | None:
        """Return the caller's profile, or None where nobody would tell.

        UserInfo is asked where the token lacks what its scopes stand for.
        """
        told = Profile.from_claims(caller.claims)
        if told is not None and (told.email_told or _EMAIL_SCOPE not in caller.scopes):
            return told
        return self._ask(caller) or told

    def _ask(self, caller: Caller) -> Profile | None:
        try:
            if self._userinfo_endpoint is None:
                self._userinfo_endpoint = self._client.discover().get("userinfo_endpoint")
            claims = self._client.get_json(self._userinfo_endpoint, bearer=caller.access_token)
        except IssuerSilent as reason:
            self._userinfo_endpoint = None  # it may have moved
            events.get_logger().warning(PROFILE_FAILED, reason=str(reason))
            return None
        # Another person's answer must never end up in this entry (Core §5.3.2).
        if claims.get("sub") != caller.subject:
            return None
        found = Profile.from_claims(claims)
        return replace(found, email_told=True) if found else None


def _text(value: object, limit: int) -> str | None:
    if not isinstance(value, str):
        return None
    printable = "".join(char for char in value if char.isprintable()).strip()
    return printable[:limit] or None
