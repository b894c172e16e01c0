"""What each scope tells about a person.

Spec: OIDC Core §5.1 and §5.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from sso.storage.people import User

OPENID: Final = "openid"
PROFILE: Final = "profile"
EMAIL: Final = "email"
OFFLINE_ACCESS: Final = "offline_access"
# Scopes that say something about a person: no machine has them.
OF_PEOPLE: Final = frozenset({OPENID, PROFILE, EMAIL, OFFLINE_ACCESS})
SUPPORTED_CLAIMS: Final = (
    "sub",
    "name",
    "preferred_username",
    "updated_at",
    "email",
    "email_verified",
    "acr",
    "amr",
    "auth_time",
)
# Each claim about a person that can be asked for by itself, and the scope that opens it.
SCOPE_OF: Final = {
    "name": PROFILE,
    "preferred_username": PROFILE,
    "updated_at": PROFILE,
    "email": EMAIL,
    "email_verified": EMAIL,
}


def name_claims(user: User, scopes: Collection[str]) -> dict[str, Any]:
    """Return the claims by which an API may call the person, where ``profile`` was granted."""
    if PROFILE not in scopes:
        return {}
    return {"name": user.username, "preferred_username": user.username}


def person_claims(
    user: User, scopes: Collection[str], named: Collection[str] = ()
) -> dict[str, Any]:
    """Return every claim about *user* that *scopes* open or that is *named*, ``sub`` aside."""
    if named:
        every = person_claims(user, {SCOPE_OF[name] for name in named})
        picked = {name: every[name] for name in named}
        return {**person_claims(user, scopes), **picked}
    claims = name_claims(user, scopes)
    if PROFILE in scopes:
        claims["updated_at"] = int(user.updated_at.timestamp())
    if EMAIL in scopes:
        claims["email"] = user.email
        claims["email_verified"] = user.email_verified
    return claims
